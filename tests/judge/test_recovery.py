"""The phases of each recovery in the verdict, with their bounds, or the reason why there is none."""

from dataclasses import replace
from typing import Any

import pytest

from harness.cluster import Link
from harness.faults import CATALOGUE, Fault
from harness.faults.cpu import Cpu
from harness.faults.hardware_failure import HardwareFailure
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.faults.partition import Partition
from harness.judge.judge import judge
from harness.judge.recovery import hit
from harness.judge.verdict import Phase, Recovery, encode
from harness.objectives import Objective
from harness.operations import Outcome
from harness.recording.events import ClockSeen, Ended, FaultFired, FaultHealed, LoadEnded
from harness.recording.evidence import Evidence
from harness.targets import Target
from harness.traffic.serf import Serf
from harness.words import words_of
from tests.objectives.test_logs import SAID
from tests.objectives.test_recovery import LOST
from tests.objectives.test_words import written
from tests.recording.builder import CHAT, CLUSTER, LOST_N1, Harm, Story, at, scenario

ANSWERS = written("success", name="answers", of="chat", success=">= 90%")


def recoveries(story: Story, *objectives: Objective, faults: tuple[Fault, ...] = (LOST_N1,)) -> tuple[Recovery, ...]:
    return judge(scenario(*(objectives or (ANSWERS,)), faults=faults), story.evidence()).recoveries


def test_every_phase_is_told_with_its_bound_and_where_it_comes_from() -> None:
    assert recoveries(LOST) == (
        Recovery(
            fault="lost-n1",
            traffic="chat",
            phases=(
                Phase("detected", 0.059, 0.0211, "the first operation of chat that failed or was late"),
                Phase("failed over", 0.089, 0.0211, "the first good answer of chat by a node that was not hit"),
                Phase("restored", 0.439, 0.0211, "the first 5 s in which chat was well"),
                Phase(
                    "repaired",
                    1.549,
                    0.061104,
                    "the answers of chat, by the node that gave them",
                    "n1 was the last of 3",
                ),
            ),
        ),
    )


def test_it_is_told_of_every_fault_and_every_traffic_in_the_order_of_the_file() -> None:
    calls = replace(CHAT, name="calls")
    second = Partition(name="lost-n2", at_s=26, for_s=2, nodes=("n2",))
    evidence = LOST.but(more=(LoadEnded(at(60), "calls", 3000, 9),)).evidence()
    evidence = replace(evidence, operations={**evidence.operations, "calls": evidence.operations["chat"]})
    two = replace(scenario(ANSWERS, faults=(LOST_N1, second)), traffic=(CHAT, calls))
    found = judge(two, evidence).recoveries
    assert [(one.fault, one.traffic) for one in found] == [
        ("lost-n1", "chat"),
        ("lost-n1", "calls"),
        ("lost-n2", "chat"),
        ("lost-n2", "calls"),
    ]
    assert found[0].phases[0].after_s == found[1].phases[0].after_s == 0.059
    assert {(phase.after_s, phase.why) for phase in found[2].phases} == {
        (None, "lost-n2 never came into force, so there is no instant to count from")
    }


def test_restored_is_held_for_as_long_as_the_scenario_s_own_objective_says() -> None:
    own = written("restored", name="r", of="chat", after="lost-n1", hold="7s", restored="<= 3s")
    verdict = judge(scenario(own), LOST.evidence())
    phase = verdict.recoveries[0].phases[2]
    assert (phase.after_s, phase.error_s) == (verdict.findings[0].measured, verdict.findings[0].error)
    assert phase.source == "the first 7 s in which chat was well"


@pytest.mark.parametrize("after", ["lost-n1", "end of lost-n1"])
def test_well_is_in_the_phases_what_it_is_in_the_scenario_s_own_objective(after: str) -> None:
    slower = Story((Harm(15.01, 16, Outcome.OK, 0.2),))
    own = written("restored", name="r", of="chat", after=after, restored="<= 3s", well="250ms")
    restored = [
        next(phase.after_s for phase in recovery.phases if phase.phase == "restored")
        for recovery in (*recoveries(slower), *recoveries(slower, own))
    ]
    assert restored[0] and restored[0] > 0.5
    assert restored[1] == 0.0


