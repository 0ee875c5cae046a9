import pytest

from harness.clock import to_ns
from harness.operations import Operation, Outcome
from harness.pytest_plugin.settled import settled_ns
from harness.wire import Load

S = 1_000_000_000


def load(users: int = 0, end_s: float = 100) -> Load:
    return Load(
        traffic="chat",
        client="http",
        host="n1",
        port=80,
        rate_per_s=10.0,
        timeout_s=5.0,
        start_ns=0,
        end_ns=to_ns(end_s),
        connection="keep-alive",
        in_flight_max=10,
        seed=1,
        users=users,
    )


def ended(*dues_ns: int) -> list[Operation]:
    return [Operation(due_ns, due_ns, due_ns + 1, 1, Outcome.OK, 2, "n1") for due_ns in dues_ns]


@pytest.mark.parametrize(
    ("dues", "now_s", "known_s"),
    [
        ((), 1.0, 0.0),
        ((0, 1, 2), 1.0, 0.3),
        ((0, 2, 3), 1.0, 0.1),  # the one that is due at 0.1 s still waits
        ((0, 1, 2), 0.25, 0.25),
    ],
)
def test_an_open_loop_is_known_up_to_the_first_operation_that_still_waits(
    dues: tuple[int, ...], now_s: float, known_s: float
) -> None:
    assert settled_ns(load(), ended(*(n * S // 10 for n in dues)), to_ns(now_s)) == to_ns(known_s)


def test_nothing_is_waited_for_after_the_end_of_the_load() -> None:
    assert settled_ns(load(end_s=0.2), ended(0, S // 10), 5 * S) == S // 5


def test_a_closed_loop_is_known_up_to_its_deadline() -> None:
    assert settled_ns(load(users=3), ended(0, 7), 20 * S) == to_ns(14.5)
