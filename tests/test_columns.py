from operator import itemgetter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.columns import columns
from harness.operations import Operation, Outcome

TIMES = st.integers(0, 2**62)
OPERATIONS = st.lists(
    st.builds(
        Operation,
        st.one_of(TIMES, st.integers(0, 3)),
        TIMES,
        TIMES,
        st.integers(0, 2**32 - 1),
        st.sampled_from(Outcome),
        st.integers(0, 5),
        st.sampled_from(["", "n1", "n2", "n10"]),
    ),
    max_size=20,
).map(tuple)


@given(OPERATIONS, st.slices(20))
def test_operations_by_column_read_like_the_tuple_they_come_from(given: tuple[Operation, ...], part: slice) -> None:
    found = columns(given)
    assert (tuple(found), len(found), bool(found)) == (given, len(given), bool(given))
    assert found == given
    assert (hash(found), columns(found)) == (hash(given), found)
    assert [found[place] for place in range(-len(given), len(given))] == [*given, *given]
    assert (tuple(found[part]), found[:1] == given[:1]) == (given[part], True)


def test_operations_that_differ_are_not_the_same() -> None:
    one = Operation(1, 2, 3, 4, Outcome.OK, 2, "n1")
    assert columns([one]) != (one._replace(node="n2"),)
    assert columns([one]) != (one, one)
    assert columns([one]) != 1


@given(OPERATIONS)
def test_operations_are_put_in_the_order_of_tuples(given: tuple[Operation, ...]) -> None:
    assert tuple(columns(given).in_order()) == tuple(sorted(given))


@given(OPERATIONS)
def test_what_ended_how_and_who_answered_is_counted_as_by_hand(given: tuple[Operation, ...]) -> None:
    found = columns(given)
    ends = [op.outcome for op in given]
    assert found.counts() == {one: ends.count(one) for one in Outcome if one in ends}
    assert list(found.counts()) == sorted(found.counts())
    good = tuple(op for op in given if op.outcome is Outcome.OK)
    tags = [op.node for op in good if op.node]
    assert (tuple(found.part(found.ok)), found.served()) == (good, {tag: tags.count(tag) for tag in tags})
    assert found.latency_ns.tolist() == [op.done_ns - op.due_ns for op in given]


@given(OPERATIONS, TIMES)
def test_how_many_fell_due_before_an_instant_is_counted(given: tuple[Operation, ...], instant_ns: int) -> None:
    ordered = columns(sorted(given, key=itemgetter(0)))
    assert ordered.due_before(instant_ns) == sum(op.due_ns < instant_ns for op in given)


def test_a_part_of_many_operations_is_no_copy() -> None:
    many = columns([Operation(n, n, n, 0, Outcome.OK, 2, "n1") for n in range(100)])
    assert np.shares_memory(many.due_ns, many[10:20].due_ns)
