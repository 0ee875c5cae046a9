"""Typed words, and back."""

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import units

NUMBERS = st.decimals(0, 10**9, places=3, allow_nan=False, allow_infinity=False)


@given(NUMBERS, st.sampled_from([("us", "1e-6"), ("ms", "1e-3"), ("s", "1"), ("m", "60"), ("h", "3600")]))
def test_a_duration_is_what_it_says(number: Decimal, unit: tuple[str, str]) -> None:
    assert units.duration_s(f"{number}{unit[0]}") == float(number * Decimal(unit[1]))


@given(NUMBERS)
def test_a_planned_duration_reads_back_as_itself(number: Decimal) -> None:
    assert units.duration_s(units.show_planned_s(float(number)).replace(" ", "")) == float(number)


@given(NUMBERS)
def test_a_rate_is_what_it_says(number: Decimal) -> None:
    assert units.rate_per_s(f"{number}/s") == float(number)
    assert units.rate_per_s(f"{number}/m") == float(number / 60)


@given(st.decimals(0, 100, places=4))
def test_a_share_is_from_nothing_to_all(number: Decimal) -> None:
    assert units.share(f"{number}%") == units.share(f"{number} %") == float(number / 100)


@given(st.integers(0, 10**9), st.sampled_from([("B", 1), ("kB", 1000), ("KB", 1000), ("MiB", 2**20), ("GB", 10**9)]))
def test_a_size_is_a_whole_number_of_bytes(number: int, unit: tuple[str, int]) -> None:
    assert units.size_bytes(f"{number}{unit[0]}") == number * unit[1]


@given(st.integers(0, 10**12 - 1))
def test_a_count_is_itself(number: int) -> None:
    assert units.count(str(number)) == number


READERS = (units.duration_s, units.rate_per_s, units.share, units.size_bytes, units.count)


@given(st.text(max_size=30), st.sampled_from(READERS))
def test_a_reader_takes_a_word_or_says_half_a_sentence(text: str, read: Callable[[str], float]) -> None:
    try:
        assert read(text) >= 0
    except ValueError as error:
        assert (str(error).startswith("is ") and "write a" in str(error)) or "cannot be more" in str(error)


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (units.duration_s, "30", "is 30: write a duration with its unit, such as 30s"),
        (units.duration_s, "-2.5", "is -2.5: write a duration with its unit, such as 2.5s"),
        (units.duration_s, "1:30", "is '1:30': write a duration such as 250ms, 20s or 5m"),
        (units.duration_s, "٣s", "is '٣s': write a duration such as 250ms, 20s or 5m"),
        (units.duration_s, "1e3s", "is '1e3s': write a duration such as 250ms, 20s or 5m"),
        (units.rate_per_s, "50", "is '50': write a rate with its unit, such as 50/s"),
        (units.rate_per_s, "50/h", "is '50/h': write a rate with its unit, such as 50/s"),
        (units.share, "99.5", "is '99.5': write a percentage such as 99.5%"),
        (units.share, "100.1%", "is '100.1%': a share cannot be more than 100%"),
        (units.size_bytes, "2", "is '2': write a size with its unit, such as 2MB or 64KiB"),
        (units.size_bytes, "1.5B", "is '1.5B': write a whole number of bytes"),
        (units.count, "-1", "is '-1': write a whole number such as 7"),
        (units.count, "1_000", "is '1_000': write a whole number such as 7"),
    ],
)
def test_what_is_not_a_word_is_told_what_to_write(read: Callable[[str], float], text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said) + r"\Z"):
        read(text)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0004, "0.4 ms"), (0.017, "17 ms"), (1.84, "1.84 s"), (20.3, "20.3 s"), (245.0, "4 min 05 s"),
        (-0.017, "-17 ms"), (-150.0, "-2 min 30 s"),
    ],
)  # fmt: skip
def test_a_measured_duration_is_shown_with_three_figures(seconds: float, shown: str) -> None:
    assert units.show_s(seconds) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(20.0, "20 s"), (0.25, "0.25 s"), (0.0, "0 s"), (1e-6, "0.000001 s")])
def test_a_planned_duration_is_shown_as_it_was_written(seconds: float, shown: str) -> None:
    assert units.show_planned_s(seconds) == shown


@given(st.floats(0, 1, exclude_max=True))
def test_a_miss_is_never_rounded_up_to_all(value: float) -> None:
    assert units.show_share(value) != "100 %"


@pytest.mark.parametrize(("value", "shown"), [(1.0, "100 %"), (0.9977, "99.77 %"), (0.995, "99.5 %"), (0.0, "0 %")])
def test_a_share_is_shown_in_per_cent(value: float, shown: str) -> None:
    assert units.show_share(value) == shown
