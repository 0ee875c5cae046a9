import select

from harness.client.timer import Timer
from harness.clock import monotonic_ns


def test_a_timer_is_ready_at_its_instant_and_not_before() -> None:
    timer = Timer()
    at_ns = monotonic_ns() + 30_000_000
    timer.arm(at_ns)
    assert select.select([timer.fd], [], [], 0.01) == ([], [], [])
    assert select.select([timer.fd], [], [], 2.0) == ([timer.fd], [], [])
    assert monotonic_ns() >= at_ns
    timer.close()


def test_an_instant_that_has_passed_is_at_once_and_arming_takes_it_back() -> None:
    timer = Timer()
    timer.arm(monotonic_ns() - 1)
    assert select.select([timer.fd], [], [], 1.0) == ([timer.fd], [], [])
    timer.arm(monotonic_ns() + 5_000_000_000)
    assert select.select([timer.fd], [], [], 0) == ([], [], [])
    timer.close()
