"""When a fault that comes and goes was there, from what the agents said."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cluster import Link
from harness.faults.bandwidth import Bandwidth
from harness.faults.flapping import Flapping
from harness.faults.partition import Partition
from harness.faults.pattern import Patterned, Turns, inner, turns
from harness.recording.events import Read
from harness.recording.evidence import Window
from tests.faults.records import CLUSTER

INSIDE = Window(0, 1000)


def said(node: str, *instants_ns: int) -> list[Read]:
    """On, off, on, ... at these instants."""
    return [
        Read(at_ns, node, "flap", "during", "on", float(index % 2 == 0), at_ns)
        for index, at_ns in enumerate(instants_ns)
    ]


def test_without_a_word_of_an_agent_it_was_there_all_the_time() -> None:
    assert turns([], INSIDE) == Turns((INSIDE,), ())


def test_spells_and_what_lies_between_them() -> None:
    assert turns(said("n1", 0, 300, 500, 800), INSIDE) == Turns(
        (Window(0, 300), Window(500, 800)), (Window(300, 500), Window(800, 1000))
    )


def test_a_spell_that_nobody_ended_lasts_to_the_end() -> None:
    assert turns(said("n1", 0, 300, 500), INSIDE).on[-1] == Window(500, 1000)


def test_of_two_nodes_only_what_both_say_is_known() -> None:
    found = turns([*said("n1", 0, 300, 500, 800), *said("n2", 10, 310, 490, 790)], INSIDE)
    assert found.on == (Window(10, 300), Window(500, 790))
    assert found.off == (Window(310, 490), Window(800, 1000))


INSTANTS = st.lists(st.integers(-100, 1100), unique=True, max_size=12).map(sorted)


@given(INSTANTS, INSTANTS)
def test_windows_are_in_order_inside_and_never_both_on_and_off(one: list[int], other: list[int]) -> None:
    found = turns([*said("n1", *one), *said("n2", *other)], INSIDE)
    windows = sorted((*found.on, *found.off), key=lambda w: w.start_ns)
    assert all(INSIDE.start_ns <= w.start_ns < w.end_ns <= INSIDE.end_ns for w in windows)
    assert all(a.end_ns <= b.start_ns for a, b in pairwise(windows) if found.off)


@given(INSTANTS)
def test_one_node_is_on_or_off_at_any_time(one: list[int]) -> None:
    found = turns(said("n1", *one), INSIDE)
    assert not one or sum(w.end_ns - w.start_ns for w in (*found.on, *found.off)) == 1000


def test_edges_belong_to_nobody() -> None:
    assert inner((Window(0, 10**9), Window(0, 10**7)), start_s=0.1, end_s=0.2) == (Window(10**8, 8 * 10**8),)


CUT = Partition(name="flap", at_s=5, for_s=20, nodes=("n1",), on_s=0.5, off_s=0.25)
NARROW = Bandwidth(name="flap", at_s=5, for_s=20, link=Link("gateway", "n1"), rate_bits_per_s=10**7)


@pytest.mark.parametrize(
    ("on_s", "off_s", "said"),
    [
        (None, None, []),
        (0.1, 0.1, []),
        (0.5, None, [("on", "is given without 'off': write both, or none for a fault that stays")]),
        (None, 0.5, [("off", "is given without 'on': write both, or none for a fault that stays")]),
        (0.05, 1.0, [("on", "is 0.05 s: a turn takes some milliseconds, write at least 100ms")]),
        (20.0, 1.0, [("on", "is 20 s, and the fault lasts 20 s: it would never go; write less")]),
    ],
)
@pytest.mark.parametrize("fault", [CUT, NARROW], ids=["partition", "bandwidth"])
def test_what_is_wrong_with_a_pattern_is_told(
    fault: Patterned, on_s: float | None, off_s: float | None, said: list[tuple[str, str]]
) -> None:
    assert list(replace(fault, on_s=on_s, off_s=off_s).check(CLUSTER)) == said


def test_a_pattern_is_told_to_the_agents_and_to_a_person() -> None:
    assert CUT.pattern() == (0.5, 0.25)
    assert CUT.describe() == "n1 cut off from everyone (drop), 0.5 s on and 0.25 s off"
    assert NARROW.pattern() is None


def test_flapping_is_a_partition_that_must_come_and_go() -> None:
    fault = Flapping(name="flap", at_s=5, for_s=20, nodes=("n1",), on_s=0.5, off_s=0.25)
    assert (fault.kind, fault.pattern(), fault.describe()) == ("flapping", (0.5, 0.25), CUT.describe())
