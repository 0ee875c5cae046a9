import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.judge.verdict import Phase, Recovery, Verdict
from harness.recording.evidence import Window
from harness.report import figures
from harness.report.marks import marks
from harness.report.phases import steps, told
from tests.report.recordings import FAULT, HELD, RECOVERED, SCENARIO, at, recording

RUN = Window(at(0), at(60))
DETECTED, FAILED_OVER, RESTORED, REPAIRED = RECOVERED.phases


def recovered(*phases: Phase, fault: str = "lost-n1", traffic: str = "chat") -> Recovery:
    return Recovery(fault, traffic, phases)


def after(*recoveries: Recovery) -> Verdict:
    return replace(HELD, recoveries=recoveries)


def test_a_phase_stands_where_it_was_reached_with_whiskers_as_wide_as_its_error() -> None:
    found = {step.label: (step.x, step.low, step.high) for step in steps(HELD, RUN)}
    assert found == {
        "detected 58 ms": (25.098, 25.063, 25.133),
        "failed over 61 ms": (25.103, 25.068, 25.138),
        "restored 1.84 s": (28.068, 28.018, 28.118),
        "repaired 1.20 s": (60.335, 59.918, 60.752),  # from when the fault was healed, at 35.001 s
    }


def test_a_phase_says_fault_traffic_figure_error_source_and_instant() -> None:
    assert [step.about for step in steps(HELD, RUN)][2:] == [
        "lost-n1, chat: restored 1.84 s ± 30 ms (the operations of chat), at 16.841 s",
        "lost-n1, chat: repaired 1.20 s ± 250 ms after the heal "
        "(the gateway's own state and an answer from n1 itself), at 36.201 s",
    ]


def test_a_figure_of_which_there_is_more_to_know_has_a_star_and_says_it() -> None:
    remarked = replace(RESTORED, why="mix-2 was in force meanwhile")
    (step,) = steps(after(recovered(remarked)), RUN)
    assert step.label == "restored 1.84 s *"
    assert step.about.endswith("(the operations of chat), at 16.841 s: mix-2 was in force meanwhile")


def test_a_phase_without_a_figure_is_in_the_table_and_not_in_the_picture() -> None:
    never = replace(FAILED_OVER, after_s=None, error_s=None, why="no answer tells which node gave it")
    verdict = after(recovered(DETECTED, never, RESTORED))
    assert [step.number for step in steps(verdict, RUN)] == [1, 3]
    (one,) = told(verdict)
    assert [(line.number, line.phase.phase) for line in one.lines] == [
        (1, "detected"),
        (2, "failed over"),
        (3, "restored"),
    ]


def test_what_is_counted_from_a_heal_that_never_came_is_not_drawn() -> None:
    stuck = replace(HELD, faults=(replace(FAULT, healed=False, healed_s=None),))
    assert [step.number for step in steps(stuck, RUN)] == [1, 2, 3]
    never = replace(HELD, faults=(replace(FAULT, in_force_s=None, healed_s=None),))
    assert steps(never, RUN) == ()


def test_numbers_go_on_through_all_recoveries_and_traffic_is_named_where_there_are_several() -> None:
    verdict = after(RECOVERED, recovered(DETECTED, RESTORED, traffic="other"))
    assert [step.number for step in steps(verdict, RUN)] == [1, 2, 3, 4, 5, 6]
    assert [step.label for step in steps(verdict, RUN)][3:5] == ["chat repaired 1.20 s", "other detected 58 ms"]


def test_a_recovery_from_a_fault_that_the_verdict_does_not_have_is_told_and_not_drawn() -> None:
    verdict = after(recovered(DETECTED, fault="another"))
    assert steps(verdict, RUN) == ()
    assert len(told(verdict)) == 1


@given(st.lists(st.floats(0, 44), min_size=1, max_size=12), st.floats(0, 20))
def test_no_phase_covers_another_of_its_fault(after_s: list[float], error_s: float) -> None:
    phases = tuple(Phase("restored", one_s, error_s, "") for one_s in after_s)
    found = steps(after(recovered(*phases)), RUN)
    assert len(found) == len(after_s)
    for number, one in enumerate(found):
        for other in found[number + 1 :]:
            assert one.row != other.row or one.room[0] >= other.room[1] or other.room[0] >= one.room[1]


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_tick_and_its_whiskers_stay_inside_the_picture(after_s: float, error_s: float) -> None:
    (step,) = steps(after(recovered(Phase("restored", after_s, error_s, ""))), RUN)
    assert 0 <= step.low <= step.x <= step.high <= 100


def test_restored_is_not_marked_a_second_time_where_it_stands_under_its_fault() -> None:
    def words(verdict: Verdict) -> list[str]:
        return [mark.word for mark in marks(SCENARIO, recording(), verdict, RUN)]

    assert words(after()) == ["in force", "restored", "healed"]
    assert words(HELD) == ["in force", "healed"]
    unknown = replace(RESTORED, after_s=None, why="the recording ends")
    assert words(after(recovered(unknown))) == ["in force", "restored", "healed"]
    at_once = replace(RESTORED, after_s=0.0)
    assert words(after(recovered(at_once))) == ["in force", "healed"]


@pytest.mark.parametrize(
    ("phases", "said"),
    [
        ((DETECTED, RESTORED), "detected 58 ms ± 21 ms · restored 1.84 s ± 30 ms"),
        ((replace(DETECTED, error_s=None), REPAIRED), "detected 58 ms · repaired 1.20 s ± 250 ms after the heal"),
        (
            (replace(DETECTED, after_s=None, why="nobody noticed"), replace(FAILED_OVER, after_s=None, why="no tag")),
            "detected: no figure (nobody noticed) · failed over: no figure (no tag)",
        ),
        (
            (replace(DETECTED, after_s=None, why="x\ny"), replace(FAILED_OVER, after_s=None, why="x y"), RESTORED),
            "detected, failed over: no figure (x y) · restored 1.84 s ± 30 ms",
        ),
        ((replace(DETECTED, after_s=None),), "detected: no figure"),
        (
            (DETECTED, replace(DETECTED, after_s=2.1, why="kill was in force meanwhile"), RESTORED),
            "detected 58 ms ± 21 ms · detected (claimed) 2.10 s ± 21 ms (kill was in force meanwhile)"
            " · restored 1.84 s ± 30 ms",
        ),
        ((replace(RESTORED, after_s=0.0, error_s=0.021),), "restored 0.0 ms ± 21 ms"),
    ],
)
def test_a_recovery_is_one_line(phases: tuple[Phase, ...], said: str) -> None:
    assert figures.recovered(recovered(*phases)) == said
