"""Figures from what was seen: nearest-rank quantiles, shares, and the first time a service was well again. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, inf
from operator import attrgetter

from harness.operations import Operation, Outcome

BEYOND = 5  # samples that must lie beyond a quantile before it says anything
PUNCTUAL_S = 0.010  # an operation sent later than this was sent late
P95, P99 = Fraction(95, 100), Fraction(99, 100)
_OK, _CAPPED, _TIMED_OUT = Outcome.OK, Outcome.CAPPED, Outcome.TIMED_OUT  # looked up once, for a million operations
_due_ns, _outcome = attrgetter("due_ns"), attrgetter("outcome")


def rank(samples: int, share: Fraction) -> int:
    """The nearest rank, from 1: the smallest that has at least ``share`` of the samples at or below it."""
    return max(1, ceil(samples * share))


def quantile(ordered: Sequence[float], share: Fraction) -> float:
    """The nearest-rank quantile of at least one sample, sorted upwards."""
    return ordered[rank(len(ordered), share) - 1]


def samples_needed(share: Fraction) -> int:
    """How many samples have ``BEYOND`` of them beyond the quantile. The maximum has nothing beyond it: one will do."""
    return ceil(BEYOND / (1 - share)) if share < 1 else 1


def ended(operations: Sequence[Operation], *outcomes: Outcome) -> int:
    """How many ended like one of these."""
    ends = list(map(_outcome, operations))  # a million of them: counted where Python does not look at each
    return sum(map(ends.count, outcomes))


def succeeded(operations: Sequence[Operation]) -> int:
    """How many got the whole right answer in time."""
    return ended(operations, Outcome.OK)


def latencies(operations: Sequence[Operation]) -> list[float]:
    """Sorted, in seconds from the due time; an operation without a right answer counts as infinitely slow."""
    return sorted([(done - due) / 1e9 if end is _OK else inf for due, _, done, _, end, _, _ in operations])


def waits(operations: Sequence[Operation]) -> list[float]:
    """As ``latencies``, from the instant each was really sent: what the load generator was late is not in it."""
    return sorted([(done - sent) / 1e9 if end is _OK else inf for _, sent, done, _, end, _, _ in operations])


def shortened(operations: Sequence[Operation]) -> int:
    """How many timed out that the load generator had sent more than ``PUNCTUAL_S`` late, so that they had less time."""
    lost = [op for op in operations if op[4] is _TIMED_OUT]
    return sum(op.send_error_s > PUNCTUAL_S for op in lost)


def send_error_p99_s(operations: Sequence[Operation]) -> float | None:
    """How late the generator itself was; operations that were never sent are not in it. None: nothing was sent."""
    errors_ns = sorted([abs(sent - due) for due, sent, _, _, end, _, _ in operations if end is not _CAPPED])
    return quantile(errors_ns, P99) / 1e9 if errors_ns else None


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

    It begins with a right answer: else it would reach back into an outage by the one in 100 that may fail.
    ``operations`` are ordered by due time, and so are the windows' starts: ``begin_ns``, then each operation's due
    time. Success is >= 99 % exactly if at most one in 100 failed, and p95 is not above ``slow_s`` exactly if at most
    one in 20 is, so that running counts will do and nothing is sorted. What comes after the window that is found is
    not looked at.
    """
    first = last = start_at = bisect_left(operations, begin_ns, key=_due_ns)
    bad = late = 0
    start_ns = tried_ns = begin_ns
    while start_ns + hold_ns <= end_ns:
        tried_ns = start_ns
        while first < last and operations[first].due_ns < start_ns:
            failed, slow = _unwell(operations[first], slow_s)
            bad, late, first = bad - failed, late - slow, first + 1
        while last < len(operations) and operations[last].due_ns < start_ns + hold_ns:
            failed, slow = _unwell(operations[last], slow_s)
            bad, late, last = bad + failed, late + slow, last + 1
        samples = last - first
        well = samples and bad * 100 <= samples and late * 20 <= samples
        if well and operations[first].outcome is _OK:
            return Search(start_ns, tried_ns, samples)
        if start_at == len(operations):
            break
        start_ns, start_at = operations[start_at].due_ns, start_at + 1
    return Search(None, tried_ns)


def _unwell(op: Operation, slow_s: float) -> tuple[bool, bool]:
    failed = op.outcome is not _OK
    return failed, failed or (op.done_ns - op.due_ns) / 1e9 > slow_s
