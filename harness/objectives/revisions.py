"""Whether what a reader was told only ever grew: no answer is of an older store than the answer before it."""

from dataclasses import dataclass, field
from typing import ClassVar

import msgspec

from harness.objectives.base import Bound, Finding
from harness.objectives.histories import OfHistory
from harness.objectives.yes import yes
from harness.recording.evidence import Evidence
from harness.words import word

_BOUND = yes("==", 0.0)
_MOVES_MIN = 30  # answers of another member than the one before: by fewer a rare step back is easily missed


class _Line(msgspec.Struct):
    """Of a line of the history what is read here. ``revision`` 0: nobody answered."""

    process: int
    time_s: float = 0.0
    node: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True)
class _Course:
    """``moves``: answers by another member than the one before. ``back``: the steps back, each with the step before."""

    answers: int
    moves: int
    back: tuple[tuple[_Line, _Line], ...]


_decoder = msgspec.json.Decoder(_Line)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionsGrow(OfHistory):
    """Every change of the store gets the next revision, and every answer says of which one it is.

    A process of the history asks one member after the other; whatever it was told, it must never be told of an older
    one. Where no reader changed its member 30 times that proves nothing.
    """

    key: ClassVar[str] = "revisions-grow"
    about: ClassVar[str] = "whether no reader was ever told of an older store than it knew"
    unit: ClassVar[str] = "steps back"

    bound: Bound = field(metadata=word("revisions-grow", _BOUND, "yes"))

    @property
    def source(self) -> str:
        return f"the revisions in the history of {self.traffic}, process by process"

    def take(self, evidence: Evidence) -> Finding:
        lines = evidence.histories.get(self.traffic)
        if not lines:
            return self.finding("inconclusive", f"{self.traffic} kept no history: its client must be 'registers'")
        course = evidence.once(("revisions", self.traffic), lambda: _course(lines, f"history/{self.traffic}.jsonl"))
        if isinstance(course, str):
            return self.finding("inconclusive", course)
        details = (("answers", f"{course.answers:,}"), ("by another member than the one before", f"{course.moves:,}"))
        if course.back:
            before, after = course.back[0]
            told = f"process {after.process} was told of revision {after.revision:,} by {after.node} at "
            reason = f"{told}{after.time_s:.1f} s, and of {before.revision:,} by {before.node} before"
            more = f" ({len(course.back):,} times in all)" if len(course.back) > 1 else ""
            return self.finding("violated", reason + more, float(len(course.back)), details=details)
        if course.moves < _MOVES_MIN:
            reason = f"only {course.moves} answers were of another member than the one before: too few to tell"
            return self.finding("inconclusive", f"{reason} (at least {_MOVES_MIN})", 0.0, details=details)
        reason = f"revisions only grew under every reader, in {course.answers:,} answers"
        return self.finding("held", reason, 0.0, details=details)


def _course(lines: bytes, where: str) -> _Course | str:
    """Or a sentence: why the history cannot be read."""
    last: dict[int, _Line] = {}
    answers = moves = 0
    back = []
    for number, text in enumerate(lines.splitlines(), 1):
        try:
            line = _decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return f"{where}:{number}: is not a line of a history ({error})"
        if not line.revision:
            continue
        before = last.get(line.process)
        answers += 1
        if before is not None:
            moves += before.node != line.node
            if line.revision < before.revision:
                back.append((before, line))
        last[line.process] = line
    return _Course(answers, moves, tuple(back))
