from itertools import count

from harness.recording.events import ClockSeen, FaultFired, FaultHealed, PhaseBegan, Probed
from harness.recording.evidence import Evidence, InForce, Window
from tests.recording.builder import ORIGIN_NS, Story, at


def test_phases_count_from_their_plan_however_late_they_were_written_down() -> None:
    assert Story().evidence().phases == {
        "warmup": Window(at(0), at(10)),
        "faults": Window(at(10), at(40)),
        "recovery": Window(at(40), at(60)),
        "all": Window(at(0), at(60)),
    }


def test_a_run_that_was_cut_off_has_the_phases_that_began_up_to_the_last_operation() -> None:
    evidence = Story(ends_s=20).evidence()
    began = tuple(e for e in evidence.events if not (isinstance(e, PhaseBegan) and e.phase in ("recovery", "end")))
    cut_off = Evidence(began, evidence.operations, ())
    assert cut_off.phases == {
        "warmup": Window(at(0), at(10)),
        "faults": Window(at(10), at(19.98) + 1),
        "all": Window(at(0), at(19.98) + 1),
    }


def test_a_run_that_ends_before_its_plan_ends_when_it_ended() -> None:
    events = (PhaseBegan(at(0), "warmup", at(0)), PhaseBegan(at(3), "end", at(60)))
    assert Evidence(events, {}, ()).phases == {"warmup": Window(at(0), at(3)), "all": Window(at(0), at(3))}


def test_a_recording_without_phases_has_no_zero_of_its_own() -> None:
    assert (Evidence((), {}, ()).phases, Evidence((), {}, ()).origin_ns) == ({}, 0)
    assert Story().evidence().origin_ns == ORIGIN_NS


def test_a_fault_is_in_force_from_the_last_node_that_got_it_to_the_last_that_lost_it() -> None:
    fired = (FaultFired(0, "f", "a", 100, 110), FaultFired(0, "f", "b", 104, 130))
    healed = (FaultHealed(0, "f", "a", 200, 210, "schedule"), FaultHealed(0, "f", "b", 205, 260, "schedule"))
    evidence = Evidence((*fired, *healed), {}, ())
    assert evidence.in_force("f") == InForce(Window(130, 260), 30e-9, 20e-9, True, 60e-9)
    assert evidence.window("f") == Window(130, 260)
    assert evidence.in_force("g") is None and evidence.window("g") is None


def test_a_fault_that_one_node_kept_is_in_force_to_the_last_thing_that_was_seen() -> None:
    fired = (FaultFired(0, "f", "a", 100, 110), FaultFired(0, "f", "b", 100, 110))
    evidence = Evidence((*fired, FaultHealed(900, "f", "a", 200, 210, "schedule")), {}, ())
    assert evidence.in_force("f") == InForce(Window(110, 900), 10e-9, 0.0, False)


def test_a_placebo_stands_where_no_fault_was_injected() -> None:
    evidence = Evidence((), {}, (), {"f": Window(5, 9)})
    assert evidence.spell("f") == InForce(Window(5, 9), 0.0, 0.0, True)
    assert (evidence.window("f"), evidence.in_force("f")) == (Window(5, 9), None)


def test_what_is_asked_of_evidence_twice_is_computed_once() -> None:
    evidence, other = Story().evidence(), Story().evidence()
    numbers = count(1)
    found = [one.once(("how many",), lambda: next(numbers)) for one in (evidence, evidence, other)]
    assert found == [1, 1, 2]
    assert evidence == other


def test_operations_belong_to_the_window_in_which_they_fell_due() -> None:
    found = Story().evidence().due_in("chat", Window(at(1), at(2)))
    assert (len(found), found[0].due_ns, found[-1].due_ns) == (50, at(1), at(1.98))
    assert Story().evidence().due_in("other", Window(at(1), at(2))) == ()


def test_probes_are_found_by_pair_and_window_in_the_order_they_were_sent() -> None:
    probes = (
        Probed("a", "b", 30, 0.1),
        Probed("b", "a", 20, 0.1),
        Probed("a", "b", 10, None),
        Probed("a", "b", 20, 0.2),
    )
    evidence = Evidence((), {}, probes)
    assert evidence.pairs() == (("a", "b"), ("b", "a"))
    assert evidence.probes_between("a", "b", Window(10, 30)) == (probes[2], probes[3])
    assert evidence.probes_between("b", "c", Window(0, 99)) == ()


def test_clocks_are_known_as_well_as_their_best_look_and_the_worst_pod() -> None:
    looks = (ClockSeen(0, "a", 5, 900), ClockSeen(1, "b", 5, 300), ClockSeen(2, "a", 5, 200))
    assert Evidence(looks, {}, ()).clock_error_s() == 300e-9
    assert Evidence((), {}, ()).clock_error_s() == 0.0
