"""The engines say what trying every order says, on thousands of small histories of every kind."""

from collections import Counter
from collections.abc import Mapping

import pytest

from harness.consistency import zones
from harness.consistency.check import check, decide, until
from harness.consistency.history import Call, Function, History
from harness.consistency.objects import objects
from harness.consistency.registers import Register
from harness.consistency.search import Search
from tests.consistency import brute
from tests.consistency.histories import MIXES, small

_STEPS = 100_000
_EACH = 700
_kinds = pytest.mark.parametrize("mix", MIXES, ids="-".join)


def found(calls: tuple[Call, ...]) -> bool:
    answers = [decide(one, _STEPS)[0] for one in objects(calls)]
    assert None not in answers
    return all(answers)


@_kinds
def test_a_history_is_linearizable_exactly_if_one_of_all_orders_explains_it(mix: Mapping[Function, float]) -> None:
    seen = Counter[bool]()
    for seed in range(_EACH):
        calls = small(seed, mix)
        expected = brute.linearizable(calls)
        assert found(calls) is expected, (seed, calls)
        seen[expected] += 1
    assert min(seen[True], seen[False]) > _EACH / 20  # neither answer is right by chance


@_kinds
def test_a_failing_prefix_cannot_be_explained_and_the_one_before_it_can(mix: Mapping[Function, float]) -> None:
    failed = 0
    for seed in range(10_000, 10_000 + _EACH):
        calls = small(seed, mix)
        prefix = check(History(calls)).prefix
        if prefix is None:
            continue
        failed += 1
        whole = next(one for one in objects(calls) if one.name == prefix.name)
        assert prefix.shortest
        assert not brute.linearizable(until(whole, prefix.last.returned).calls), (seed, calls)
        before = [call.returned for call in whole.calls if call.returned < prefix.last.returned]
        assert brute.linearizable(until(whole, max(before, default=-1.0)).calls), (seed, calls)
    assert failed > _EACH / 20


def test_zones_and_the_search_agree_where_both_apply() -> None:
    seen = Counter[bool | None]()
    for seed in range(2 * _EACH):
        for one in objects(small(seed, MIXES[0], longest=14)):
            quick = zones.linearizable(one.calls, one.initial)
            seen[quick] += 1
            if quick is not None:
                assert quick is Search(Register(one.calls, one.initial), _STEPS).found, (seed, one)
    assert min(seen.values()) > 50 and len(seen) == 3
