"""The operations of one traffic by column: a million are asked at once, where Python would look at each."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import eq
from typing import TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from harness.operations import Operation, Outcome

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]
_Name = TypeVar("_Name", str, bytes)
_OUTCOMES = tuple(Outcome)  # by number


@dataclass(frozen=True, slots=True, eq=False)
class Operations(Sequence[Operation]):
    """Reads like a tuple of ``Operation``; each column is as long. ``node``: the place of the node's name in ``names``.

    A part of it is a view: nothing is copied.
    """

    names: tuple[str, ...]
    due_ns: Integers
    sent_ns: Integers
    done_ns: Integers
    size_bytes: Integers
    outcome: Integers
    status: Integers
    node: Integers

    @property
    def latency_ns(self) -> Integers:
        return self.done_ns - self.due_ns

    @property
    def ok(self) -> Mask:
        return self.ended(Outcome.OK)

    def ended(self, outcome: Outcome) -> Mask:
        """Which ended like this."""
        mask: Mask = self.outcome == int(outcome)
        return mask

    def counts(self) -> Counter[Outcome]:
        """How many ended like each, in the order of ``Outcome``; where none did it is not in it."""
        counts = np.bincount(self.outcome, minlength=len(_OUTCOMES)).tolist()
        return Counter({outcome: count for outcome, count in zip(_OUTCOMES, counts, strict=True) if count})

    def served(self) -> Counter[str]:
        """How many right answers each node gave; answers that do not say whose they are are not in it."""
        counts = np.bincount(self.node[self.ok], minlength=len(self.names)).tolist()
        return Counter({name: count for name, count in zip(self.names, counts, strict=True) if name and count})

    def due_before(self, instant_ns: int) -> int:
        """How many fell due before. They must be in the order of their due times."""
        return int(np.searchsorted(self.due_ns, instant_ns))

    def part(self, which: slice | Mask | Integers) -> "Operations":
        """Some of them: from one place to another, those of which it is true, or those at these places."""
        return Operations(self.names, *(column[which] for column in self._columns()))

    def in_order(self) -> "Operations":
        """By due time; what is the same in that, by the others, as tuples are."""
        if (np.diff(self.due_ns) > 0).all():
            return self
        return self.part(np.lexsort(self._columns()[::-1]))

    def _columns(self) -> tuple[Integers, ...]:
        """In the order of the fields of ``Operation``."""
        return self.due_ns, self.sent_ns, self.done_ns, self.size_bytes, self.outcome, self.status, self.node

    @overload
    def __getitem__(self, which: int) -> Operation: ...

    @overload
    def __getitem__(self, which: slice) -> "Operations": ...

    def __getitem__(self, which: int | slice) -> "Operation | Operations":
        if isinstance(which, slice):
            return self.part(which)
        *numbers, outcome, status, node = (int(column[which]) for column in self._columns())
        return Operation._make((*numbers, _OUTCOMES[outcome], status, self.names[node]))

    def __len__(self) -> int:
        return len(self.due_ns)

    def __iter__(self) -> Iterator[Operation]:
        due_ns, sent_ns, done_ns, size_bytes, outcome, status, node = (c.tolist() for c in self._columns())
        outcomes, nodes = map(_OUTCOMES.__getitem__, outcome), map(self.names.__getitem__, node)
        return map(Operation, due_ns, sent_ns, done_ns, size_bytes, outcomes, status, nodes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    def __hash__(self) -> int:
        return hash(tuple(self))


def columns(operations: Sequence[Operation]) -> Operations:
    """The same operations, in the same order."""
    if isinstance(operations, Operations):
        return operations
    *numbers, nodes = zip(*operations, strict=True) if operations else ((),) * len(Operation._fields)
    places, names = coded(nodes)
    return Operations(names, *[*(np.array(column, np.int64) for column in numbers), places])


def coded(names: Sequence[_Name]) -> tuple[Integers, tuple[_Name, ...]]:
    """Each name as its place among all that there are, in their order."""
    known = tuple(sorted(set(names)))
    places = {name: place for place, name in enumerate(known)}
    return np.fromiter(map(places.__getitem__, names), np.int64, len(names)), known
