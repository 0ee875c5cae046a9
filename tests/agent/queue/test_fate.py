"""What is drawn for packets: the shares that were asked for, the same ones again from the same seed."""

from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.agent.queue.fate import UNTOUCHED, Draws, Fate, both, fate
from harness.primitives import Disturb

MANY = 20_000


def drawn(disturb: Disturb, count: int = MANY) -> list[Fate]:
    draws = Draws(disturb)
    return [draws.next() for _ in range(count)]


@pytest.mark.parametrize("burst", [1.0, 4.0, 20.0])
def test_the_share_that_is_lost_is_the_one_asked_for_in_bursts_of_the_length_asked_for(burst: float) -> None:
    lost = [found.lost for found in drawn(Disturb("a", "b", loss=0.1, burst=burst, seed=1), 100_000)]
    assert sum(lost) / len(lost) == pytest.approx(0.1, rel=0.2)
    runs = [len(list(run)) for is_lost, run in groupby(lost) if is_lost]
    assert sum(runs) / len(runs) == pytest.approx(burst if burst > 1 else 1 / 0.9, rel=0.2)


def test_each_share_is_drawn_apart() -> None:
    found = drawn(Disturb("a", "b", duplicate=0.1, reorder=0.2, corrupt=0.3, silent=True))
    assert sum(f.doubled for f in found) / MANY == pytest.approx(0.1, rel=0.1)
    assert sum(f.overtaken for f in found) / MANY == pytest.approx(0.2, rel=0.1)
    assert sum(bool(f.flips) for f in found) / MANY == pytest.approx(0.3, rel=0.1)
    assert sum(f.overtaken and bool(f.flips) for f in found) / MANY == pytest.approx(0.06, rel=0.15)
    assert not any(f.lost or f.delay_s for f in found)


def test_jitter_is_uniform_around_the_delay() -> None:
    delays = sorted(f.delay_s for f in drawn(Disturb("a", "b", delay_s=0.1, jitter_s=0.02)))
    assert delays[0] == pytest.approx(0.08, abs=0.0001)
    assert delays[MANY // 4] == pytest.approx(0.09, abs=0.001)
    assert delays[-1] == pytest.approx(0.12, abs=0.0001)


def test_all_or_nothing_needs_no_draw() -> None:
    assert all(f.lost for f in drawn(Disturb("a", "b", loss=1.0, burst=4.0), 100))
    assert set(drawn(Disturb("a", "b"), 100)) == {UNTOUCHED}


def test_the_same_seed_draws_the_same_fates_and_another_node_draws_others() -> None:
    one = Disturb("a", "b", loss=0.3, seed=7)
    assert drawn(one, 100) == drawn(one, 100)
    assert drawn(one, 100) != drawn(Disturb("b", "a", loss=0.3, seed=7), 100)
    assert drawn(one, 100) != drawn(Disturb("a", "b", loss=0.3, seed=8), 100)


FATES = st.builds(
    Fate, st.floats(0, 1), st.booleans(), st.booleans(), st.booleans(), st.tuples(st.integers(0, 9)), st.booleans()
)


@settings(deadline=None)
@given(FATES, FATES)
def test_delays_add_and_whatever_one_does_is_done(one: Fate, other: Fate) -> None:
    together = both(one, other)
    assert together.delay_s == one.delay_s + other.delay_s
    assert together.lost == (one.lost or other.lost)
    assert together.doubled == (one.doubled or other.doubled)
    assert together.flips == one.flips + other.flips
    assert together.silent == (one.silent and other.silent)
    assert both(UNTOUCHED, one) == both(one, UNTOUCHED) == one


def test_a_packet_that_two_disturbances_name_meets_both() -> None:
    draws = [Draws(Disturb("a", "b", delay_s=0.1)), Draws(Disturb("a", "b", delay_s=0.02, duplicate=1.0))]
    found = fate(draws)
    assert found.doubled
    assert found.delay_s == pytest.approx(0.12)
    assert fate([]) == UNTOUCHED
