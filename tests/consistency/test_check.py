"""What is yes, what is no, and what nobody can tell."""

from math import inf
from typing import Any

import pytest

from bench.linearizability import Workload, simulated, workloads
from harness.consistency.check import CONTESTED_MIN, Result, check, contested, decide, until
from harness.consistency.history import Call, Function, History
from harness.consistency.objects import objects
from harness.consistency.sentences import lines, sentence

BUSY = Workload(400, 8, 2)


def call(f: Function, value: str, begin: float, end: float = inf, **more: Any) -> Call:
    return Call(0, f, '"x"', value, begin, end)._replace(**more)


def answer(*calls: Call) -> bool | None:
    (one,) = objects(sorted(calls, key=lambda call: call.invoked))
    return decide(one, 10_000)[0]


def stale(history: History) -> History:
    """One late read of each object says what was written first."""
    calls = [*history.calls]
    for number in range(len(calls) - 1, -1, -1):
        if calls[number].f == "read":
            first = next(one for one in calls if one.key == calls[number].key and one.f == "write")
            calls[number] = calls[number]._replace(value=first.value)
            break
    return History(tuple(calls))


def test_a_linearizable_history_with_enough_overlap_is_yes() -> None:
    result = check(simulated(BUSY, 1))
    assert (result.outcome, result.operations, result.objects) == ("yes", 400, 2)
    assert sentence(result) == (
        f"yes: one order explains all 400 operations on 2 objects; {result.contested} writes overlapped another "
        "operation on the same object."
    )


def test_a_stale_read_is_no_with_its_key_and_the_prefix_up_to_it() -> None:
    history = stale(simulated(BUSY, 1))
    result = check(history)
    assert result.outcome == "no" and result.prefix is not None
    assert result.prefix.last.f == "read" and result.prefix.shortest
    said = [*lines(result, history)]
    assert said[0].startswith(f"no: no order explains the answers on {result.refuted[0]}; shortest failing prefix: ")
    assert said[1].strip().startswith("(") and said[1].endswith("operations of the prefix not shown)")
    assert sum(line.endswith("<- with this no order is left") for line in said) == 1
    assert any(f"write {result.prefix.last.value}: ok" in line for line in said[2:-1])
    assert len(said) <= 18


def test_a_whole_failing_history_is_shown_if_it_is_short() -> None:
    history = History(
        (
            call("write", "1", 0, 1, line=1, ended=2),
            call("cas", "2", 2, 4, old="1", answer=True, line=3, ended=5, process=7),
            call("write", "9", 3, line=4),
            call("read", "1", 6, 7, line=6, ended=7),
        ),
        timed=False,
    )
    assert [*lines(check(history), history)] == [
        'no: no order explains the answers on "x"; shortest failing prefix: 4 operations, up to line 7.',
        "  lines 1-2    process 0  write 1: ok",
        "  lines 3-5    process 7  cas 1 to 2: swapped",
        "  line 4       process 0  write 9: no answer",
        "  lines 6-7    process 0  read: 1   <- with this no order is left",
    ]


def test_without_enough_overlapping_writes_an_order_that_fits_proves_nothing() -> None:
    alone = simulated(Workload(400, 1, 1), 1)
    result = check(alone)
    assert (result.outcome, result.contested) == ("unknown", 0)
    assert "but only 0 writes overlapped" in sentence(result) and f"fewer than {CONTESTED_MIN}" in sentence(result)
    assert check(alone, contested_min=0).outcome == "yes"


def test_without_answers_that_say_a_value_an_order_that_fits_proves_nothing() -> None:
    result = check(simulated(Workload(400, 8, 1, {"write": 1.0}), 1))
    assert (result.outcome, result.observed) == ("unknown", 0)
    assert "but only 0 answers say what an object held" in sentence(result)


def test_an_error_is_no_however_few_writes_overlap() -> None:
    assert check(History((call("read", "7", 0, 1),))).outcome == "no"


def test_a_write_that_timed_out_makes_nothing_contested() -> None:
    after = [call("write", str(n), n, n + 0.5) for n in range(1, 50)]
    assert contested([call("write", "0", 0), *after]) == 0


def test_writes_that_overlap_are_counted() -> None:
    calls = [call("write", "1", 0, 2), call("read", "1", 1, 3), call("write", "2", 3, 4), call("write", "3", 5, 6)]
    assert contested(calls) == 1


def test_a_search_that_runs_out_of_steps_is_unknown_and_says_so() -> None:
    result = check(simulated(Workload(400, 20, 1, {"write": 0.5, "cas": 0.3, "read": 0.2}, values=3), 1), steps_max=20)
    assert (result.outcome, result.undecided) == ("unknown", ("0",))
    assert sentence(result).startswith("unknown: the search gave up after 20 steps with 0 undecided; ")


def test_a_hard_object_does_not_hide_an_error_on_an_easy_one() -> None:
    hard = simulated(Workload(400, 20, 1, {"write": 0.5, "cas": 0.3, "read": 0.2}, values=3), 1)
    calls = (*hard.calls, call("read", "7", 90, 91))
    result = check(History(calls), steps_max=20)
    assert (result.outcome, result.refuted, result.undecided) == ("no", ('"x"',), ("0",))


