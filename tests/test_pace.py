"""Operations fall due where the integral of the rate says, however the rate changes."""

from collections.abc import Iterator
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pace import Pace
from harness.wire import Stretch

RATES = st.floats(1 / 60, 20_000)
STRETCHES = st.lists(st.builds(Stretch, st.floats(0.001, 3600), RATES, RATES), max_size=6)


def dues_ns(pace: Pace, start_ns: int, until_ns: int) -> Iterator[int]:
    for due_ns in pace.dues_ns(start_ns):
        if due_ns >= until_ns:
            return
        yield due_ns


@given(RATES, st.integers(0, 10**9))
def test_a_constant_rate_has_no_drift_whatever_the_number(rate_per_s: float, number: int) -> None:
    assert Pace(rate_per_s).due_ns(number) == round(number * 1e9 / rate_per_s)


@given(RATES, STRETCHES, st.integers(0, 10**8))
def test_no_operation_falls_due_before_the_one_that_comes_before_it(
    rate_per_s: float, stretches: list[Stretch], number: int
) -> None:
    pace = Pace(rate_per_s, stretches)
    instants = [pace.due_ns(number + i) for i in range(20)]
    assert all(one < other for one, other in pairwise(instants))


@given(RATES, STRETCHES, st.integers(0, 10**6))
def test_at_its_due_time_the_integral_of_the_rate_is_the_operations_number(
    rate_per_s: float, stretches: list[Stretch], number: int
) -> None:
    pace = Pace(rate_per_s, stretches)
    assert pace.integral(pace.due_ns(number) / 1e9) == pytest.approx(number, abs=1e-3)


@given(RATES, STRETCHES, st.floats(0, 10_000), st.floats(0.0, 10_000))
def test_so_many_fall_due_in_any_window_as_the_integral_says_within_one(
    rate_per_s: float, stretches: list[Stretch], start_s: float, length_s: float
) -> None:
    pace, end_s = Pace(rate_per_s, stretches), start_s + length_s
    expected = pace.integral(end_s) - pace.integral(start_s)
    first, last = (_first_due_from(pace, at_s) for at_s in (start_s, end_s))
    assert abs((last - first) - expected) <= 1 + 1e-6


def _first_due_from(pace: Pace, at_s: float) -> int:
    """The number of the first operation that is due then or later, by search: due times never go back."""
    low, high = 0, 1 << 40
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if pace.due_ns(middle) >= round(at_s * 1e9) else (middle + 1, high)
    return low


@given(RATES, st.lists(st.builds(Stretch, st.floats(0.001, 0.05), RATES, RATES), max_size=5), st.integers(0, 10**15))
def test_one_after_the_other_they_are_the_same_as_each_by_itself(
    rate_per_s: float, stretches: list[Stretch], start_ns: int
) -> None:
    pace = Pace(rate_per_s, stretches)
    found = list(islice(pace.dues_ns(start_ns), 2000))
    assert found == [start_ns + pace.due_ns(number) for number in range(2000)]


def test_a_ramp_is_twice_as_dense_where_its_rate_is_twice_as_high() -> None:
    pace = Pace(10, [Stretch(10.0, 10.0, 30.0)])
    found = list(dues_ns(pace, 0, 10**10))
    assert len(found) == 200
    assert found[:2] == [0, 99_019_514]  # n = 10 t + t^2: t(1) = -5 + sqrt(26)
    assert sum(instant < 5 * 10**9 for instant in found) == 75
    assert pace.due_ns(210) == 11 * 10**9  # from then on 10/s again
