"""The objective that asks whether a store behaved like one copy of itself."""

import json
from dataclasses import replace

import pytest

from harness.objectives import Finding
from tests.objectives.test_words import written
from tests.recording.builder import Story


def line(process: int, kind: str, f: str, value: object, time_s: float) -> bytes:
    said = {"process": process, "type": kind, "f": f, "key": "r0", "value": value, "time_s": time_s}
    return json.dumps(said).encode() + b"\n"


def alternating(writes: int) -> bytes:
    """Every write is overlapped by a read of the value before it, and followed by one of its own."""
    found, before = b"", None
    for value in range(writes):
        begin = float(value)
        found += line(0, "invoke", "write", value, begin) + line(1, "invoke", "read", None, begin + 0.1)
        found += line(1, "ok", "read", before, begin + 0.2) + line(0, "ok", "write", value, begin + 0.3)
        found += line(1, "invoke", "read", None, begin + 0.4) + line(1, "ok", "read", value, begin + 0.5)
        before = value
    return found


STALE = line(2, "invoke", "read", None, 90.0) + line(2, "ok", "read", 3, 90.1)


def found(lines: bytes | None) -> Finding:
    evidence = replace(Story().evidence(), histories={} if lines is None else {"chat": lines})
    return written("linearizable", name="one-copy", of="chat", linearizable="yes").measure(evidence)


def test_a_history_that_one_order_explains_is_held() -> None:
    assert found(alternating(40)) == Finding(
        objective="one-copy",
        outcome="held",
        measured=1.0,
        error=None,
        bound="yes",
        unit="yes or no",
        reason="yes: one order explains all 120 operations on 1 object; "
        "40 writes overlapped another operation on the same object",
        source="the history of chat, on every key",
        details=(("operations", "120 on 1 registers"), ("overlapping writes", "40")),
    )


def test_a_stale_answer_is_violated_and_says_where() -> None:
    stale = found(alternating(40) + STALE)
    assert (stale.outcome, stale.measured) == ("violated", 0.0)
    assert stale.reason.startswith('no: no order explains the answers on "r0"; shortest failing prefix: 121 operations')
    assert stale.details[-1] == (
        'the end of the prefix on "r0"',
        "process 1 read: 38; process 0 write 39: ok; process 1 read: 38; process 1 read: 39; process 2 read: 3",
    )


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (None, "chat kept no history: its client must be 'registers'"),
        (b"", "chat kept no history: its client must be 'registers'"),
        (
            alternating(29),
            "unknown: one order explains all 87 operations on 1 object, but only 29 writes overlapped another "
            "operation on the same object, and with fewer than 30 a system that errs in one of ten may well show no "
            "error; use more clients on fewer keys, or run for longer",
        ),
        (
            alternating(1) + b"{}\n",
            "history/chat.jsonl:7: is not a line of a history (Object missing required field `process`)",
        ),
        (
            line(0, "invoke", "read", None, 1.0),
            "history/chat.jsonl: has no operations that ended: write an invoke and an ok line for each",
        ),
    ],
)
def test_what_nobody_can_tell_is_inconclusive_with_its_reason(lines: bytes | None, reason: str) -> None:
    told = found(lines)
    assert (told.outcome, told.measured, told.reason) == ("inconclusive", None, reason)


def test_it_is_asked_with_yes_alone_and_of_a_traffic_that_there_is() -> None:
    with pytest.raises(ValueError, match="is 'no': write yes, or leave the objective out"):
        written("linearizable", name="it", of="chat", linearizable="no")
    asked = written("linearizable", name="it", of="chatt", linearizable="yes")
    assert list(asked.check(["chat"], [])) == [
        ("of", "is 'chatt': there is no traffic of that name; did you mean 'chat'?")
    ]
