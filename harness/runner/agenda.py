"""What is to be done when: a heap of instants and deeds, kept by the deciding thread."""

import heapq
from collections.abc import Callable
from itertools import count


class Agenda:
    """Deeds in the order of their instants; those of one instant in the order they were added."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()

    def add(self, at_ns: int, deed: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (at_ns, next(self._order), deed))

    def clear(self) -> None:
        """Nothing of what was planned is to happen any more."""
        self._heap.clear()

    def next_ns(self) -> int | None:
        return self._heap[0][0] if self._heap else None

    def due(self, now_ns: int) -> list[Callable[[], None]]:
        """Take what is due."""
        found = []
        while self._heap and self._heap[0][0] <= now_ns:
            found.append(heapq.heappop(self._heap)[2])
        return found
