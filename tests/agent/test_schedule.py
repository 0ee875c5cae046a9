from hypothesis import given
from hypothesis import strategies as st

from harness.agent.schedule import QUIET_NS, Moment, Move, Schedule, wait_until
from harness.clock import monotonic_ns

moments = st.lists(st.builds(Moment, st.integers(0, 50), st.sampled_from(Move), st.sampled_from("abc")))


@given(moments, st.integers(0, 60))
def test_what_is_due_comes_in_order_and_once(given_moments: list[Moment], now_ns: int) -> None:
    schedule = Schedule()
    for moment in given_moments:
        schedule.add(moment)
    due = schedule.due(now_ns)
    later = schedule.due(100)
    assert list(due) == sorted(m for m in given_moments if m.at_ns <= now_ns)
    assert list(later) == sorted(m for m in given_moments if m.at_ns > now_ns)
    assert schedule.next_ns() is None


@given(moments)
def test_a_fault_that_is_forgotten_has_no_moments_left(given_moments: list[Moment]) -> None:
    schedule = Schedule()
    for moment in given_moments:
        schedule.add(moment)
    schedule.forget("a")
    assert list(schedule.due(100)) == sorted(m for m in given_moments if m.fault != "a")


def test_it_is_quiet_unless_a_moment_is_near() -> None:
    schedule = Schedule()
    assert schedule.quiet(0)
    schedule.add(Moment(QUIET_NS + 10, Move.FIRE, "a"))
    assert [schedule.quiet(now_ns) for now_ns in (0, 9, 10, QUIET_NS + 20)] == [True, True, False, False]


def test_a_wait_ends_at_its_deadline_and_never_before() -> None:
    deadline_ns = monotonic_ns() + 5_000_000
    assert wait_until(deadline_ns, ()) is False
    assert monotonic_ns() >= deadline_ns
