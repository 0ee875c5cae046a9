"""Every event survives the journal."""

import typing

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import primitives
from harness.errors import RecordingError
from harness.recording import events
from tests.recording.builder import Story

# JSON has no other numbers, and neither has any clock.
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(-(2**63), 2**63 - 1))
KINDS = typing.get_args(events.AnyEvent)


@given(st.sampled_from(KINDS).flatmap(st.from_type))
@settings(max_examples=100, deadline=None)
def test_every_event_is_read_as_it_was_written(event: events.AnyEvent) -> None:
    line = events.encode(event)
    assert line.endswith(b"\n") and b"\n" not in line[:-1] and b"\r" not in line
    assert events.decode(line, "journal.jsonl:1") == msgspec.convert(msgspec.to_builtins(event), type(event))


def test_a_line_says_what_it_is() -> None:
    assert events.encode(events.Ready(7, 4.1)) == b'{"is":"Ready","at_ns":7,"took_s":4.1}\n'
    intent = events.Intent(5, "dead", (primitives.Kill("n3"),), 7, 9)
    assert events.encode(intent) == (
        b'{"is":"Intent","at_ns":5,"fault":"dead","primitives":[{"is":"Kill","node":"n3"}],'
        b'"at_planned_ns":7,"until_planned_ns":9}\n'
    )


def test_the_story_of_a_good_run_is_read_as_it_was_written() -> None:
    told = tuple(Story().events())
    assert tuple(events.decode(events.encode(event), "x") for event in told) == told


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"is":"Nothing"}', "Invalid value 'Nothing' - at `$.is`"),
        (b'{"is":"Ended","at_ns":1,"how":"somehow"}', "Invalid enum value 'somehow' - at `$.how`"),
        (b"", "Input data was truncated"),
    ],
)
def test_a_line_that_is_no_event_is_named_with_what_is_wrong(line: bytes, words: str) -> None:
    with pytest.raises(RecordingError) as refused:
        events.decode(line, "journal.jsonl:12")
    assert str(refused.value) == f"journal.jsonl:12: not a line of a journal ({words}): the recording is damaged"
