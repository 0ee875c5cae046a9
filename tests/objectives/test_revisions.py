"""The objective that revisions only grow under a reader."""

import json
from dataclasses import replace

import pytest

from harness.objectives import Finding
from tests.objectives.test_words import written
from tests.recording.builder import Story


def line(process: int, time_s: float, node: str = "", revision: int = 0) -> bytes:
    said: dict[str, object] = {"process": process, "type": "ok", "f": "read", "key": "r0", "value": 1, "time_s": time_s}
    return json.dumps(said | ({"node": node, "revision": revision} if node else {})).encode() + b"\n"


def growing(answers: int) -> bytes:
    """Two processes ask two members by turns."""
    return b"".join(
        line(process, at_s) + line(process, at_s + 0.5, f"n{1 + at_s % 2}", 100 + at_s)
        for at_s in range(answers)
        for process in (0, 1)
    )


def found(lines: bytes) -> Finding:
    evidence = replace(Story().evidence(), histories={"chat": lines} if lines else {})
    return written("revisions-grow", name="growing", of="chat", **{"revisions-grow": "yes"}).measure(evidence)


def test_revisions_that_only_grow_are_held() -> None:
    assert found(growing(20)) == Finding(
        objective="growing",
        outcome="held",
        measured=0.0,
        error=None,
        bound="yes",
        unit="steps back",
        reason="revisions only grew under every reader, in 40 answers",
        source="the revisions in the history of chat, process by process",
        details=(("answers", "40"), ("by another member than the one before", "38")),
    )


def test_a_step_back_is_violated_and_named() -> None:
    back = line(1, 20.0, "n3", 90) + line(0, 20.5, "n3", 119) + line(0, 21.0, "n1", 118)
    broken = found(growing(20) + back)
    assert (broken.outcome, broken.measured) == ("violated", 2.0)
    assert broken.reason == (
        "process 1 was told of revision 90 by n3 at 20.0 s, and of 119 by n2 before (2 times in all)"
    )


def test_what_one_process_knew_another_one_need_not() -> None:
    assert found(growing(20) + line(7, 30.0, "n3", 90)).outcome == "held"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (b"", "chat kept no history: its client must be 'registers'"),
        (growing(15), "only 28 answers were of another member than the one before: too few to tell (at least 30)"),
        (b"[]\n", "history/chat.jsonl:1: is not a line of a history "),
    ],
)
def test_where_too_little_was_told_nothing_is_known(lines: bytes, reason: str) -> None:
    told = found(lines)
    assert (told.outcome, told.reason[: len(reason)]) == ("inconclusive", reason)
