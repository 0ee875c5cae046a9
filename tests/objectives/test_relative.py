"""A bound that is a multiple of what the same figure was elsewhere."""

import pytest

from harness.objectives import OBJECTIVES, Bound, Finding
from harness.objectives.base import bound
from harness.operations import Outcome
from harness.words import DURATION
from tests.objectives.test_words import written
from tests.recording.builder import Harm, Story

SLOW = Story((Harm(15, 35, Outcome.OK, 0.018),))


def measured(key: str, story: Story, bound: str, **words: str) -> Finding:
    return written(key, name="it", of="chat", **{key: bound}, **words).measure(story.evidence())


@pytest.mark.parametrize("text", ["<= 1.2 x warmup", "<=1.2x warmup"])
def test_a_multiple_is_read_as_one(text: str) -> None:
    objective = written("p95", name="a", of="chat", p95=text)
    assert objective.bound == Bound("<=", 1.2, text, "warmup")


def test_a_figure_is_held_against_its_control_window() -> None:
    found = [measured("p95", SLOW, f"<= {times} x warmup", in_="lost-n1") for times in (2, 1.7)]
    assert [(one.outcome, one.measured, one.bound) for one in found] == [
        ("held", 0.018, "<= 2 x warmup"),
        ("violated", 0.018, "<= 1.7 x warmup"),
    ]
    assert found[0].reason == "p95 18 ms of 1,000 operations (in warmup: p95 10 ms of 500 operations)"


def test_what_is_not_known_of_the_control_is_not_known_of_the_bound() -> None:
    story = Story((Harm(15, 35, Outcome.REFUSED, 0.001, every=2),))
    found = [measured("throughput", story, f">= {times} x warmup", in_="lost-n1") for times in (0.49, 0.5, 0.51)]
    assert [one.outcome for one in found] == ["held", "inconclusive", "violated"]


def test_a_figure_that_only_its_control_leaves_open_cannot_be_told() -> None:
    found = measured("throughput", Story(), ">= 1.0015 x warmup", in_="lost-n1")
    assert (found.outcome, found.measured, found.error) == ("inconclusive", 50.0, 0.05)  # the warm-up's: 0.1/s
    assert found.reason.endswith("(in warmup: 500 right answers came in the 10.0 s of warmup): too close to tell")


def test_a_control_without_a_figure_is_nothing_to_compare_with() -> None:
    found = measured("p99", Story((Harm(0, 10, every=10),)), "<= 2 x warmup", in_="recovery")
    assert (found.outcome, found.measured, found.reason) == (
        "inconclusive",
        0.01,
        "there is nothing to compare it with: p99 falls among the 50 of 500 operations without an answer",
    )


def test_a_saved_figure_is_a_control_too_and_of_every_objective() -> None:
    story = Story((Harm(15, 17, every=3),), baseline={"it": 1.6})
    found = measured("restored", story, "<= 1.2 x baseline", after="lost-n1")
    assert (found.outcome, found.measured, found.reason) == (
        "held",
        1.879,
        "service was back 1.88 s ± 21 ms after lost-n1 (in baseline: 1.6)",
    )
    missing = measured("restored", Story(), "<= 1.2 x baseline", after="lost-n1")
    assert (missing.outcome, missing.reason) == (
        "inconclusive",
        "there is nothing to compare it with: this run was given no baseline: "
        "keep one of good runs with --save-baseline NAME and give it with --baseline NAME",
    )
    lacks = measured("restored", Story(baseline={"other": 1.0}), "<= 1.2 x baseline", after="lost-n1")
    assert "the baseline of this run has no such figure" in lacks.reason


def test_a_bound_that_names_the_baseline_alone_allows_for_20_percent() -> None:
    def read(text: str) -> Bound:
        return written("p95", name="a", of="chat", p95=text).bound

    assert read("<= baseline") == Bound("<=", 1.2, "<= baseline", "baseline")
    assert read("> baseline") == Bound(">", 0.8, "> baseline", "baseline")
    with pytest.raises(ValueError, match="two runs never are the same; write '<= baseline' or '>= baseline'"):
        bound(DURATION).read("== baseline")


def test_a_fault_that_the_control_names_is_a_fault_that_the_objective_speaks_of() -> None:
    objective = written("p95", name="a", of="chat", in_="recovery", p95="<= 1 x lost-n1")
    assert objective.faults() == {"lost-n1"}
    assert list(objective.check(("chat",), ("lost-n1",))) == []


def test_a_control_that_is_not_there_is_told_what_there_is() -> None:
    def said(key: str, bound: str, **words: str) -> list[tuple[str, str]]:
        return list(written(key, name="a", **{key: bound}, **words).check(("chat",), ("lost-n1",)))

    assert said("p95", "<= 2 x warmpu", of="chat") == [
        ("p95", "is 'warmpu': there is no figure to compare it with of that name; did you mean 'warmup'?")
    ]
    assert said("lost", "<= 2 x warmup", of="chat") == [
        ("lost", "is 'warmup': there is no figure to compare it with of that name (there are baseline)")
    ]
    assert said("restored", "<= 2 x warmup", of="chat", after="lost-n1") == [
        ("restored", "is 'warmup': there is no figure to compare it with of that name (there are baseline)")
    ]


def test_every_objective_with_a_figure_takes_a_multiple_of_its_baseline() -> None:
    for kind in OBJECTIVES.values():
        reader = kind.__dataclass_fields__["bound"].metadata["word"].reader
        if reader.noun == "yes":
            continue
        assert reader.read("<= 1.2 x baseline") == Bound("<=", 1.2, "<= 1.2 x baseline", "baseline")
