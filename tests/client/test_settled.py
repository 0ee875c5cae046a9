"""Operations by due time, as far as none that fell due before is in flight."""

from hypothesis import given
from hypothesis import strategies as st

from harness.client.settled import Settled, Settling
from harness.operations import LATENCY_BOUNDS_S, Operation, Outcome


def ended(due_ns: int, latency_s: float = 0.004, outcome: Outcome = Outcome.OK) -> Operation:
    return Operation(due_ns, due_ns, due_ns + round(latency_s * 1e9), 0, outcome, 0, "")


def test_what_fell_due_later_is_not_counted_yet() -> None:
    settling = Settling()
    for operation in (ended(30), ended(10, outcome=Outcome.TIMED_OUT), ended(20, 60.0), ended(40)):
        settling.count(operation)
    settling.until(30)
    beyond_all = (*(0,) * len(LATENCY_BOUNDS_S), 1)
    assert settling.seen == Settled(30, beyond_all, 1)
    settling.until(41)
    two_quick = tuple(2 if bound == 0.005 else 0 for bound in LATENCY_BOUNDS_S)
    assert settling.seen == Settled(41, (*two_quick, 1), 1)


@given(st.lists(st.tuples(st.integers(0, 99), st.booleans())), st.lists(st.integers(0, 100)))
def test_however_often_it_is_settled_nothing_is_lost_or_counted_twice(
    operations: list[tuple[int, bool]], instants: list[int]
) -> None:
    settling = Settling()
    for due_ns, well in operations:
        settling.count(ended(due_ns, outcome=Outcome.OK if well else Outcome.RESET))
    for until_ns in (*instants, 100):
        settling.until(until_ns)
    seen = settling.seen
    assert (seen.until_ns, sum(seen.answered), seen.failed) == (
        100,
        sum(well for _, well in operations),
        sum(not well for _, well in operations),
    )
