"""The same figure from Prometheus, beside the one taken from operations: it holds it between its bounds."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.judge.judge import judge
from harness.objectives import Moment
from harness.objectives.settled import queries, restored
from harness.operations import Operation, Outcome
from harness.recording.events import Sampled
from harness.recording.evidence import Evidence
from tests.objectives.courses import STEP_S, STEPS, looked
from tests.objectives.test_words import written
from tests.recording.builder import Harm, Story, at, scenario

WELL = written("restored", name="recovery", of="chat", after="lost-n1", restored="<= 3s", hold="5s", well="250ms")
SCRAPE_S = 0.25


def scraped(operations: Sequence[Operation], until_s: float = 60.0) -> tuple[Sampled, ...]:
    """What Prometheus has of them: 4 scrapes a second, each settled 50 ms before."""
    rows: list[tuple[float | None, ...]] = []
    dues = [op.due_ns for op in operations]
    failed = [0, *accumulate(op.outcome is not Outcome.OK for op in operations)]
    quick = [0, *accumulate(op.outcome is Outcome.OK and op.latency_s <= 0.25 for op in operations)]
    for step in range(STEPS):
        scrape_s = int(step * STEP_S / SCRAPE_S + 1e-9) * SCRAPE_S - 0.05
        before = bisect_left(dues, at(min(scrape_s, until_s)))
        rows.append((at(min(scrape_s, until_s)) / 1e9, before, failed[before], quick[before]))
    columns = zip(*rows, strict=True)
    return tuple(
        Sampled(at(61), query, at(0), STEP_S, tuple(column))
        for query, column in zip(queries("chat", 0.25), columns, strict=True)
    )


def told(story: Story, **more: float) -> Evidence:
    return story.but(more=(*scraped(tuple(story.operations()), **more), looked())).evidence()


def test_it_is_the_same_figure_a_scrape_more_or_less() -> None:
    evidence = told(Story((Harm(15, 17),)))
    found = restored(evidence, "chat", Moment("lost-n1", False), 5.0, 0.25)
    assert found.after_s == pytest.approx(1.949)
    assert found.error_s == pytest.approx(0.2511)
    phase = judge(scenario(WELL), evidence).recoveries[0].phases[2]
    assert (phase.after_s, phase.scraped_s, phase.scraped_error_s) == (1.999, 1.949, 0.2511)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(14, 40), st.floats(0.02, 6), st.integers(1, 40), st.booleans()), max_size=4))
def test_whatever_happened_the_figure_from_operations_lies_between_its_bounds(
    harms: list[tuple[float, float, int, bool]],
) -> None:
    kinds = {True: (Outcome.TIMED_OUT, 5.0), False: (Outcome.OK, 0.3)}
    story = Story(tuple(Harm(from_s, from_s + for_s, *kinds[hard], every) for from_s, for_s, every, hard in harms))
    evidence = told(story)
    assert WELL.contradicted(evidence) is None
    found = restored(evidence, "chat", Moment("lost-n1", False), 5.0, 0.25)
    exact = WELL.measure(evidence).measured
    if found.after_s is not None and exact is not None:
        assert abs(found.after_s - exact) <= (found.error_s or 0.0) + 0.021


def test_where_the_two_disagree_the_figure_is_in_doubt_and_both_are_told() -> None:
    operations = tuple(Story((Harm(15, 17),)).operations())
    evidence = Story((Harm(15, 15.5),), more=(*scraped(operations), looked())).evidence()
    verdict = judge(scenario(WELL), evidence)
    (finding,) = verdict.findings
    text = (
        "chat was well again 499 ms ± 21 ms after lost-n1 by its operations, and 1.95 s ± 251 ms by Prometheus: "
        "one of the two is wrong"
    )
    assert (verdict.outcome, finding.outcome, finding.reason, finding.doubted) == (
        "inconclusive",
        "inconclusive",
        text,
        True,
    )
    assert verdict.recoveries[0].phases[2].why == text


def test_another_objective_does_not_rest_on_a_figure_that_is_contradicted() -> None:
    operations = tuple(Story((Harm(15, 17),)).operations())
    evidence = Story((Harm(15, 15.5),), more=(*scraped(operations), looked())).evidence()
    truth = written("wrong", name="truth", of="chat", wrong="== 0")
    outcomes = {f.objective: f.outcome for f in judge(scenario(WELL, truth), evidence).findings}
    assert outcomes == {"recovery": "inconclusive", "truth": "held"}


@pytest.mark.parametrize(
    ("well_s", "until_s", "why"),
    [
        (None, 60.0, "Prometheus has no such figure: nobody says what is well"),
        (0.3, 60.0, "Prometheus has no such figure: it does not count by 0.3 s"),
        (0.25, 18.0, "Prometheus saw no hold that was well for sure"),
    ],
)
def test_where_prometheus_cannot_tell_there_is_no_figure_of_its_own(
    well_s: float | None, until_s: float, why: str
) -> None:
    evidence = told(Story((Harm(15, 17),)), until_s=until_s)
    found = restored(evidence, "chat", Moment("lost-n1", False), 5.0, well_s)
    assert (found.after_s, found.why) == (None, why)


def test_a_run_that_nobody_asked_has_no_figure_and_is_judged_as_ever() -> None:
    evidence = Story((Harm(15, 17),)).evidence()
    assert WELL.as_prometheus_saw(evidence).after_s is None  # type: ignore[attr-defined]  # a Restored
    assert judge(scenario(replace(WELL)), evidence).recoveries[0].phases[2].scraped_s is None
