"""Answers that nobody asked for are counted by the client, of the whole run."""

from harness.objectives import Finding
from harness.recording.events import LoadEnded
from tests.objectives.test_words import FAULTS, TRAFFIC, written
from tests.recording.builder import Story, at


def measured(bound: str, unasked: int | None) -> Finding:
    story = Story(skip=frozenset({LoadEnded}), more=(LoadEnded(at(60), "chat", 3000, 9, unasked),))
    return written("duplicated", name="it", of="chat", duplicated=bound).measure(story.evidence())


def test_what_came_unasked_is_held_against_the_bound() -> None:
    assert measured("== 0", 2) == Finding(
        objective="it",
        outcome="violated",
        measured=2.0,
        error=None,
        bound="== 0",
        unit="unasked",
        reason="2 times something came that nobody had asked for",
        source="what came on the connections of chat while nobody waited",
    )
    assert [measured(bound, 0).outcome for bound in ("== 0", ">= 1")] == ["held", "violated"]


def test_what_nobody_counted_is_no_figure() -> None:
    found = measured("== 0", None)
    assert (found.outcome, found.measured) == ("inconclusive", None)


def test_a_traffic_that_is_not_there_is_told_what_there_is() -> None:
    odd = written("duplicated", name="it", of="chatt", duplicated="== 0")
    assert list(odd.check(TRAFFIC, FAULTS)) == [
        ("of", "is 'chatt': there is no traffic of that name; did you mean 'chat'?")
    ]