def test_a_phase_that_was_not_reached_or_cannot_be_told_says_why() -> None:
    quiet = LOST.but(harms=(), node=lambda number, due_s: "")
    assert [(phase.phase, phase.after_s, phase.why) for phase in recoveries(quiet)[0].phases] == [
        ("detected", None, "no operation failed or was late in the 20.0 s in which lost-n1 was in force, nor after it"),
        ("failed over", None, "the answers of chat before lost-n1 do not say which node gave them"),
        ("restored", 0.0, ""),
        ("repaired", None, "the answers of chat before lost-n1 do not say which node gave them"),
    ]


def test_what_the_system_says_itself_stands_beside_what_its_users_saw() -> None:
    down = written("claimed", name="down", after="lost-n1", line="n1 is DOWN", on="gateway", claimed="<= 2s")
    up = written("claimed", name="up", after="end of lost-n1", line="n1 is UP", on="gateway", claimed="<= 2s")
    phases = recoveries(SAID.but(harms=LOST.harms, node=LOST.node), down, up)[0].phases
    assert [(phase.phase, phase.after_s, phase.error_s) for phase in phases] == [
        ("detected", 0.059, 0.0211),
        ("detected", 0.899, 0.011),
        ("failed over", 0.089, 0.0211),
        ("restored", 0.439, 0.0211),
        ("repaired", 1.549, 0.061104),
        ("repaired", 1.199, 0.011),
    ]
    said = "what the system said itself: the first line with 'n1 is DOWN' in the log of gateway after lost-n1"
    assert (phases[1].source, phases[1].why) == (said, "'Server be/n1 is DOWN, reason: Layer4 timeout'")


@pytest.mark.parametrize(
    ("story", "why"),
    [
        (LOST.but(skip=frozenset({Ended})), "the recording has no end: the run was cut off"),
        (
            LOST.but(skip=frozenset({ClockSeen})),
            "no pod's clock was compared with ours, so instants cannot be put in order",
        ),
        (LOST.but(late_s=0.11), "chat: the load generator was 110 ms late (p99; at most 100 ms)"),
    ],
)
def test_of_a_measurement_that_is_spoiled_no_phase_has_a_figure(story: Story, why: str) -> None:
    assert [(p.after_s, p.error_s, p.why) for p in recoveries(story)[0].phases] == [(None, None, why)] * 4


def test_after_a_fault_that_was_not_seen_the_figures_stand_with_that_beside_them() -> None:
    phase = recoveries(LOST.but(rtt_s=lambda pair, sent_s: 0.001))[0].phases[0]
    assert phase.after_s == 0.059
    assert phase.why.startswith("lost-n1 was never seen")


def test_another_fault_in_force_meanwhile_is_said() -> None:
    other = Partition(name="lost-n2", at_s=4, for_s=9, nodes=("n2",))
    more = (
        FaultFired(at(14), "lost-n2", "n2", at(14), at(14)),
        FaultHealed(at(23), "lost-n2", "n2", at(23), at(23), "x"),
    )
    phases = recoveries(LOST.but(more=more), faults=(LOST_N1, other))[0].phases
    assert ["lost-n2 was in force meanwhile" in phase.why for phase in phases] == [True, True, True, False]


def test_of_a_look_it_is_told_where_an_objective_is_about_it_and_users_never_lost_its_answers() -> None:
    look = Serf(name="lists", to="node", rate_per_s=5.0)
    story = LOST.but(more=(LoadEnded(at(60), "lists", 3000, 9),)).evidence()
    evidence = replace(story, operations={**story.operations, "lists": story.operations["chat"]})
    back = written("restored", name="back", of="lists", after="lost-n1", restored="<= 3s")
    plain, asked = (replace(scenario(*found), traffic=(CHAT, look)) for found in ((ANSWERS,), (ANSWERS, back)))
    assert [one.traffic for one in judge(plain, evidence).recoveries] == ["chat"]
    assert [one.traffic for one in judge(asked, evidence).recoveries] == ["chat", "lists"]
    assert " of 3,000 answers" in judge(plain, evidence).sentence


