"""Registers whose written values all differ, decided by sorting: Gibbons and Korach, Testing Shared Memories (1997).

All operations on one value (its write and the reads of it) must stand together in any order that explains them. Of
each value only two instants matter: the first end and the last begin among its operations. Where the first end comes
first, the register held the value from the one to the other (a *forward* zone); else one instant in between is enough
(a *backward* zone). An order exists exactly if no read ends before its write begins, forward zones do not overlap,
and no backward zone lies inside a forward one. n log n, nearly all of it in sorting and dictionaries.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import compress
from math import inf
from operator import lt

from harness.consistency.history import Call


def linearizable(calls: Sequence[Call], initial: str) -> bool | None:
    """``calls`` of a register, in the order in which they began. None: it is not of that kind.

    It is where there is no compare-and-set, and every written value is new. A write that timed out and was never read
    needs no place: its zone ends never, and nothing can lie in its way.

    Whole columns at a time, in dictionaries that all have the values in the same order: loops would take longer.
    """
    functions = [call.f for call in calls]
    writes = [function == "write" for function in functions]
    if writes.count(True) + functions.count("read") != len(functions):
        return None
    values = [call.value for call in calls]
    begins, returns = [call.invoked for call in calls], [call.returned for call in calls]
    began = {initial: -inf, **dict(compress(zip(values, begins, strict=True), writes))}
    if len(began) != 1 + writes.count(True):
        return None
    # In a dictionary the last one stays: of calls in the order they began that is the last begin of each value.
    last_begin = began.copy()
    last_begin.update(zip(values, begins, strict=True))
    if len(last_begin) != len(began):
        return False  # somebody read what nobody wrote
    first_end = {initial: -inf, **dict(compress(zip(values, returns, strict=True), writes))}
    for value, end in zip(values, returns, strict=True):
        if end < first_end[value]:  # noqa: PLR1730  a call of min() for each would take longer than all the rest
            first_end[value] = end
    if any(map(lt, first_end.values(), began.values())):
        return False
    return _fit(list(zip(last_begin.values(), first_end.values(), strict=True)))


def _fit(zones: Sequence[tuple[float, float]]) -> bool:
    """Whether zones (last begin, first end) can stand one after the other."""
    forward = sorted([(end, begin) for begin, end in zones if end < begin])
    starts, ends = [start for start, _ in forward], [end for _, end in forward]
    if any(map(lt, starts[1:], ends)):
        return False
    backward = sorted([zone for zone in zones if zone[0] <= zone[1]])
    begins, back = [begin for begin, _ in backward], [end for _, end in backward]
    for start, end in forward:
        inside = back[bisect_right(begins, start) : bisect_left(begins, end)]
        if inside and min(inside) < end:
            return False
    return True
