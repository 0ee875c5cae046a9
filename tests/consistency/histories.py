"""Small random histories, of every kind there is; half of them spoilt, so that no order need explain them."""

from collections.abc import Mapping
from random import Random

from bench.linearizability import Workload, simulated
from harness.consistency.history import Call, Function

MIXES: tuple[Mapping[Function, float], ...] = (
    {"read": 0.5, "write": 0.5},
    {"read": 0.3, "write": 0.3, "cas": 0.4},
    {"write": 0.3, "cas": 0.7},
    {"add": 0.5, "read": 0.5},
    {"add": 0.3, "remove": 0.2, "contains": 0.2, "read": 0.3},
    {"add": 0.3, "remove": 0.3, "contains": 0.4},
)


def small(seed: int, mix: Mapping[Function, float], longest: int = 7) -> tuple[Call, ...]:
    """At most ``longest`` operations; some time out, some clocks are coarse, some answers are changed."""
    random = Random(seed)
    workload = Workload(
        operations=random.randint(1, longest),
        clients=random.randint(1, 6),
        keys=random.choice((1, 1, 1, 2)),
        mix=mix,
        values=random.choice((0, 2, 3)) if "add" not in mix else random.choice((2, 3)),
        lost=random.choice((0, 0.2, 0.5)),
    )
    calls = [*simulated(workload, seed).calls]
    for _ in range(random.choice((0, 1, 1, 2))):
        if calls:
            number = random.randrange(len(calls))
            calls[number] = _spoilt(calls[number], calls, random)
    if random.random() < 0.3:
        calls = sorted(map(_coarse, calls), key=lambda call: call.invoked)
    return tuple(calls)


def _spoilt(call: Call, calls: list[Call], random: Random) -> Call:
    """With another answer, if it has one."""
    written = [other.value for other in calls if other.changes]
    if call.members is not None:
        return call._replace(members=call.members ^ {random.choice([*written, "0"])})
    if call.f == "read":
        return call._replace(value=random.choice([*written, "null"]))
    return call if call.answer is None else call._replace(answer=not call.answer)


def _coarse(call: Call) -> Call:
    """As a clock of 10 ms would have it, so that many instants are the same."""
    return call._replace(invoked=round(call.invoked, 2), returned=round(call.returned, 2))
