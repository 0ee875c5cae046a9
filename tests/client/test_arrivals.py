"""When the next operation is to be sent. Whole loads against a server are in test_load."""

from hypothesis import given
from hypothesis import strategies as st

from harness.client.arrivals import Users, arrivals
from harness.wire import Stretch
from tests.client.talk import load

S = 1_000_000_000


def test_a_schedule_follows_the_shape_whatever_becomes_of_the_operations() -> None:
    asked = load(1, rate_per_s=1.0, shape=(Stretch(2.0, 1.0, 1.0), Stretch(1.0, 4.0, 4.0)), for_s=60)
    schedule = arrivals(asked)
    found = []
    for _ in range(8):
        found.append((schedule.next_ns - asked.start_ns) / S)
        schedule.take()
        assert not schedule.freed(schedule.next_ns + 5 * S)
    assert found == [0, 1, 2, 2.25, 2.5, 2.75, 3, 4]


def test_users_begin_one_after_the_other_within_one_think_time() -> None:
    asked = load(1, users=4, think_s=2.0, for_s=60)
    users = Users(asked)
    found = []
    for _ in range(4):
        found.append((users.next_ns - asked.start_ns) / S)
        users.take()
    assert found == [0, 0.5, 1, 1.5]
    assert users.next_ns == asked.end_ns  # all of them wait


def test_a_user_is_back_when_it_has_thought_about_its_answer() -> None:
    asked = load(1, users=1, think_s=2.0, for_s=60)
    users = Users(asked)
    users.take()
    assert users.freed(asked.start_ns + 7 * S)
    assert users.next_ns == asked.start_ns + 9 * S


@given(st.lists(st.integers(0, 10 * S), min_size=1, max_size=50), st.integers(1, 5), st.floats(0, 5))
def test_there_are_never_more_at_once_than_there_are_users_and_time_never_goes_back(
    answers_ns: list[int], count: int, think_s: float
) -> None:
    asked = load(1, users=count, think_s=think_s, for_s=3600)
    users, now_ns, in_flight = Users(asked), asked.start_ns, 0
    for answer_ns in answers_ns:
        while users.next_ns <= now_ns:
            users.take()
            in_flight += 1
        assert in_flight <= count
        if in_flight:
            in_flight -= 1
            users.freed(now_ns)
        assert users.next_ns >= asked.start_ns
        now_ns = max(now_ns, users.next_ns if users.next_ns < asked.end_ns else 0) + answer_ns
