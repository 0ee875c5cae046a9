"""How long a course of Prometheus is."""

from hypothesis import given
from hypothesis import strategies as st

from harness.drivers.prometheus import steps_of


@given(st.integers(1_600_000_000_000, 2_000_000_000_000), st.integers(0, 11_000), st.integers(1, 2_000))
def test_a_course_has_a_value_for_each_step_whatever_the_floats_say(start_ms: int, steps: int, step_ms: int) -> None:
    end_s = round(start_ms / 1000 + steps * (step_ms / 1000), 3)
    assert steps_of(start_ms / 1000, end_s, step_ms / 1000) == steps + 1
