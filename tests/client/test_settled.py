"""Operations by due time, as far as none that fell due before is in flight."""

from hypothesis import given
from hypothesis import strategies as st

from harness.client.settled import Settled, Settling
from harness.client.tally import Tally
from harness.operations import LATENCY_BOUNDS_S, Operation, Outcome


def ended(due_ns: int, latency_s: float = 0.004, outcome: Outcome = Outcome.OK) -> Operation:
    return Operation(due_ns, due_ns, due_ns + round(latency_s * 1e9), 0, outcome, 0, "")


def test_what_fell_due_later_is_not_counted_yet() -> None:
    tally = Tally()
    late = (Outcome.TIMED_OUT, Outcome.CAPPED)
    for operation in (ended(30), *(ended(10, outcome=outcome) for outcome in late), ended(20, 60.0), ended(40)):
        tally.count(operation)
    tally.settling.until(30)
    assert tally.settling.seen == Settled(30, (*(0,) * len(LATENCY_BOUNDS_S), 1), 2)
    tally.settling.until(41)
    quick = tuple(2 if bound == 0.005 else 0 for bound in LATENCY_BOUNDS_S)
    assert tally.settling.seen == Settled(41, (*quick, 1), 2)


@given(st.lists(st.tuples(st.integers(0, 99), st.booleans())), st.lists(st.integers(0, 100)))
def test_however_often_it_is_settled_nothing_is_lost_or_counted_twice(
    operations: list[tuple[int, bool]], instants: list[int]
) -> None:
    settling = Settling()
    for due_ns, well in operations:
        settling.count(due_ns, 2 if well else -1)
    for until_ns in (*instants, 100):
        settling.until(until_ns)
    seen = settling.seen
    assert (seen.until_ns, sum(seen.answered), seen.failed) == (
        100,
        sum(well for _, well in operations),
        sum(not well for _, well in operations),
    )
