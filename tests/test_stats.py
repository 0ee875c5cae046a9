from fractions import Fraction
from math import inf

from hypothesis import example, given
from hypothesis import strategies as st

from harness.operations import Operation, Outcome
from harness.stats import (
    BEYOND,
    P95,
    Search,
    first_well,
    latencies,
    quantile,
    rank,
    samples_needed,
    send_error_p99_s,
    succeeded,
)

SHARES = st.sampled_from([Fraction(n, 1000) for n in (1, 500, 900, 950, 990, 999, 1000)])


def operation(due_ns: int, latency_ns: int = 0, outcome: Outcome = Outcome.OK, late_ns: int = 0) -> Operation:
    return Operation(due_ns, due_ns + late_ns, due_ns + latency_ns, 0, outcome, 2, "")


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), SHARES)
def test_a_quantile_is_the_smallest_value_with_that_share_at_or_below_it(values: list[float], share: Fraction) -> None:
    by_hand = min(v for v in values if Fraction(sum(w <= v for w in values), len(values)) >= share)
    assert quantile(sorted(values), share) == by_hand


@given(st.integers(1, 20_000), st.sampled_from([Fraction(n, 1000) for n in (500, 900, 950, 990, 999)]))
def test_the_samples_a_quantile_needs_are_the_fewest_with_five_beyond_it(samples: int, share: Fraction) -> None:
    assert (samples - rank(samples, share) >= BEYOND) == (samples >= samples_needed(share))


def test_the_quantiles_of_the_language_need_these_many_samples() -> None:
    assert [samples_needed(Fraction(n, 1000)) for n in (500, 900, 950, 990, 999, 1000)] == [10, 50, 100, 500, 5000, 1]


def test_an_operation_without_a_right_answer_is_slower_than_any_other() -> None:
    operations = [operation(0, 5), operation(0, 1, Outcome.REFUSED), operation(0, 9), operation(0, 2, Outcome.WRONG)]
    assert (latencies(operations), succeeded(operations)) == ([5e-9, 9e-9, inf, inf], 2)


def test_a_generator_is_as_late_as_its_sends_and_unsent_operations_do_not_count() -> None:
    sent = [operation(0, late_ns=n * 1_000_000) for n in range(1, 101)]
    assert send_error_p99_s([*sent, operation(0, 0, Outcome.CAPPED, 10**12)]) == 0.099
    assert send_error_p99_s([operation(0, 0, Outcome.CAPPED)]) is None


HISTORIES = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from([1, 60]),
        st.sampled_from([Outcome.OK] * 12 + [Outcome.REFUSED]),
        st.integers(1, 60),
    ),
    max_size=25,
)


def by_definition(operations: list[Operation], begin_ns: int, end_ns: int, hold_ns: int, slow_s: float) -> Search:
    """The definition as it is written: window after window, each sorted and counted afresh."""
    tried_ns = begin_ns
    for start_ns in [begin_ns, *(op.due_ns for op in operations if op.due_ns > begin_ns)]:
        if start_ns + hold_ns > end_ns:
            break
        tried_ns = start_ns
        window = [op for op in operations if start_ns <= op.due_ns < start_ns + hold_ns]
        if (
            window
            and window[0].outcome is Outcome.OK
            and Fraction(succeeded(window), len(window)) >= Fraction(99, 100)
            and quantile(latencies(window), P95) <= slow_s
        ):
            return Search(start_ns, tried_ns, len(window))
    return Search(None, tried_ns)


@given(HISTORIES, st.integers(0, 200), st.integers(0, 1500), st.integers(1, 400))
@example([(67, 1, Outcome.REFUSED, 56), (0, 1, Outcome.OK, 44)], 67, 68, 1)  # one in a hundred failed: the first
@example([(0, 1, Outcome.REFUSED, 1), (1, 1, Outcome.OK, 60), (0, 1, Outcome.OK, 60)], 0, 10, 2)
def test_the_first_well_window_is_the_one_of_the_definition(
    history: list[tuple[int, int, Outcome, int]], begin_ns: int, end_ns: int, hold_ns: int
) -> None:
    operations, due_ns = [], 0
    for gap_ns, latency_ns, outcome, copies in history:
        due_ns += gap_ns
        operations += [operation(due_ns, latency_ns, outcome)] + [operation(due_ns, 1)] * (copies - 1)
    arguments = (operations, begin_ns, end_ns, hold_ns, 50e-9)
    assert first_well(*arguments) == by_definition(*arguments)


def test_a_long_recording_is_searched_in_one_walk() -> None:
    operations = [operation(n * 1000, 60 if n % 19 == 0 else 1) for n in range(200_000)]
    assert first_well(operations, 0, 200_000_000, 5_000_000, 50e-9) == Search(None, 195_000_000)


def test_a_failure_in_a_hundred_is_well_and_two_are_not() -> None:
    one = [operation(n, 1, Outcome.RESET if n == 50 else Outcome.OK) for n in range(100)]
    two = [operation(n, 1, Outcome.RESET if n in (50, 51) else Outcome.OK) for n in range(100)]
    assert first_well(one, 0, 100, 100, 1.0) == Search(0, 0, 100)
    assert first_well(two, 0, 100, 100, 1.0) == Search(None, 0)
    assert first_well(one[1:], 1, 100, 99, 1.0) == Search(None, 1)


def test_five_slow_answers_in_a_hundred_are_well_and_six_are_not() -> None:
    five = [operation(n, 60 if n % 20 == 0 else 1) for n in range(100)]
    six = [operation(n, 60 if n % 20 == 0 or n == 7 else 1) for n in range(100)]
    assert first_well(five, 0, 100, 100, 50e-9) == Search(0, 0, 100)
    assert first_well(six, 0, 100, 100, 50e-9) == Search(None, 0)
