"""When operations fall due under a rate that changes: the inverse of the rate's integral, in closed form. Pure.

Operation number i is due when the integral of the rate since the load's start reaches i. So nothing adds up from one
operation to the next: however long a load lasts, its last operation is due as exactly as its first.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from math import ceil, inf, sqrt

from harness.clock import NS_PER_S, to_ns
from harness.wire import Stretch


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch on the load's clock: from ``begin_ns``, when the integral is ``before``, until it is ``after``."""

    begin_ns: int
    for_s: float
    from_per_s: float
    to_per_s: float
    before: float
    after: float

    def due_ns(self, number: int) -> int:
        """When the integral reaches ``number``, which is in this piece.

        ``n = r t + (a / 2) t^2`` solved for t in the form that loses no figures where ``a`` is small.
        """
        if self.from_per_s == self.to_per_s:
            return self.begin_ns + round((number - self.before) * NS_PER_S / self.from_per_s)
        wanted, change = number - self.before, (self.to_per_s - self.from_per_s) / self.for_s
        root = sqrt(max(0.0, self.from_per_s**2 + 2 * change * wanted))
        return self.begin_ns + round(2 * wanted * NS_PER_S / (self.from_per_s + root))

    def integral(self, for_s: float) -> float:
        """Since the load's start, ``for_s`` into this piece."""
        if self.from_per_s == self.to_per_s:
            return self.before + self.from_per_s * for_s
        return self.before + for_s * (self.from_per_s + (self.to_per_s - self.from_per_s) * for_s / self.for_s / 2)


class Pace:
    """``stretches`` follow each other from the start; before, between and after them the rate is ``rate_per_s``."""

    def __init__(self, rate_per_s: float, stretches: Sequence[Stretch] = ()) -> None:
        self._pieces: list[_Piece] = []
        begin_s, before = 0.0, 0.0
        for one in stretches:
            after = before + one.for_s * (one.from_per_s + one.to_per_s) / 2
            self._pieces.append(_Piece(to_ns(begin_s), one.for_s, one.from_per_s, one.to_per_s, before, after))
            begin_s, before = begin_s + one.for_s, after
        self._pieces.append(_Piece(to_ns(begin_s), inf, rate_per_s, rate_per_s, before, inf))
        self._afters = [piece.after for piece in self._pieces]

    def due_ns(self, number: int) -> int:
        """When operation ``number`` (from 0) falls due, in nanoseconds since the load's start."""
        return self._pieces[bisect_right(self._afters, number)].due_ns(number)

    def integral(self, until_s: float) -> float:
        """Of the rate since the start: how many operations have fallen due, give or take one."""
        until_ns = to_ns(until_s)
        piece = self._pieces[max(0, bisect_right([piece.begin_ns for piece in self._pieces], until_ns) - 1)]
        return piece.integral(max(0, until_ns - piece.begin_ns) / NS_PER_S)

    def dues_ns(self, start_ns: int) -> Iterator[int]:
        """The instant of every operation of a load that starts then, one after the other, without end."""
        first = 0
        for piece in self._pieces:
            begin_ns, before, rate_per_s = start_ns + piece.begin_ns, piece.before, piece.from_per_s
            numbers = count(first) if piece.after == inf else range(first, ceil(piece.after))
            if rate_per_s == piece.to_per_s:  # as ``due_ns`` says it, without the call
                for number in numbers:
                    yield begin_ns + round((number - before) * NS_PER_S / rate_per_s)
            else:
                for number in numbers:
                    yield start_ns + piece.due_ns(number)
            first = ceil(piece.after)