def test_an_unread_write_that_timed_out_can_explain_a_cas_that_failed() -> None:
    """The known trap: nobody read 9, and without it the cas would have found 1."""
    lost, failed = call("write", "9", 2), call("cas", "5", 3, 4, old="1", answer=False)
    assert answer(call("write", "1", 0, 1), lost, failed) is True
    assert answer(call("write", "1", 0, 1), failed) is False


def test_a_write_that_timed_out_may_take_effect_much_later_or_never_but_not_before_it_began() -> None:
    first, second = call("write", "1", 0, 1), call("read", "1", 4, 5)
    assert answer(first, call("write", "2", 2), second, call("read", "2", 6, 7)) is True
    assert answer(first, call("write", "2", 2), second) is True
    assert answer(first, call("read", "2", 2, 3), call("write", "2", 4)) is False


def test_operations_that_touch_in_one_instant_overlap() -> None:
    assert answer(call("write", "1", 0, 1), call("read", "null", 1, 2)) is True
    assert answer(call("write", "1", 0, 1), call("read", "null", 1.5, 2)) is False


def test_many_lost_writes_beside_failing_cas_do_not_explode() -> None:
    calls = [call("write", "1", 0, 1)]
    calls += [call("write", str(100 + n), 2 + n / 100) for n in range(60)]
    for n in range(30):
        calls += [call("read", "1", 10 + n, 10.5 + n)]
    assert answer(*calls, call("cas", "3", 50, 51, old="1", answer=False)) is True
    assert answer(*calls, call("cas", "3", 50, 51, old="2", answer=True)) is False


def test_many_lost_adds_that_one_read_sees_do_not_explode() -> None:
    adds = [call("add", str(n), n / 100) for n in range(60)]
    seen = frozenset(str(n) for n in range(0, 60, 2))
    reads = [call("read", "[]", 1, 2, members=frozenset()), call("read", "[]", 3, 4, members=seen)]
    assert answer(*adds, *reads) is True
    assert answer(*adds, *reads, call("read", "[]", 5, 6, members=frozenset("0"))) is False
    assert answer(*adds, *reads, call("contains", "1", 5, 6, answer=True)) is True


def test_two_reads_of_a_set_that_each_miss_what_the_other_saw_cannot_both_be() -> None:
    adds = [call("add", "1", 0, 9), call("add", "2", 0, 9)]
    reads = [call("read", "[]", 1, 8, members=frozenset(one)) for one in ("1", "2")]
    assert answer(*adds, reads[0]) is True
    assert answer(*adds, *reads) is False


def test_elements_of_a_set_that_is_never_read_as_a_whole_are_objects_of_their_own() -> None:
    calls = [
        call("add", "1", 0, 1),
        call("contains", "2", 2, 3, answer=False),
        call("contains", "1", 2, 3, answer=False),
    ]
    result = check(History(tuple(calls)))
    assert (result.objects, result.refuted) == (2, ('"x", element 1',))


def test_no_history_is_unknown() -> None:
    empty: Result = check(History(()))
    assert empty.outcome == "unknown"


def test_of_a_prefix_only_what_was_answered_by_then_is_known() -> None:
    calls = [
        call("write", "1", 0, 1),
        call("cas", "2", 1, 5, old="1", answer=False),
        call("read", "1", 1, 6),
        call("write", "3", 4, 5),
    ]
    (one,) = objects(calls)
    assert until(one, 3).calls == [calls[0], calls[1]._replace(returned=inf, answer=None)]


@pytest.mark.parametrize("name", workloads(0))
def test_a_history_that_is_linearizable_by_construction_is_never_no_nor_undecided(name: str) -> None:
    for seed in range(3):
        result = check(simulated(workloads(400)[name], seed))
        assert (result.refuted, result.undecided) == ((), ())


@pytest.mark.parametrize("seed", range(3))
def test_a_stale_read_is_found_beside_cas_and_time_outs(seed: int) -> None:
    mix: dict[Function, float] = {"read": 0.5, "write": 0.3, "cas": 0.2}
    result = check(stale(simulated(Workload(400, 8, 2, mix, lost=0.02), seed)))
    assert result.outcome == "no" and result.prefix is not None and result.prefix.shortest
    assert result.prefix.last.f == "read"


def test_a_large_set_is_shown_by_what_differs_from_the_read_that_cannot_be() -> None:
    adds = [call("add", str(n), n, n + 0.5) for n in range(30)]
    every = frozenset(str(n) for n in range(30))
    reads = [call("read", "[]", 40, 41, members=every), call("read", "[]", 42, 43, members=every - {"7"})]
    history = History((*adds, *reads))
    *_, before, last = lines(check(history), history)
    assert before.endswith("read: 30 elements; not in the marked read: 7")
    assert last.endswith("and 13 more}   <- with this no order is left")
