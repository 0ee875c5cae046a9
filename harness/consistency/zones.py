"""Registers whose written values all differ, decided by sorting: Gibbons and Korach, Testing Shared Memories (1997).

All operations on one value (its write and the reads of it) must stand together in any order that explains them. Of
each value only two instants matter: the first end and the last begin among its operations. Where the first end comes
first, the register held the value from the one to the other (a *forward* zone); else one instant in between is enough
(a *backward* zone). An order exists exactly if no read ends before its write begins, forward zones do not overlap,
and no backward zone lies inside a forward one. n log n, nearly all of it in sorting and dictionaries.
"""

from collections.abc import Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from harness.consistency.history import READ, WRITE, Call, Columns, columns

_Floats = NDArray[np.float64]
_Flags = NDArray[np.bool_]


def linearizable(calls: Sequence[Call], initial: str) -> bool | None:
    """``calls`` of one register, in the order in which they began. None: it is not of that kind."""
    functions = [call.f for call in calls]
    written = {call.value for call in calls if call.f == "write"}
    if len(written) < functions.count("write") or len(written) + functions.count("read") < len(functions):
        return None
    return by_key(columns(calls, initial))[0] if calls else True


def by_key(history: Columns) -> tuple[bool | None, ...]:
    """For each key whether an order of its own operations explains them. None: it is not of that kind.

    It is where there is no compare-and-set, and every written value is new. A write that timed out and was never read
    needs no place: its zone ends never, and nothing can lie in its way.
    """
    keys, values = len(history.keys), len(history.owner)
    if not keys:
        return ()
    writes = history.function == WRITE
    first_begin, last_begin, first_end = np.full(values, inf), np.full(values, -inf), np.full(values, inf)
    first_begin[history.held[writes]] = history.invoked[writes]
    first_begin[:keys] = first_end[:keys] = -inf
    last_begin[history.held] = history.invoked  # of calls in the order they began, the last of each value stays
    np.minimum.at(first_end, history.held, history.returned)
    # What nobody wrote begins never, so that whoever read it ended before.
    wrong = _among(first_end < first_begin, history.owner, keys)
    wrong |= _clashing(last_begin, first_end, history.owner, keys)
    fits = _distinct(history, writes)
    return tuple(None if not fit else not bad for fit, bad in zip(fits.tolist(), wrong.tolist(), strict=True))


def _distinct(history: Columns, writes: _Flags) -> _Flags:
    """The keys that are registers of which no value was written twice, nor the one they held at first."""
    keys = len(history.keys)
    times = np.bincount(history.held[writes], minlength=len(history.owner))
    times[:keys] += 1
    others = ~writes & (history.function != READ)
    registers = _among(writes | ~history.whole, history.key, keys)
    return registers & ~_among(others, history.key, keys) & ~_among(times > 1, history.owner, keys)


def _clashing(last_begin: _Floats, first_end: _Floats, owner: NDArray[np.int32], keys: int) -> _Flags:
    """The keys whose zones (last begin, first end) cannot stand one after the other."""
    backward = last_begin <= first_end
    # All by key and where they start. Where two start at one instant, the backward zone comes first: it is not inside.
    order = np.concatenate((np.flatnonzero(backward), np.flatnonzero(~backward)))
    order = order[np.argsort(np.minimum(last_begin, first_end)[order], kind="stable")]
    order = order[np.argsort(owner[order], kind="stable")]
    backward, owner = backward[order], owner[order]
    ends = np.maximum(last_begin, first_end)[order]
    # Before each, the forward zone that began last. Of those that do not overlap no other can reach so far.
    places = np.where(backward, -1, np.arange(len(order)))
    before = np.maximum.accumulate(np.concatenate(([-1], places[:-1])))
    within = (before >= 0) & (owner[before] == owner)
    starts = np.minimum(last_begin, first_end)[order]
    clash = within & np.where(backward, ends < ends[before], starts < ends[before])
    return _among(clash, owner, keys)


def _among(flags: _Flags, owner: NDArray[np.int32], keys: int) -> _Flags:
    """Of which keys one is flagged."""
    found = np.zeros(keys, np.bool_)
    found[owner[flags]] = True
    return found
