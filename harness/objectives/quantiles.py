"""How long users waited."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import isinf
from typing import ClassVar

from harness.objectives.base import Bound, Finding, bound
from harness.objectives.over_window import OverDue
from harness.operations import Operation
from harness.recording.evidence import Window
from harness.stats import BEYOND, latencies, quantile, samples_needed, succeeded, waits
from harness.units import show_s
from harness.words import DURATION, word

_BOUND = bound(DURATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile(OverDue):
    """A nearest-rank quantile of latency, from the instant an operation fell due to the end of its answer.

    An operation without a right answer has no latency: nobody knows how long that user would have waited. It ranks
    above every answered one, so that failing fast never makes a system look quick. Where the quantile falls among
    those there is no figure, and no upper limit is met.

    What the load generator itself was late is in the figure. Where a bound is met only with it, or only without it,
    nobody can tell.
    """

    about: ClassVar[str] = "how long users waited for an answer; lost answers rank as the slowest"
    unit: ClassVar[str] = "s"
    share: ClassVar[Fraction]

    def notes(self, due: Callable[[str, str], float | None]) -> Iterator[str]:
        planned, needed = due(self.traffic, self.window), samples_needed(self.share)
        if planned is not None and round(planned) < needed:
            yield (
                f"{self.name} can never be told: {self.key} takes {needed:,} operations ({BEYOND} beyond it), and "
                f"about {planned:,.0f} of {self.traffic} will fall due in {self.window}"
            )

    def over(self, operations: Sequence[Operation], window: Window) -> Finding:
        samples, answered, needed = len(operations), succeeded(operations), samples_needed(self.share)
        if samples < needed:
            return self.finding(
                "inconclusive",
                f"{self.key} takes {needed:,} operations ({BEYOND} beyond it); {samples:,} fell due in {self.window}",
            )
        value, least = quantile(latencies(operations), self.share), quantile(waits(operations), self.share)
        details = (("answered", f"{answered:,} of {samples:,}"),)
        if isinf(value):
            reason = f"{self.key} falls among the {samples - answered:,} of {samples:,} operations without an answer"
            return self.finding(self.bound.outcome(value), reason, details=details)
        reason = f"{self.key} {show_s(value)} of {samples:,} operations"
        outcome = self.bound.among(value, least)
        if outcome == "inconclusive":
            reason += f", and {show_s(least)} without what the load generator was late: too close to tell"
        return self.finding(outcome, reason, value, details=details)


@dataclass(frozen=True, slots=True, kw_only=True)
class P50(Quantile):
    key: ClassVar[str] = "p50"
    figure: ClassVar[str] = "p50"
    share: ClassVar[Fraction] = Fraction(1, 2)
    bound: Bound = field(metadata=word("p50", _BOUND, "the median latency, such as '<= 50ms'"))


@dataclass(frozen=True, slots=True, kw_only=True)
class P90(Quantile):
    key: ClassVar[str] = "p90"
    figure: ClassVar[str] = "p90"
    share: ClassVar[Fraction] = Fraction(9, 10)
    bound: Bound = field(metadata=word("p90", _BOUND, "the latency nine of ten stay below, such as '<= 100ms'"))


@dataclass(frozen=True, slots=True, kw_only=True)
class P95(Quantile):
    key: ClassVar[str] = "p95"
    figure: ClassVar[str] = "p95"
    share: ClassVar[Fraction] = Fraction(95, 100)
    bound: Bound = field(metadata=word("p95", _BOUND, "the latency 95 of 100 stay below, such as '<= 250ms'"))


@dataclass(frozen=True, slots=True, kw_only=True)
class P99(Quantile):
    key: ClassVar[str] = "p99"
    figure: ClassVar[str] = "p99"
    share: ClassVar[Fraction] = Fraction(99, 100)
    bound: Bound = field(metadata=word("p99", _BOUND, "the latency 99 of 100 stay below, such as '<= 1s'"))


@dataclass(frozen=True, slots=True, kw_only=True)
class P999(Quantile):
    key: ClassVar[str] = "p999"
    figure: ClassVar[str] = "p999"
    share: ClassVar[Fraction] = Fraction(999, 1000)
    bound: Bound = field(metadata=word("p999", _BOUND, "the latency 999 of 1000 stay below, such as '<= 2s'"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Max(Quantile):
    """The longest wait. It falls with the first lost answer; bound ``success`` and ``p99`` to allow for some."""

    key: ClassVar[str] = "max"
    figure: ClassVar[str] = "max"
    share: ClassVar[Fraction] = Fraction(1)
    bound: Bound = field(metadata=word("max", _BOUND, "the longest wait, such as '<= 5s'; none may be lost"))
