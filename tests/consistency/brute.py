"""A checker that tries every order: too slow for anything but a handful of operations, and too simple to be wrong."""

from collections.abc import Sequence

from harness.consistency.history import Call

Held = dict[str, frozenset[str] | str]


def linearizable(calls: Sequence[Call]) -> bool:
    """All objects at once: neither taken apart by key, nor remembered, nor anything left out."""
    return _explains(tuple(calls), {})


def _explains(left: tuple[Call, ...], held: Held) -> bool:
    if all(call.open for call in left):
        return True  # those that timed out may never have happened
    for call in left:
        if any(other.returned < call.invoked for other in left):
            continue  # something that ended before it began must come first
        rest = tuple(other for other in left if other is not call)
        after = _after(call, held)
        if after is not None and _explains(rest, after):
            return True
    return False


def _after(call: Call, held: Held) -> Held | None:
    """What is held once it took effect; None: its answer contradicts what is held."""
    of_set = call.f in ("add", "remove", "contains") or call.members is not None
    return _after_set(call, held) if of_set else _after_register(call, held)


def _after_set(call: Call, held: Held) -> Held | None:
    members = held.get(call.key, frozenset())
    assert isinstance(members, frozenset)
    if call.f == "add":
        return held | {call.key: members | {call.value}}
    if call.f == "remove":
        return held | {call.key: members - {call.value}}
    right = call.members == members if call.f == "read" else call.answer is (call.value in members)
    return held if right else None


def _after_register(call: Call, held: Held) -> Held | None:
    value = held.get(call.key, "null")
    if call.f == "write":
        return held | {call.key: call.value}
    if call.f == "read":
        return held if call.value == value else None
    if call.answer is not None and call.answer is not (value == call.old):
        return None
    return held | {call.key: call.value} if value == call.old else held
