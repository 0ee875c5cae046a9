"""What the record shows of each kind of fault: the witnesses, read from recordings."""

from harness.cluster import Link
from harness.faults import Fault, Sighting
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.judge.judge import judge
from harness.recording.events import AnyEvent, ContainerChanged, Counted, FaultFired, FaultHealed
from harness.wire import Counters, PortCount
from tests.objectives.test_words import written
from tests.recording.builder import CLUSTER, Pair, Story, at, scenario

SLOW = Latency(name="slow-n1", at_s=5, for_s=20, link=Link("gateway", "n1"), delay_s=0.2)
DEAD = Kill(name="dead-n1", at_s=5, for_s=20, nodes=("n1",))


def quiet(pair: Pair, sent_s: float) -> float:
    return 0.001


def told(name: str, node: str, rtt_s: object = quiet, more: tuple[AnyEvent, ...] = ()) -> Story:
    """One fault in force on one node from 15.001 to 35.2 s, whose heal was begun at 35 s."""
    fired = (FaultFired(at(15), name, node, at(15), at(15.001)),)
    healed = (FaultHealed(at(35), name, node, at(35), at(35.2), "schedule", bytes=9412),)
    return Story(fired=fired, healed=healed, more=more).but(rtt_s=rtt_s)


def sighting(fault: Fault, story: Story) -> Sighting:
    evidence = story.evidence()
    in_force = evidence.in_force(fault.name)
    assert in_force is not None
    return fault.sighting(evidence, CLUSTER, in_force)


def slow(pair: Pair, sent_s: float) -> float:
    return 0.201 if pair == ("gateway", "n1") and 15.001 <= sent_s < 35 else 0.001


def half_slow(pair: Pair, sent_s: float) -> float:
    return slow(pair, sent_s) if sent_s < 30 else 0.001


def silent(pair: Pair, sent_s: float) -> float | None:
    return None if sent_s > 15 else 0.001


def test_a_slow_link_is_seen_by_its_late_echoes_and_met_by_the_bytes_that_went_through_it() -> None:
    assert sighting(SLOW, told("slow-n1", "gateway", slow)) == Sighting(
        True, True, "echo +200 ms (40 of 40 late); 9,412 bytes went through it; gone: +0 ms"
    )


def test_a_link_that_was_slow_for_half_the_time_was_not_slowed_as_planned() -> None:
    assert sighting(SLOW, told("slow-n1", "gateway", half_slow)) == Sighting(
        False, True, "echo +200 ms (30 of 40 late); 9,412 bytes went through it; gone: +0 ms"
    )


def test_a_link_from_which_no_echo_came_back_shows_nothing() -> None:
    found = sighting(SLOW, told("slow-n1", "gateway", silent))
    assert found == Sighting(False, False, "no echo came back on this link before and during it, so nothing was seen")


def test_a_slow_link_does_not_excuse_another_that_slows_beside_it() -> None:
    def beside(pair: Pair, sent_s: float) -> float:
        added_s = {("gateway", "n2"): 0.045, ("gateway", "n3"): 0.035}.get(pair, 0.0)
        return slow(pair, sent_s) + (added_s if 15 <= sent_s < 35 else 0.0)

    answers = written("success", name="answers", of="chat", success=">= 99.5%")
    found = judge(scenario(answers, faults=(SLOW,)), told("slow-n1", "gateway", beside).evidence())
    assert (found.outcome, found.sentence) == (
        "inconclusive",
        "slow-n1 changed what it does not name: gateway -> n2 became 45 ms slower (at most 40 ms)",
    )


def counted(packets: int, seconds: float) -> Counted:
    return Counted(at(seconds), "n1", Counters(at(seconds), 0, (), (), (PortCount(11434, packets, packets),)))


DIED = ContainerChanged(at(15.001), "n1", "die", 137)
BACK = ContainerChanged(at(35.2), "n1", "start")
MET = (counted(100, 14), counted(120, 16), counted(150, 30), counted(400, 40))


def test_a_killed_node_is_seen_to_die_and_met_by_what_came_for_its_dead_port_while_its_echo_lives() -> None:
    answers = written("success", name="answers", of="chat", success=">= 99.5%")
    story = told("dead-n1", "n1", more=(DIED, BACK, *MET))
    assert sighting(DEAD, story) == Sighting(
        True, True, "1 of 1 died; 30 packets came for a dead port; 1 started again"
    )
    assert judge(scenario(answers, faults=(DEAD,)), story.evidence()).outcome == "held"


def test_a_node_that_came_back_by_itself_was_not_kept_down() -> None:
    story = told("dead-n1", "n1", more=(DIED, ContainerChanged(at(17), "n1", "start"), BACK, *MET))
    assert sighting(DEAD, story) == Sighting(
        False,
        True,
        "1 of 1 died; 30 packets came for a dead port; 1 started again; n1 came back before it was told to",
    )


def test_a_node_that_nobody_asked_for_was_killed_for_nothing() -> None:
    found = sighting(DEAD, told("dead-n1", "n1", more=(DIED, BACK, counted(100, 16), counted(100, 30))))
    assert found == Sighting(True, False, "1 of 1 died; 0 packets came for a dead port; 1 started again")


def test_a_node_whose_end_nobody_saw_is_not_known_to_be_dead() -> None:
    assert not sighting(DEAD, told("dead-n1", "n1", more=MET)).seen
