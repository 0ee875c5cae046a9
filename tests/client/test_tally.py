from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.client.tally import Tally
from harness.operations import Operation, Outcome

S = 1_000_000_000


def ended(due_s: float, done_s: float, outcome: Outcome = Outcome.OK) -> Operation:
    due_ns = round(due_s * S)
    return Operation(due_ns, due_ns, round(done_s * S), 0, outcome, 0, "")


def tally_of(*operations: Operation) -> Tally:
    tally = Tally()
    tally.open()
    for operation in operations:
        tally.count(operation)
    return tally


def test_while_operations_succeed_there_is_no_outage() -> None:
    tally = tally_of(ended(1, 1.1), ended(2, 2.1))
    assert (tally.outage_s(9 * S), tally.last_recovery_s) == (0.0, 0.0)


def test_an_outage_lasts_from_the_due_time_of_its_first_failure() -> None:
    tally = tally_of(ended(1, 1.1), ended(2, 2.5, Outcome.RESET), ended(3, 3.5, Outcome.REFUSED))
    assert tally.outage_s(4 * S) == 2.0


def test_an_outage_ends_with_the_first_success_due_after_its_first_failure() -> None:
    tally = tally_of(ended(1, 1.1), ended(2, 2.5, Outcome.RESET), ended(3, 3.25))
    assert (tally.outage_s(4 * S), tally.last_recovery_s) == (0.0, 1.25)


def test_a_failure_that_is_known_later_but_was_due_earlier_is_where_the_outage_began() -> None:
    tally = tally_of(ended(1, 1.1), ended(3, 3.0, Outcome.REFUSED), ended(2, 4, Outcome.TIMED_OUT))
    assert tally.outage_s(5 * S) == 3.0


def test_an_old_operation_that_times_out_while_newer_ones_are_answered_is_no_outage() -> None:
    tally = tally_of(ended(2, 2.1), ended(3, 3.1), ended(1, 6, Outcome.TIMED_OUT), ended(4, 4.1))
    assert (tally.outage_s(7 * S), tally.last_recovery_s) == (0.0, 0.0)


def test_a_late_success_due_before_the_failure_does_not_end_the_outage() -> None:
    tally = tally_of(ended(2, 2.1, Outcome.REFUSED), ended(1, 3))
    assert tally.outage_s(4 * S) == 2.0


def test_what_was_never_sent_says_nothing_about_the_system() -> None:
    tally = tally_of(ended(1, 1, Outcome.CAPPED))
    assert (tally.outage_s(9 * S), sum(tally.latencies), tally.outcomes[Outcome.CAPPED]) == (0.0, 0, 1)


def test_after_the_load_an_outage_stands_still_until_the_next_load_begins() -> None:
    tally = tally_of(ended(1, 1.1, Outcome.REFUSED))
    tally.close(3 * S)
    assert tally.outage_s(9 * S) == 2.0
    tally.open()
    assert tally.outage_s(9 * S) == 0.0


@given(st.lists(st.tuples(st.booleans(), st.floats(0.001, 0.9)), min_size=1, max_size=40))
def test_operations_that_end_in_order_have_the_outage_anyone_would_count(ends: list[tuple[bool, float]]) -> None:
    operations = [
        ended(i, i + took, Outcome.OK if good else Outcome.RESET) for i, (good, took) in enumerate(ends, start=1)
    ]
    tally = tally_of(*operations)
    failed_since_success = 0
    for good, _ in reversed(ends):
        if good:
            break
        failed_since_success += 1
    now_s = len(ends) + 1
    assert tally.outage_s(now_s * S) == failed_since_success
    assert sum(tally.outcomes) == sum(tally.latencies) == len(ends)
    recovered = any(not before[0] and after[0] for before, after in pairwise(ends))
    assert (tally.last_recovery_s > 0) == recovered
