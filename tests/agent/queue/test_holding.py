"""What waits, and in which order it goes on."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.agent.queue.fate import OVERTAKEN_S, Fate
from harness.agent.queue.holding import Holding

ALL = 1000


def test_what_need_not_wait_is_not_held() -> None:
    holding = Holding()
    assert not holding.put(b"1", Fate(), 1, b"flow", 5.0)
    assert holding.next_s() is None


def test_a_packet_goes_on_when_its_time_has_come_and_not_before() -> None:
    holding = Holding()
    assert holding.put(b"1", Fate(0.1), 1, b"flow", 5.0)
    assert holding.next_s() == pytest.approx(5.1)
    assert holding.due(5.09, ALL) == []
    assert holding.due(5.11, ALL) == [b"1"]


def test_one_that_is_overtaken_lets_later_ones_of_its_flow_pass() -> None:
    holding = Holding()
    assert holding.put(b"1", Fate(overtaken=True), 1, b"flow", 5.0)
    assert not holding.put(b"2", Fate(), 1, b"flow", 5.001)
    assert holding.due(5.0 + OVERTAKEN_S, ALL) == [b"1"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 0.1), st.sampled_from((b"a", b"b"))), max_size=40))
def test_jitter_never_turns_the_order_of_a_flow(arrivals: list[tuple[float, bytes]]) -> None:
    holding, gone = Holding(), []
    for place, (delay_s, flow) in enumerate(arrivals):
        verdict = flow + b"%d" % place
        now_s = 1 + place * 0.01
        gone += holding.due(now_s, ALL)
        if not holding.put(verdict, Fate(delay_s), 1, flow, now_s):
            gone.append(verdict)
    gone += holding.due(100.0, ALL)
    for flow in (b"a", b"b"):
        places = [int(verdict[1:]) for verdict in gone if verdict.startswith(flow)]
        assert places == sorted(places)
    assert len(gone) == len(arrivals)


def test_a_heal_lets_go_what_its_disturbance_holds_and_nothing_else() -> None:
    holding = Holding()
    for verdict, mark in ((b"1", 0b01), (b"2", 0b10), (b"3", 0b11)):
        holding.put(verdict, Fate(1.0), mark, b"flow", 5.0)
    assert holding.release(0b01) == [b"1", b"3"]
    assert holding.due(7.0, ALL) == [b"2"]


def test_no_more_go_at_a_time_than_are_asked_for() -> None:
    holding = Holding()
    for place in range(5):
        holding.put(b"%d" % place, Fate(0.1), 1, b"flow", 5.0)
    assert holding.due(6.0, 2) == [b"0", b"1"]
    assert holding.due(6.0, 9) == [b"2", b"3", b"4"]
