from hypothesis import given
from hypothesis import strategies as st

from harness.operations import Operation, Outcome, pack, unpack

INSTANT = st.integers(0, 2**63 - 1)
OPERATION = st.builds(
    Operation,
    INSTANT,
    INSTANT,
    INSTANT,
    st.integers(0, 2**32 - 1),
    st.sampled_from(Outcome),
    st.integers(0, 5),
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-", max_size=10),
)


@given(st.lists(OPERATION, max_size=20))
def test_operations_are_unpacked_as_they_were_packed(operations: list[Operation]) -> None:
    data = pack(operations)
    assert (len(data), list(unpack(data))) == (40 * len(operations), operations)


@given(st.lists(OPERATION, min_size=1, max_size=5), st.integers(1, 39))
def test_a_cut_off_last_one_is_left_out(operations: list[Operation], lost_bytes: int) -> None:
    assert list(unpack(pack(operations)[:-lost_bytes])) == operations[:-1]


def test_a_nodes_tag_that_is_too_long_or_not_ascii_is_no_reason_to_lose_the_operation() -> None:
    odd = [Operation(1, 2, 3, 4, Outcome.OK, 2, node) for node in ("a-very-long-name", "nö")]
    assert [operation.node for operation in unpack(pack(odd))] == ["a-very-lon", "n?"]


def test_latency_counts_from_when_it_was_due_and_not_from_when_it_was_sent() -> None:
    late = Operation(1_000_000_000, 1_400_000_000, 1_500_000_000, 0, Outcome.OK, 2, "")
    assert (late.latency_s, late.send_error_s) == (0.5, 0.4)
