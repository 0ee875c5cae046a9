"""What clients did to shared registers and sets, and what they were told: the frozen value that is checked."""

from math import inf
from typing import Literal, NamedTuple, get_args

import msgspec

Function = Literal["read", "write", "cas", "add", "remove", "contains"]
FUNCTIONS: tuple[Function, ...] = get_args(Function)
OF_REGISTERS = frozenset[Function](("write", "cas"))
OF_SETS = frozenset[Function](("add", "remove", "contains"))
CHANGING = frozenset[Function](("write", "cas", "add", "remove"))
NOTHING = "null"  # what a register holds before anybody writes to it


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


class History(msgspec.Struct, frozen=True):
    """Operations in the order in which they began.

    Left out: what certainly did not happen (a write that failed), and reads without an answer; they say nothing.
    ``timed``: whether instants are seconds; else they are lines of the file.
    """

    calls: tuple[Call, ...]
    timed: bool = True
