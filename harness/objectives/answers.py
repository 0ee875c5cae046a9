"""How many of the questions were answered, and how many of the answers were not true."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import ClassVar

from harness.objectives.base import Bound, Finding, bound
from harness.objectives.over_window import OverDue
from harness.operations import Operation, Outcome
from harness.recording.evidence import Window
from harness.stats import ended, shortened, succeeded
from harness.units import show_share
from harness.words import COUNT, SHARE, word

_SHARE_BOUND, _COUNT_BOUND = bound(SHARE), bound(COUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Success(OverDue):
    """The share of operations whose whole answer came in time and was right.

    So few operations that losing a single one would break the bound do not show that it is held: a broken bound is a
    fact about these users, a held one is also a promise about the next. An operation that timed out after the load
    generator itself was late with it may have been answered in time: it counts as lost, and where that decides nobody
    can tell.
    """

    key: ClassVar[str] = "success"
    about: ClassVar[str] = "the share of operations that got the whole right answer in time"
    unit: ClassVar[str] = "share"

    bound: Bound = field(metadata=word("success", _SHARE_BOUND, "the share of right answers, such as '>= 99.5%'"))

    def over(self, operations: Sequence[Operation], window: Window) -> Finding:
        samples, right = len(operations), succeeded(operations)
        measured = right / samples
        outcome = self.bound.among(measured, (right + shortened(operations)) / samples)
        reason = f"{right:,} of {samples:,} operations got their answer ({show_share(measured)})"
        if outcome == "inconclusive":
            late = f"{shortened(operations):,} that timed out were sent late by the load generator"
            reason += f"; {late}: too close to tell"
        needed = self._needed()
        details = (("right", f"{right:,} of {samples:,}"),)
        if outcome == "held" and samples < needed:
            reason = f"only {samples:,} operations fell due in {self.window}: '{self.bound.text}' takes {needed:,}"
            return self.finding("inconclusive", reason, measured, details=details)
        return self.finding(outcome, reason, measured, details=details)

    def _needed(self) -> int:
        """How many operations one lost answer does not decide about."""
        if self.bound.comparison not in (">=", ">") or self.bound.limit >= 1:
            return 1
        return ceil(round(1 / (1 - self.bound.limit), 6))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong(OverDue):
    """How many whole answers were not the one their question has: forged, crossed, repeated, corrupted."""

    key: ClassVar[str] = "wrong"
    about: ClassVar[str] = "how many answers came whole and were not true"
    unit: ClassVar[str] = "wrong"
    by_length: ClassVar[bool] = True

    bound: Bound = field(metadata=word("wrong", _COUNT_BOUND, "how many untrue answers, such as '== 0'"))

    def over(self, operations: Sequence[Operation], window: Window) -> Finding:
        wrong = ended(operations, Outcome.WRONG)
        whole = wrong + succeeded(operations)
        reason = f"{wrong:,} of {whole:,} whole answers were wrong"
        if not whole:
            return self.finding("inconclusive", f"no whole answer came in {self.window}, right or wrong", 0.0)
        return self.finding(self.bound.outcome(wrong), reason, float(wrong))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost(OverDue):
    """How many operations got no whole answer, right or wrong: refused, timed out, cut off, or answered by an error."""

    key: ClassVar[str] = "lost"
    about: ClassVar[str] = "how many operations got no whole answer"
    unit: ClassVar[str] = "lost"
    by_length: ClassVar[bool] = True

    bound: Bound = field(metadata=word("lost", _COUNT_BOUND, "how many operations without an answer, such as '<= 10'"))

    def over(self, operations: Sequence[Operation], window: Window) -> Finding:
        lost = len(operations) - ended(operations, Outcome.OK, Outcome.WRONG)
        late = shortened(operations)
        reason = f"{lost:,} of {len(operations):,} operations got no whole answer"
        outcome = self.bound.among(lost, lost - late)
        if outcome == "inconclusive":
            reason += f"; {late:,} that timed out were sent late by the load generator: too close to tell"
        return self.finding(outcome, reason, float(lost), details=(("share", show_share(lost / len(operations))),))


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedOut(OverDue):
    """How many operations had neither an answer nor an error when their patience was at its end.

    Who is told "no" can ask again at once; who is told nothing waits for as long as the client's deadline, or for ever.
    """

    key: ClassVar[str] = "timed-out"
    about: ClassVar[str] = "how many operations were told nothing at all, not even an error"
    unit: ClassVar[str] = "timed out"
    by_length: ClassVar[bool] = True

    bound: Bound = field(
        metadata=word("timed-out", _COUNT_BOUND, "how many operations that nobody answered, such as '== 0'")
    )

    def over(self, operations: Sequence[Operation], window: Window) -> Finding:
        silent, late = ended(operations, Outcome.TIMED_OUT), shortened(operations)
        reason = f"{silent:,} of {len(operations):,} operations waited to the end of their time for nothing"
        outcome = self.bound.among(silent, silent - late)
        if outcome == "inconclusive":
            reason += f"; {late:,} of them were sent late by the load generator: too close to tell"
        return self.finding(outcome, reason, float(silent))
