"""Is this history linearizable: yes, no (and where), or nobody can tell from it. Pure."""

from collections.abc import Collection, Sequence
from math import inf
from typing import Literal

import msgspec
import numpy as np

from harness.consistency import zones
from harness.consistency.history import CAS, CHANGING, CONTAINS, READ, WRITE, Call, Columns, History
from harness.consistency.objects import Object, as_register, objects
from harness.consistency.registers import Register
from harness.consistency.search import Search
from harness.consistency.sets import Set

Outcome = Literal["yes", "no", "unknown"]
STEPS_MAX = 1_000_000
# An order that fits proves little if there was hardly a choice. Each write that another operation of its object
# overlapped is a trial in which a wrong system could have been caught. If it went wrong in one of ten of them, 30
# without an error would be seen in less than 5 % of all histories (0.9 ** 30 = 0.042); of 29 that holds too, of 28 not.
CONTESTED_MIN = 30


class Prefix(msgspec.Struct, frozen=True):
    """Operations of one object that no order explains. ``last``: the answer with which that became so.

    ``shortest``: whether without that answer an order was found; else the steps ran out while it was looked for.
    """

    name: str
    calls: tuple[Call, ...]
    last: Call
    shortest: bool


class Result(msgspec.Struct, frozen=True):
    """``contested``: writes that another operation of their object overlapped; ``observed``: answers that say a value.

    ``undecided``, ``refuted``: the objects of which that is so, by name.
    """

    outcome: Outcome
    operations: int
    objects: int
    contested: int
    observed: int
    contested_min: int = CONTESTED_MIN
    steps: int = 0
    undecided: tuple[str, ...] = ()
    refuted: tuple[str, ...] = ()
    prefix: Prefix | None = None


def check(history: History, steps_max: int = STEPS_MAX, contested_min: int = CONTESTED_MIN) -> Result:
    """``steps_max``: of the searches of all objects together, and again of the search for the shortest prefix."""
    table = history.columns
    quick = dict(zip(table.keys, zones.by_key(table), strict=True))
    left = {key for key, answer in quick.items() if answer is None}
    # Only of the others is each object looked at alone; the order is that in which their keys were first used.
    found = objects(history.calls) if left else ()
    answers = {one.name: quick.get(one.name) for one in found} if left else quick
    slow = [one for one in found if answers[one.name] is None]
    steps = 0
    # First each gets an equal share, so that one hard object keeps none of the others from being looked at.
    for share in (steps_max // max(len(answers), 1), steps_max):
        for one in slow:
            if answers[one.name] is None:
                answers[one.name], took = decide(one, max(min(share, steps_max - steps), 0))
                steps += took
    refuted = tuple(name for name, answer in answers.items() if answer is False)
    undecided = tuple(name for name, answer in answers.items() if answer is None)
    contests = _contested(table, left) + sum(contested(one.calls) for one in slow)
    answered = observed(table)
    enough = min(contests, answered) >= contested_min
    return Result(
        outcome="no" if refuted else "yes" if enough and not undecided else "unknown",
        operations=len(history.calls),
        objects=len(answers),
        contested=contests,
        observed=answered,
        contested_min=contested_min,
        steps=steps,
        undecided=undecided,
        refuted=refuted,
        prefix=_shortest(_named(history, refuted[0]), steps_max) if refuted else None,
    )


def decide(one: Object, steps_max: int) -> tuple[bool | None, int]:
    """Whether an order explains all answers of one object (None: not known), and the steps this took."""
    if one.kind == "set":
        search = Search(Set(one.calls), steps_max)
        return search.found, search.steps
    calls = one.calls if one.kind == "register" else [as_register(call) for call in one.calls]
    quick = zones.linearizable(calls, one.initial)
    if quick is not None:
        return quick, 0
    search = Search(Register(calls, one.initial), steps_max)
    return search.found, search.steps


def contested(calls: Sequence[Call]) -> int:
    """How many writes ended during which another operation began. ``calls`` in the order in which they began.

    A write that timed out lasts for ever; that others begin meanwhile says nothing.
    """
    following = [call.invoked for call in calls[1:]]
    met = [call for call, begin in zip(calls, following, strict=False) if begin < call.returned < inf]
    return len([1 for call in met if call.f in CHANGING and call.answer is not False])


def _contested(table: Columns, left: Collection[str]) -> int:
    """The same of all keys but those that are left: registers to which nothing is done but to write and to read."""
    order = np.argsort(table.key, kind="stable")
    key, returned = table.key[order], table.returned[order]
    following = table.invoked[order][1:]
    met = (key[1:] == key[:-1]) & (following < returned[:-1]) & (returned[:-1] < inf)
    skipped = np.array([name in left for name in table.keys], np.bool_)
    return int(np.count_nonzero(met & (table.function[order] == WRITE)[:-1] & ~skipped[key[:-1]]))


def observed(table: Columns) -> int:
    """How many answers say what an object held."""
    reads = (table.function == READ) | (table.function == CONTAINS)
    return int(np.count_nonzero(reads | ((table.function == CAS) & (table.answer >= 0))))


def until(one: Object, instant: float) -> Object:
    """What was known of it then: operations that had not ended may have taken effect or not."""
    known: list[Call] = []
    for call in one.calls:
        if call.invoked > instant:
            break
        if call.returned <= instant:
            known.append(call)
        elif call.f not in ("read", "contains"):
            known.append(call._replace(returned=inf, answer=None))
    return Object(one.name, known, one.kind)


def _named(history: History, name: str) -> Object:
    return next(one for one in objects(history.calls) if one.name == name)


def _shortest(one: Object, steps_max: int) -> Prefix:
    """By halving: once no order explains a prefix, none explains a longer one."""
    instants = sorted({call.returned for call in one.calls if not call.open})
    steps = 0

    def fails(instant: float) -> bool | None:
        nonlocal steps
        answer, took = decide(until(one, instant), max(steps_max - steps, 0))
        steps += took
        return None if answer is None else not answer

    shortest, low, high = True, 0, len(instants) - 1  # the whole fails
    while low < high:
        middle = (low + high) // 2
        failed = fails(instants[middle])
        shortest = shortest and failed is not None
        if failed:
            high = middle
        else:
            low = middle + 1
    end = instants[high]
    last = next(call for call in one.calls if call.returned == end)
    return Prefix(one.name, tuple(call for call in one.calls if call.invoked <= end), last, shortest)
