from harness.agent.lease import Lease
from harness.clock import to_ns


def test_a_lease_that_was_never_begun_never_runs_out() -> None:
    lease = Lease(5.0)
    lease.beat(to_ns(1))
    assert not lease.expired(to_ns(1_000_000))


def test_a_lease_runs_out_when_no_heartbeat_came_for_its_length() -> None:
    lease = Lease(5.0)
    lease.renew(to_ns(10))
    assert [lease.expired(to_ns(at_s)) for at_s in (10, 14.999, 15, 20)] == [False, False, True, True]


def test_every_heartbeat_renews_the_lease() -> None:
    lease = Lease(5.0)
    lease.renew(to_ns(0))
    for at_s in (4, 8, 12):
        assert not lease.expired(to_ns(at_s))
        lease.beat(to_ns(at_s))
    assert not lease.expired(to_ns(16.9))
    assert lease.expired(to_ns(17))
