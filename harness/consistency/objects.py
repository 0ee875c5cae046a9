"""The objects of a history that can be checked alone: a history is linearizable exactly if each of its objects is."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from harness.consistency.history import NOTHING, OF_REGISTERS, Call

_IN, _OUT = "true", "false"


class Object(msgspec.Struct, frozen=True):
    """``calls`` in the order in which they began. ``name``: its key; of one element of a set also that element."""

    name: str
    calls: Sequence[Call]
    kind: Literal["register", "set", "element"] = "register"

    @property
    def initial(self) -> str:
        """What it holds at first, if it is a register, or an element seen as one."""
        return NOTHING if self.kind == "register" else _OUT


def objects(calls: Iterable[Call]) -> tuple[Object, ...]:
    """Each key is an object; so is each element of a set that is never read as a whole."""
    by_key: defaultdict[str, list[Call]] = defaultdict(list)
    for call in calls:
        by_key[call.key].append(call)
    found: list[Object] = []
    for key, own in by_key.items():
        functions = {call.f for call in own}
        if functions & OF_REGISTERS or (functions == {"read"} and any(call.members is None for call in own)):
            found.append(Object(key, own))
        elif "read" in functions:
            found.append(Object(key, own, "set"))
        else:
            found += _elements(key, own)
    return tuple(found)


def _elements(key: str, calls: Iterable[Call]) -> Iterable[Object]:
    """An element is a register that says whether it is in the set: added writes true, removed writes false."""
    by_element: dict[str, list[Call]] = {}
    for call in calls:
        by_element.setdefault(call.value, []).append(call)
    for element, own in by_element.items():
        yield Object(f"{key}, element {element}", own, "element")


def as_register(call: Call) -> Call:
    """The same operation on the register that an element of a set is; one on a register as it is."""
    if call.f == "add":
        return call._replace(f="write", value=_IN)
    if call.f == "remove":
        return call._replace(f="write", value=_OUT)
    if call.f == "contains":
        return call._replace(f="read", value=_IN if call.answer else _OUT)
    return call
