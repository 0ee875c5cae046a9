"""When the agent does what: a heap of moments, and a wait that ends within a fraction of a millisecond of one."""

import heapq
import select
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from harness.clock import monotonic_ns, to_s

SPIN_NS = 300_000  # a sleeping thread is woken some 0.1 ms late; the last stretch is watched instead of slept
QUIET_NS = 20_000_000  # with a moment so near, nothing that can wait is begun


class Move(IntEnum):
    """In the order in which moves of one instant are made. A fault with a pattern rests and resumes while it lasts."""

    FIRE = 0
    RESUME = 1
    REST = 2
    HEAL = 3


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    at_ns: int
    move: Move
    fault: str


class Schedule:
    """Pure: it is told the time."""

    def __init__(self) -> None:
        self._heap: list[Moment] = []

    def add(self, moment: Moment) -> None:
        heapq.heappush(self._heap, moment)

    def forget(self, fault: str) -> None:
        self._heap = [moment for moment in self._heap if moment.fault != fault]
        heapq.heapify(self._heap)

    def next_ns(self) -> int | None:
        return self._heap[0].at_ns if self._heap else None

    def quiet(self, now_ns: int, for_ns: int = QUIET_NS) -> bool:
        """Is there time for something else before the next moment?"""
        return not self._heap or self._heap[0].at_ns - now_ns > for_ns

    def due(self, now_ns: int) -> tuple[Moment, ...]:
        found = []
        while self._heap and self._heap[0].at_ns <= now_ns:
            found.append(heapq.heappop(self._heap))
        return tuple(found)


def wait_until(deadline_ns: int, fds: Sequence[int]) -> bool:
    """Wait for CLOCK_MONOTONIC ``deadline_ns``; True, and earlier, as soon as one of ``fds`` can be read."""
    left_ns = deadline_ns - monotonic_ns() - SPIN_NS
    if left_ns > 0 and select.select(fds, [], [], to_s(left_ns))[0]:
        return True
    while monotonic_ns() < deadline_ns:
        pass
    return False
