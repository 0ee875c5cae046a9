"""A set that is read as a whole, as the search walks it: a state is one bit for each element."""

from collections.abc import Iterator, Sequence

from harness.consistency.history import Call
from harness.consistency.search import Place

_READ, _CONTAINS, _LACKS, _ADD, _REMOVE = range(5)


class Set:
    """The model of one set, empty at first."""

    initial = 0

    def __init__(self, calls: Sequence[Call]) -> None:
        done = [call for call in calls if not call.open]
        late = [call for call in calls if call.open and call.changes]
        self._bits: dict[str, int] = {}
        self.began = [call.invoked for call in done]
        self.ended = [call.returned for call in done]
        self._kinds = [_kind(call) for call in done]
        self._masks = [self._mask(call) for call in done]
        self.loose = len(late)
        self._late_began = [call.invoked for call in late]
        self._late_adds: dict[int, list[int]] = {}
        self._late_removes: dict[int, list[int]] = {}
        for number, call in enumerate(late):
            same = self._late_adds if call.f == "add" else self._late_removes
            same.setdefault(self._mask(call), []).append(number)
        changed = [(call.f, self._mask(call)) for call in calls if call.changes]
        self._removable = _union(mask for f, mask in changed if f == "remove")
        self._addable = _union(mask for f, mask in changed if f == "add")
        self._next_read = _next(_READ, self._kinds)

    def possible(self) -> bool:
        seen = _union(mask for kind, mask in zip(self._kinds, self._masks, strict=True) if kind in (_READ, _CONTAINS))
        return not seen & ~self._addable

    def right(self, number: int, state: int) -> bool:
        kind, mask = self._kinds[number], self._masks[number]
        if kind == _READ:
            return mask == state
        return (kind == _CONTAINS and state & mask != 0) or (kind == _LACKS and not state & mask)

    def after(self, number: int, state: int) -> int:
        kind = self._kinds[number]
        if kind == _ADD:
            return state | self._masks[number]
        return state & ~self._masks[number] if kind == _REMOVE else -1

    def doomed(self, number: int, place: Place, state: int) -> bool:
        """An element that is never removed stays: every read from here on must have it."""
        begun, window, _, _ = place
        stays = state & ~self._removable
        if not stays:
            return False
        following = self._next_read[begun]
        reads = [other for other in window if self._kinds[other] == _READ]
        if following < len(self._kinds):
            reads.append(following)
        return any(stays & ~self._masks[other] for other in reads)

    def helpful(self, place: Place, deadline: float) -> Iterator[tuple[int, int]]:
        """For each observation of the window all at once that it needs: they can wait until just before it."""
        _, window, state, used = place
        for number in window:
            kind, mask = self._kinds[number], self._masks[number]
            if kind in (_ADD, _REMOVE):
                continue
            lacking = mask & ~state if kind != _LACKS else 0
            beyond = state & ~mask if kind == _READ else state & mask if kind == _LACKS else 0
            taken = self._take(self._late_adds, lacking, used, deadline)
            if taken >= 0:
                taken = self._take(self._late_removes, beyond, taken, deadline)
            if taken >= 0:
                yield taken, (state | lacking) & ~beyond

    def _take(self, same: dict[int, list[int]], bits: int, used: int, deadline: float) -> int:
        """``used``, and the earliest that is left for each of these bits; -1 where there is none by the deadline."""
        while bits:
            bit = bits & -bits
            bits ^= bit
            for number in same.get(bit, ()):
                if not used >> number & 1:
                    break
            else:
                return -1
            if self._late_began[number] > deadline:
                return -1
            used |= 1 << number
        return used

    def _mask(self, call: Call) -> int:
        elements = call.members if call.members is not None else (call.value,)
        return _union(1 << self._bits.setdefault(element, len(self._bits)) for element in elements)


def _kind(call: Call) -> int:
    if call.f == "contains":
        return _CONTAINS if call.answer else _LACKS
    return {"read": _READ, "add": _ADD, "remove": _REMOVE}[call.f]


def _union(masks: Iterator[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union


def _next(kind: int, kinds: Sequence[int]) -> list[int]:
    """For each number and one more: the first from there on that is of this kind; their count where none is."""
    found, following = [len(kinds)] * (len(kinds) + 1), len(kinds)
    for number in range(len(kinds) - 1, -1, -1):
        following = number if kinds[number] == kind else following
        found[number] = following
    return found
