"""What clients did to shared registers and sets, and what they were told: the frozen value that is checked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

Function = Literal["read", "write", "cas", "add", "remove", "contains"]
FUNCTIONS: tuple[Function, ...] = get_args(Function)
OF_REGISTERS = frozenset[Function](("write", "cas"))
OF_SETS = frozenset[Function](("add", "remove", "contains"))
CHANGING = frozenset[Function](("write", "cas", "add", "remove"))
NOTHING = "null"  # what a register holds before anybody writes to it

_CODES = {function: code for code, function in enumerate(FUNCTIONS)}
_ANSWERS = {None: -1, False: 0, True: 1}
READ, WRITE, CAS, CONTAINS = (_CODES[function] for function in ("read", "write", "cas", "contains"))


class Call(NamedTuple):
    """One operation of one process that may have had an effect, or whose answer says something.

    Values are canonical JSON texts (``7``, ``"a"``, ``null``), so that 1, true and "1" are three values.
    ``value``: what was written, added, removed or asked for; of a cas the new value; of a read the answer.
    ``old``: of a cas, what it compares with. ``answer``: of a cas whether it swapped, of contains whether it is
    there; None: nobody knows. ``members``: the answer of a read of a set.
    ``invoked``, ``returned``: instants on one clock (seconds, or lines where a file has no times); two operations of
    which one ends at the instant the other begins overlap. ``returned`` is infinite for an operation that timed out:
    it may take effect at any time after it began, or never. ``line``, ``ended``: where the file says so; 0: nowhere.
    """

    process: int
    f: Function
    key: str
    value: str
    invoked: float
    returned: float = inf
    old: str = ""
    answer: bool | None = None
    members: frozenset[str] | None = None
    line: int = 0
    ended: int = 0

    @property
    def open(self) -> bool:
        return self.returned == inf

    @property
    def changes(self) -> bool:
        """Whether it may have changed what the object holds."""
        return self.f in CHANGING and self.answer is not False

    @property
    def observes(self) -> bool:
        """Whether its answer says what the object held."""
        return self.f in ("read", "contains") or (self.f == "cas" and self.answer is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A row for each call, in their order. ``keys``: the keys, in the order in which they were first used.

    ``key``: which of them. ``function``: READ, WRITE, ...; ``answer``: 1 yes, 0 no, -1 not known.
    ``held``: a number for each value of each key; those below ``len(keys)`` are what the keys held at first.
    ``owner``: for each such number, its key. ``whole``: whether it is the read of a whole set.
    """

    keys: tuple[str, ...]
    key: NDArray[np.int32]
    function: NDArray[np.int8]
    held: NDArray[np.int32]
    owner: NDArray[np.int32]
    answer: NDArray[np.int8]
    invoked: NDArray[np.float64]
    returned: NDArray[np.float64]
    whole: NDArray[np.bool_]


def columns(calls: Sequence[Call], initial: str = NOTHING) -> Columns:
    """``initial``: what every key held at first."""
    fields = dict(zip(Call._fields, zip(*calls, strict=True) if calls else [()] * len(Call._fields), strict=True))
    keys = tuple(dict.fromkeys(fields["key"]))
    numbers = {key: number for number, key in enumerate(keys)}
    pairs = list(zip(fields["key"], fields["value"], strict=True))
    values = {pair: number for number, pair in enumerate(dict.fromkeys([*((key, initial) for key in keys), *pairs]))}
    return Columns(
        keys=keys,
        key=np.fromiter(map(numbers.__getitem__, fields["key"]), np.int32),
        function=np.fromiter(map(_CODES.__getitem__, fields["f"]), np.int8),
        held=np.fromiter(map(values.__getitem__, pairs), np.int32),
        owner=np.fromiter([numbers[key] for key, _ in values], np.int32),
        answer=np.fromiter(map(_ANSWERS.__getitem__, fields["answer"]), np.int8),
        invoked=np.array(fields["invoked"], np.float64),
        returned=np.array(fields["returned"], np.float64),
        whole=np.fromiter([members is not None for members in fields["members"]], np.bool_),
    )


@dataclass(frozen=True)
class History:
    """Operations in the order in which they began.

    Left out: what certainly did not happen (a write that failed), and reads without an answer; they say nothing.
    ``timed``: whether instants are seconds; else they are lines of the file. ``columns``: the same operations.
    """

    calls: tuple[Call, ...]
    timed: bool = True
    columns: Columns = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", columns(self.calls))
