"""An alert that must fire when something breaks, and be over when all is well again."""

import pytest

from harness.objectives import Finding
from harness.objectives.alerts import AlertRule
from harness.recording.events import Sampled
from tests.objectives.courses import looked, sampled
from tests.objectives.test_words import FAULTS, TRAFFIC, written
from tests.recording.builder import Story

FIRING = 'max(ALERTS{alertname="NodeDown",alertstate="firing"})'


def measured(*changes: tuple[float, float | None], fires: str = "<= 5s", **words: str) -> Finding:
    """n1 is lost from 15.001 s to 35.001 s."""
    told = Story(more=(sampled(FIRING, *changes), looked()))
    objective = written("alert", name="it", alert="NodeDown", after="lost-n1", fires=fires, **words)
    return objective.measure(told.evidence())


def test_it_fires_so_long_after_the_fault_and_resolves_so_long_after_its_end() -> None:
    assert measured((0, None), (18.2, 1.0), (37.2, None), resolves="<= 10s") == Finding(
        objective="it",
        outcome="held",
        measured=3.024,
        error=0.176,
        bound="<= 5s",
        unit="s",
        reason="the alert fired 3.02 s ± 176 ms after lost-n1; it resolved 2.02 s ± 176 ms after end of lost-n1",
        source="Prometheus, ALERTS of NodeDown after lost-n1",
        details=(("resolved", "2.02 s ± 176 ms"),),
    )


@pytest.mark.parametrize(
    ("changes", "outcome", "reason"),
    [
        (((0, None), (22.2, 1.0), (36, None)), "violated", "the alert fired 7.02 s ± 176 ms after lost-n1"),
        (((0, None), (20.2, 1.0), (36, None)), "inconclusive", "the alert fired 5.02 s ± 176 ms after lost-n1"),
        (((0, None),), "violated", "NodeDown did not fire within 45.0 s after lost-n1, when the recording ends"),
        (((0, 1.0), (36, None)), "inconclusive", "NodeDown was firing already when lost-n1 came"),
        (((0, None), (18, 1.0), (50, None)), "violated", "it resolved 14.8 s ± 176 ms after end of lost-n1"),
        (((0, None), (18, 1.0)), "violated", "NodeDown was still firing 25.0 s after end of lost-n1"),
        (((0, None), (18, 1.0), (22, None)), "held", "the alert fired 2.82 s ± 176 ms after lost-n1; it resolved 0"),
        (((0, None), (18, 1.0), (22, None), (50, 1.0), (52, None)), "violated", "it resolved 16.8 s"),
    ],
)
def test_what_its_course_comes_to(changes: tuple[tuple[float, float | None], ...], outcome: str, reason: str) -> None:
    found = measured(*changes, resolves="<= 10s")
    assert (found.outcome, found.reason[: len(reason)]) == (outcome, reason)


def test_one_that_fired_before_the_fault_and_was_over_by_then_says_nothing_against_it() -> None:
    assert measured((0, None), (5, 1.0), (8, None), (18.2, 1.0), (36, None)).measured == 3.024


def test_without_a_course_there_is_no_figure() -> None:
    objective = written("alert", name="it", alert="NodeDown", after="lost-n1", fires="<= 5s")
    found = objective.measure(Story().evidence())
    assert (found.outcome, found.reason) == ("inconclusive", "Prometheus was never asked for its course")
    refused = Story(more=(Sampled(1, FIRING, 0, 0.1, (), "it is gone"), looked()))
    assert objective.measure(refused.evidence()).reason == "Prometheus had no course of it: it is gone"


def test_what_is_wrong_with_it_is_told_by_its_own_words() -> None:
    one = written(
        "alert", name="a", alert="NodDown", after="end of lost-n1", fires="<= 2 x warmup", resolves="<= 2 x baseline"
    )
    assert [*one.check(TRAFFIC, FAULTS), *one.check_alerts(("NodeDown",))] == [
        ("resolves", "is '<= 2 x baseline': write a time of its own, such as '<= 10s'"),
        ("after", "is 'end of lost-n1': what is alert is counted from 'lost-n1'; write that"),
        ("fires", "is 'warmup': there is no figure to compare it with of that name (there are baseline)"),
        ("alert", "is 'NodDown': there is no rule under 'alerts' of that name; did you mean 'NodeDown'?"),
    ]
    assert [*AlertRule(name="A", expr=" ").check()] == [
        ("expr", "is empty: write PromQL that has an answer while something is wrong")
    ]


def test_the_name_of_an_alert_is_one_that_prometheus_takes() -> None:
    with pytest.raises(ValueError, match="has only letters, digits and '_'"):
        written("alert", name="it", alert='A"}', after="lost-n1", fires="<= 5s")
