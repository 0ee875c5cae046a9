"""The sequential test errs no more often than was declared."""

from random import Random

import pytest

from harness.repeat import Sequential
from harness.series.sequential import decide

TEST = Sequential(p0=0.7, p1=0.95, alpha=0.05, beta=0.05)


def test_so_many_passes_as_are_said_to_be_needed_let_a_system_through_and_one_less_does_not() -> None:
    needed = TEST.passes_needed
    assert needed == 10
    assert decide([True] * needed, TEST) == "good enough"
    assert decide([True] * (needed - 1), TEST) is None


def test_failures_turn_it_away() -> None:
    assert decide([False, False], TEST) == "not good enough"
    assert decide([False], TEST) is None
    assert decide([True, False], Sequential(0.7, 1.0, 0.05, 0.05)) == "not good enough"


def test_what_was_decided_is_not_taken_back_by_what_came_later() -> None:
    assert decide([True] * 10 + [False] * 90, TEST) == "good enough"


@pytest.mark.parametrize(("truth", "wrong"), [(0.7, "good enough"), (0.95, "not good enough")])
def test_neither_error_is_more_frequent_than_was_declared(truth: float, wrong: str) -> None:
    random, false, times = Random(9), 0, 1000
    for _ in range(times):
        false += decide([random.random() < truth for _ in range(60)], TEST) == wrong
    # Of 1,000 at exactly 5 % more than 67 would be wrong in less than one case of a hundred.
    assert false <= 67
