"""Packets that wait, by the instant at which they go on; those of one flow go on in the order in which they came."""

from heapq import heapify, heappop, heappush

from harness.agent.queue.fate import OVERTAKEN_S, Fate

_FLOWS_MAX = 4096
Flow = bytes | int


class Holding:
    """What is held is a verdict. Instants are CLOCK_MONOTONIC seconds."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, int, bytes]] = []  # due, place, mark, verdict
        self._last: dict[Flow, float] = {}
        self._place = 0

    def put(self, verdict: bytes, fate: Fate, mark: int, flow: Flow, now_s: float) -> bool:
        """False: it need not wait, and is not held."""
        due_s = now_s + fate.delay_s
        if fate.overtaken:
            due_s += OVERTAKEN_S
        else:
            due_s = max(due_s, self._last.get(flow, 0.0))
        if due_s <= now_s:
            return False
        if not fate.overtaken:
            if len(self._last) >= _FLOWS_MAX:
                self._last = {other: last_s for other, last_s in self._last.items() if last_s > now_s}
            self._last[flow] = due_s
        self._place += 1
        heappush(self._heap, (due_s, self._place, mark, verdict))
        return True

    def next_s(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def due(self, now_s: float, most: int) -> list[bytes]:
        found: list[bytes] = []
        while self._heap and self._heap[0][0] <= now_s and len(found) < most:
            found.append(heappop(self._heap)[3])
        return found

    def release(self, bits: int) -> list[bytes]:
        """All with any of these bits in their mark, in the order in which they would have gone."""
        found = sorted(item for item in self._heap if item[2] & bits)
        self._heap = [item for item in self._heap if not item[2] & bits]
        heapify(self._heap)
        self._last.clear()
        return [verdict for *_, verdict in found]
