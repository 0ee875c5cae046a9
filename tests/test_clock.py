import time
from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from harness.clock import monotonic_ns, to_ns, to_s, wall, wall_offset_ns


def test_our_clock_is_the_kernels_and_never_goes_back() -> None:
    before_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    stamps = [before_ns, *(monotonic_ns() for _ in range(100)), time.clock_gettime_ns(time.CLOCK_MONOTONIC)]
    assert stamps == sorted(stamps)


def test_the_wall_is_for_people_in_utc() -> None:
    assert wall().tzinfo is UTC


def test_the_offset_turns_an_instant_of_ours_into_one_on_the_wall() -> None:
    offset_ns = wall_offset_ns()
    assert abs(monotonic_ns() + offset_ns - time.time_ns()) < 50_000_000


@given(st.integers(0, 10**15))
def test_seconds_and_nanoseconds_are_the_same_instant_to_the_microsecond(ns: int) -> None:
    assert abs(to_ns(to_s(ns)) - ns) < 1000
    assert to_ns(0.25) == 250_000_000