def test_a_run_without_faults_has_nothing_to_recover_from() -> None:
    assert recoveries(LOST.but(without_faults=True)) == ()


def test_the_same_recording_gives_the_same_phases_byte_for_byte() -> None:
    asked = scenario(ANSWERS)
    assert encode(judge(asked, LOST.evidence())) == encode(judge(asked, LOST.evidence()))


def fired(fault: str, *nodes: str) -> Evidence:
    return Evidence(tuple(FaultFired(0, fault, node, 0, 0) for node in nodes), {}, ())


AT: dict[str, Any] = {"name": "f", "at_s": 1.0, "for_s": 1.0}


@pytest.mark.parametrize(
    ("fault", "on", "nodes"),
    [
        (Partition(**AT, nodes=("n1",)), ("gateway", "n1", "n2", "n3"), {"n1"}),
        (Partition(**AT, nodes=("gateway", "n1")), ("gateway", "n1", "n2", "n3"), {"n2", "n3"}),
        (Latency(**AT, link=Link("gateway", "n2", 11434), delay_s=0.2), ("gateway",), {"n2"}),
        (Kill(**AT, nodes=("n1", "n3")), ("n1", "n3"), {"n1", "n3"}),
        (HardwareFailure(**AT, nodes=("n1",)), ("n1",), {"n1"}),
        (Cpu(**AT, nodes=("n2",)), ("n2",), {"n2"}),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_a_fault_hits_whom_the_gateway_cannot_reach_as_before(
    fault: Fault, on: tuple[str, ...], nodes: set[str]
) -> None:
    assert hit(fault, "gateway", CLUSTER, fired("f", *on)) == nodes


@pytest.mark.parametrize(
    ("fault", "on", "nodes"),
    [
        (Partition(**AT, nodes=("n1",)), ("gateway", "n1", "n2", "n3"), {"n1"}),
        (Partition(**AT, nodes=("n1", "n2")), ("n1", "n2", "n3"), {"n3"}),
        (Latency(**AT, link=Link("gateway", "n2", 11434), delay_s=0.2), ("gateway",), set()),
        (Kill(**AT, nodes=("n1", "n3")), ("n1", "n3"), {"n1", "n3"}),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_where_all_of_a_role_are_asked_those_are_hit_that_are_apart_from_most_others(
    fault: Fault, on: tuple[str, ...], nodes: set[str]
) -> None:
    assert hit(fault, "node", CLUSTER, fired("f", *on)) == nodes


def test_a_fault_whose_nodes_could_not_be_told_hit_nobody() -> None:
    waiting = Target("nodes", "leader", (), ("n1", "n2"))
    cut = Partition(**AT, nodes=("leader",), targets=(waiting,))
    assert hit(cut, "gateway", CLUSTER, fired("f")) == set()


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=list(CATALOGUE))
def test_every_kind_of_fault_hits_somebody(kind: type[Fault]) -> None:
    values: dict[str, Any] = {**AT}
    known = words_of(kind)
    for key, text in kind.example.items():
        one = known[key].metadata["word"]
        texts = (text,) if isinstance(text, str) else text
        read = tuple(map(one.reader.read, texts))
        values[known[key].name] = read if one.many else read[0]
    fault = kind(**values)
    on = {primitive.node for primitive in fault.compile(CLUSTER, (Link("gateway", "n1", 11434),))}
    assert hit(fault, "gateway", CLUSTER, fired("f", *on))


def test_harm_after_the_heal_is_no_part_of_what_was_restored_before() -> None:
    late = LOST.but(harms=(*LOST.harms, Harm(50, 51)))
    assert recoveries(late)[0].phases[2].after_s == 0.439
