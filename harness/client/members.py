"""The members of a store that all can be asked: by turns, and for a while not the one that failed somebody."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.client.exchange import Asked
from harness.clock import NS_PER_S

AWAY_NS = 2 * NS_PER_S


@dataclass(slots=True)
class Member:
    """``away_until_ns``: it failed somebody, and is left alone until then; 0: it answers."""

    name: str
    pool: Asked
    away_until_ns: int = 0

    def answered(self) -> None:
        self.away_until_ns = 0

    def failed(self, now_ns: int) -> None:
        self.away_until_ns = now_ns + AWAY_NS


class Members:
    """Whoever was away long enough is tried by one operation, not by all; where all are away, they go on by turns."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = tuple(members)
        self._turn = 0

    def next(self, now_ns: int) -> Member:
        order = (*self._members[self._turn :], *self._members[: self._turn])
        self._turn = (self._turn + 1) % len(self._members)
        found = next((member for member in order if member.away_until_ns <= now_ns), None)
        if found is None:
            return order[0]
        if found.away_until_ns:
            found.failed(now_ns)  # until that one operation has its answer
        return found
