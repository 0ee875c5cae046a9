"""Datagrams that came back, and what that says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.agent.queue.volley import DATAGRAMS, IN_A_ROW, Tally, Volley, datagram, figures, number_of

MS = 1_000_000


def volley(*came: tuple[int, int], bad: tuple[int, ...] = ()) -> Volley:
    """Sent one millisecond apart from 0 on, number 100 first; ``came``: (datagram from 0, at ms)."""
    made = Volley(100, 300 * MS)
    for index in range(DATAGRAMS):
        made.sent(index * MS)
    for index, at_ms in came:
        made.came(100 + index, at_ms * MS, index not in bad)
    return made


ALL = tuple((index, index + 2) for index in range(DATAGRAMS))


def test_a_volley_that_came_back_whole_is_over_once_no_copy_can_follow() -> None:
    made = volley(*ALL)
    assert not made.over(22 * MS)
    assert made.over(32 * MS)
    assert made.tally() == Tally(DATAGRAMS, round_trips_s=(0.002,) * 4)


def test_what_does_not_come_in_time_is_lost() -> None:
    made = volley(*ALL[1:])
    assert not made.over(318 * MS)
    assert made.over(319 * MS)
    assert made.tally() == Tally(DATAGRAMS, lost=1, round_trips_s=(0.002,) * 3)


def test_copies_latecomers_and_changed_ones_are_counted_once_each() -> None:
    assert volley(*ALL, (3, 30), (3, 31), (7, 31)).tally().doubled == 2
    late = [(index, 50 if index == 6 else at_ms) for index, at_ms in ALL]
    assert volley(*sorted(late, key=lambda came: came[1])).tally().overtaken == 1
    assert volley(*ALL, bad=(2, 5)).tally().corrupted == 2


def test_flows_may_overtake_each_other() -> None:
    turned = sorted(ALL, key=lambda came: -(came[0] // IN_A_ROW))
    assert volley(*turned).tally().overtaken == 0


@settings(deadline=None)
@given(st.integers(1, 2**60), st.integers(0, 255))
def test_a_datagram_with_one_bit_changed_still_says_which_it_is(number: int, bit: int) -> None:
    data = bytearray(datagram(number))
    assert number_of(bytes(data)) == (number, True)
    data[bit // 8] ^= 1 << bit % 8
    assert number_of(bytes(data)) == (number, False)


def test_figures_are_shares_of_all_peers_and_the_round_trip_of_the_nearest() -> None:
    far = Tally(20, lost=4, round_trips_s=(0.1, 0.2, 0.3))
    near = Tally(20, doubled=2, round_trips_s=(0.002,))
    assert figures([far, near]) == {
        "datagrams": 40.0,
        "lost_share": 0.1,
        "doubled_share": 0.05,
        "overtaken_share": 0.0,
        "corrupted_share": 0.0,
        "round_trip_s": 0.002,
        "round_trip_spread_s": pytest.approx(0.2),
    }
    assert figures([Tally(), Tally()]) == {}
