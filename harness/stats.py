"""Figures from what was seen: nearest-rank quantiles, shares, and the first time a service was well again. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, inf

import numpy as np

from harness.columns import Integers, Operations, columns
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


def ended(operations: Sequence[Operation], *outcomes: Outcome) -> int:
    """How many ended like one of these."""
    counts = columns(operations).counts()
    return sum(counts[outcome] for outcome in outcomes)


def succeeded(operations: Sequence[Operation]) -> int:
    """How many got the whole right answer in time."""
    return ended(operations, Outcome.OK)


def latencies(operations: Sequence[Operation]) -> list[float]:
    """Sorted, in seconds from the due time; an operation without a right answer counts as infinitely slow."""
    of = columns(operations)
    return _waited(of, of.due_ns)


def waits(operations: Sequence[Operation]) -> list[float]:
    """As ``latencies``, from the instant each was really sent: what the load generator was late is not in it."""
    of = columns(operations)
    return _waited(of, of.sent_ns)


def _waited(of: Operations, since_ns: Integers) -> list[float]:
    waited: list[float] = np.sort(np.where(of.ok, (of.done_ns - since_ns) / 1e9, inf)).tolist()
    return waited


def shortened(operations: Sequence[Operation]) -> int:
    """How many timed out that the load generator had sent more than ``PUNCTUAL_S`` late, so that they had less time."""
    of = columns(operations)
    return int(np.count_nonzero(of.ended(Outcome.TIMED_OUT) & ((of.sent_ns - of.due_ns) / 1e9 > PUNCTUAL_S)))


def send_error_p99_s(operations: Sequence[Operation]) -> float | None:
    """How late the generator itself was; operations that were never sent are not in it. None: nothing was sent."""
    of = columns(operations)
    errors_ns = np.sort(np.abs(of.sent_ns - of.due_ns)[~of.ended(Outcome.CAPPED)]).tolist()
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
    one in 20 is, so that running counts will do and nothing is sorted.
    """
    of = columns(operations)
    starts_ns = np.concatenate(([begin_ns], of.due_ns[of.due_before(begin_ns) :]))
    starts_ns = starts_ns[starts_ns + hold_ns <= end_ns]
    if not len(starts_ns):
        return Search(None, begin_ns)
    first, last = (np.searchsorted(of.due_ns, instants_ns) for instants_ns in (starts_ns, starts_ns + hold_ns))
    samples = last - first
    failed = ~of.ok
    bad, late = (
        np.concatenate(([0], np.cumsum(unwell))) for unwell in (failed, failed | (of.latency_ns / 1e9 > slow_s))
    )
    few = ((bad[last] - bad[first]) * 100 <= samples) & ((late[last] - late[first]) * 20 <= samples)
    well = np.flatnonzero((samples > 0) & few)
    well = well[of.ok[first[well]]]
    if not len(well):
        return Search(None, int(starts_ns[-1]))
    found_ns = int(starts_ns[well[0]])
    return Search(found_ns, found_ns, int(samples[well[0]]))
