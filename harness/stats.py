"""Figures from what was seen: nearest-rank quantiles, shares, and the first time a service was well again. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from math import ceil, inf

from harness.operations import Operation, Outcome

BEYOND = 5  # samples that must lie beyond a quantile before it says anything
PUNCTUAL_S = 0.010  # an operation sent later than this was sent late
P95, P99 = Fraction(95, 100), Fraction(99, 100)


def rank(samples: int, share: Fraction) -> int:
    """The nearest rank, from 1: the smallest that has at least ``share`` of the samples at or below it."""
    return max(1, ceil(samples * share))


def quantile(ordered: Sequence[float], share: Fraction) -> float:
    """The nearest-rank quantile of at least one sample, sorted upwards."""
    return ordered[rank(len(ordered), share) - 1]


def samples_needed(share: Fraction) -> int:
    """How many samples have ``BEYOND`` of them beyond the quantile. The maximum has nothing beyond it: one will do."""
    return ceil(BEYOND / (1 - share)) if share < 1 else 1


def succeeded(operations: Sequence[Operation]) -> int:
    """How many got the whole right answer in time."""
    return sum(op.outcome is Outcome.OK for op in operations)


def latencies(operations: Sequence[Operation]) -> list[float]:
    """Sorted, in seconds from the due time; an operation without a right answer counts as infinitely slow."""
    return sorted(op.latency_s if op.outcome is Outcome.OK else inf for op in operations)


def waits(operations: Sequence[Operation]) -> list[float]:
    """As ``latencies``, from the instant each was really sent: what the load generator was late is not in it."""
    return sorted((op.done_ns - op.sent_ns) / 1e9 if op.outcome is Outcome.OK else inf for op in operations)


def shortened(operations: Sequence[Operation]) -> int:
    """How many timed out that the load generator had sent more than ``PUNCTUAL_S`` late, so that they had less time."""
    return sum(op.outcome is Outcome.TIMED_OUT and op.send_error_s > PUNCTUAL_S for op in operations)


def send_error_p99_s(operations: Sequence[Operation]) -> float | None:
    """How late the generator itself was; operations that were never sent are not in it. None: nothing was sent."""
    errors = sorted(abs(op.send_error_s) for op in operations if op.outcome is not Outcome.CAPPED)
    return quantile(errors, P99) if errors else None


@dataclass(frozen=True, slots=True)
class Search:
    """``found_ns``: the start of the first well window, or None; ``tried_ns``: the last start that was looked at.

    ``samples``: the operations in the window that was found.
    """

    found_ns: int | None
    tried_ns: int
    samples: int = 0


def first_well(operations: Sequence[Operation], begin_ns: int, end_ns: int, hold_ns: int, slow_s: float) -> Search:
    """The first window of ``hold_ns``, within ``[begin_ns, end_ns)``, with success >= 99 % and p95 <= ``slow_s``.

    ``operations`` are ordered by due time, and so are the windows' starts: ``begin_ns``, then each operation's due
    time. Success is >= 99 % exactly if at most one in 100 failed, and p95 is not above ``slow_s`` exactly if at most
    one in 20 is, so that running counts will do and nothing is sorted.
    """
    due_ns = [op.due_ns for op in operations]
    failed = [0, *accumulate(op.outcome is not Outcome.OK for op in operations)]
    slow = [0, *accumulate(op.outcome is not Outcome.OK or op.latency_s > slow_s for op in operations)]
    tried_ns, last = begin_ns, 0
    for start_ns in (begin_ns, *due_ns[bisect_left(due_ns, begin_ns + 1) :]):
        if start_ns + hold_ns > end_ns:
            break
        tried_ns = start_ns
        first = bisect_left(due_ns, start_ns)
        last = bisect_left(due_ns, start_ns + hold_ns, lo=max(first, last))
        samples = last - first
        bad, late = failed[last] - failed[first], slow[last] - slow[first]
        if samples and bad * 100 <= samples and late * 20 <= samples:
            return Search(start_ns, tried_ns, samples)
    return Search(None, tried_ns)
