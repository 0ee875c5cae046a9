"""Who is kept apart from whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.faults.shapes import SHAPES, halves, pairs_of_groups, pairs_of_shape, read_groups

NAMES = st.integers(0, 12).map(lambda count: tuple(f"n{i}" for i in range(count)))


def test_groups_are_read_from_one_word() -> None:
    assert read_groups("gateway n1 | n2 n3") == (("gateway", "n1"), ("n2", "n3"))
    assert read_groups("a|b|c d") == (("a",), ("b",), ("c", "d"))


@pytest.mark.parametrize("text", ["", "n1 n2", "n1 |", "| n1", "n1 || n2", "n1 | !"])
def test_what_is_not_groups_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"write "):
        read_groups(text)


def test_groups_see_only_themselves() -> None:
    assert set(pairs_of_groups((("a", "b"), ("c",), ("d",)))) == {
        ("a", "c"),
        ("b", "c"),
        ("a", "d"),
        ("b", "d"),
        ("c", "d"),
    }


def test_the_middle_of_a_bridge_sees_both_halves() -> None:
    assert halves("bridge", ("a", "b", "c", "d", "e")) == (("a", "b"), ("d", "e"))
    assert halves("halves", ("a", "b", "c", "d", "e")) == (("a", "b"), ("c", "d", "e"))


@given(NAMES)
def test_in_a_ring_everyone_sees_two(names: tuple[str, ...]) -> None:
    apart = pairs_of_shape("ring", names)
    for name in names if len(names) >= 3 else ():
        assert len(names) - 1 - sum(name in pair for pair in apart) == 2


@given(st.sampled_from(sorted(SHAPES)), NAMES)
def test_a_shape_of_enough_nodes_keeps_some_apart_and_nobody_from_itself(shape: str, names: tuple[str, ...]) -> None:
    apart = pairs_of_shape(shape, names)
    assert bool(apart) == (len(names) >= SHAPES[shape])
    assert len({frozenset(pair) for pair in apart}) == len(apart)
    assert all(a != b for a, b in apart)
