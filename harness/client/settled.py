"""What became of operations in the order in which they fell due, as far as none of them is in flight any more.

Counted when they end, failures come late by their time-out, and no rate over such a counter says when the service was
well again. Counted like this they stand where the user met them, and a scrape shows them exactly.
"""

from dataclasses import dataclass

from harness.operations import LATENCY_BOUNDS_S


@dataclass(frozen=True, slots=True)
class Settled:
    """Of all that fell due before ``until_ns``: right answers by latency (last: beyond all), and failures."""

    until_ns: int = 0
    answered: tuple[int, ...] = (0,) * (len(LATENCY_BOUNDS_S) + 1)
    failed: int = 0


class Settling:
    """``seen`` is replaced as a whole, so that another thread never sees a half of it."""

    def __init__(self) -> None:
        self.seen = Settled()
        self._ended: list[tuple[int, int]] = []

    def count(self, due_ns: int, bucket: int) -> None:
        """One has ended. ``bucket``: the first of ``LATENCY_BOUNDS_S`` that its latency is not above; -1: it failed."""
        self._ended.append((due_ns, bucket))

    def until(self, until_ns: int) -> None:
        """Nothing that fell due before that is in flight."""
        answered, failed = list(self.seen.answered), self.seen.failed
        later: list[tuple[int, int]] = []
        for due_ns, bucket in self._ended:
            if due_ns >= until_ns:
                later.append((due_ns, bucket))
            elif bucket < 0:
                failed += 1
            else:
                answered[bucket] += 1
        self._ended = later
        self.seen = Settled(max(until_ns, self.seen.until_ns), tuple(answered), failed)
