from pathlib import Path

import pytest

from harness.agent.kernel import Count
from harness.agent.namespace import Namespace
from harness.agent.place import Inspection
from harness.agent.toxics import ProxySpec
from harness.errors import AgentError
from harness.primitives import Cut, Toxic
from harness.wire import Address, Arm, Met, PortCount, Prepare, Redirect
from tests.agent.fakes import FakeKernel, FakeToxics

PREPARE = Prepare(
    "n1",
    (Address("n1", ("10.0.0.1",)), Address("n2", ("fd00::2", "10.0.0.2")), Address("n3", ("10.0.0.3",))),
    (8000,),
    (Redirect("n2", 80, 18000, 18001),),
    ("n2", "n3"),
    0.2,
    0.5,
)
SLOW = Toxic("n1", "n2", 80, "latency", "downstream", (("latency", 200),))
CUT = Cut("n1", "n3", "in", "drop")


DEVICES = """Inter-|   Receive                             |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo
    lo:  999999    4545    0    0    0     0          0         0   999999    4545    0    0    0
  eth0:    6000      40    0    0    0     0          0         0     3000      30    0    0    0
  eth1:     900       4    0    0    0     0          0         0      100       3    0    0    0
"""


@pytest.fixture
def kernel() -> FakeKernel:
    return FakeKernel()


@pytest.fixture
def toxics() -> FakeToxics:
    return FakeToxics()


@pytest.fixture
def namespace(kernel: FakeKernel, toxics: FakeToxics, tmp_path: Path) -> Namespace:
    (tmp_path / "dev").write_text(DEVICES)
    namespace = Namespace(kernel, toxics, tmp_path / "dev")
    namespace.prepare(PREPARE)
    return namespace


def order(fault: str, *primitives: Cut | Toxic) -> Arm:
    return Arm(fault, 0, 10, 22.0, primitives)


def fire(namespace: Namespace, fault: str) -> None:
    span = namespace.fire(fault)
    assert span.before_ns <= span.after_ns
    namespace.confirm_fired(fault)


def heal(namespace: Namespace, fault: str) -> Met:
    namespace.heal(fault)
    return namespace.confirm_healed(fault)


def test_preparing_sets_a_proxy_for_each_link_echo_and_ip_version(namespace: Namespace, toxics: FakeToxics) -> None:
    assert list(toxics.specs.values()) == [
        ProxySpec("n1->n2:80", "127.0.0.1:18000", "10.0.0.2:80"),
        ProxySpec("n1->n2:80-ipv6", "[::1]:18000", "[fd00::2]:80"),
        ProxySpec("n1->n2:echo", "127.0.0.1:18001", "10.0.0.2:17071"),
        ProxySpec("n1->n2:echo-ipv6", "[::1]:18001", "[fd00::2]:17071"),
    ]
    assert [namespace.address(peer) for peer in ("n2", "n3")] == ["10.0.0.2", "10.0.0.3"]


def test_redirects_that_are_not_read_back_are_an_error(kernel: FakeKernel, toxics: FakeToxics) -> None:
    kernel.broken = "add element inet harness redirects4"
    with pytest.raises(AgentError) as error:
        Namespace(kernel, toxics).prepare(PREPARE)
    assert str(error.value) == (
        "read back from the kernel, the redirects are not what was asked: redirects4 has 0 of 2"
    )


def test_firing_and_healing_a_cut_are_one_transaction_each(namespace: Namespace, kernel: FakeKernel) -> None:
    namespace.arm(order("lost-n3", CUT))
    assert namespace.inspect().elements == 0
    kernel.changes.clear()
    fire(namespace, "lost-n3")
    assert namespace.inspect().elements == 1
    kernel.counters |= {"lost-n3/packets": Count(7, 420), "lost-n3/echoes": Count(3, 180)}
    assert heal(namespace, "lost-n3") == Met("lost-n3", 7, 420, 3)
    assert kernel.changes == [
        "add element inet harness lost-n3/in4-drop { 10.0.0.3 timeout 22000ms }",
        "flush set inet harness lost-n3/in4-drop",
    ]
    assert namespace.inspect().elements == 0


def test_a_fault_armed_again_replaces_its_old_rules_and_keeps_those_of_others(
    namespace: Namespace, kernel: FakeKernel
) -> None:
    namespace.arm(order("other", CUT))
    namespace.arm(order("lost", Cut("n1", "n2", "out", "reject"), CUT))
    namespace.arm(order("lost", CUT))
    assert {name: count for name, count in kernel.rules.items() if name.startswith(("faults", "lost", "other"))} == {
        "faults-in": 5,
        "faults-out": 3,
        "lost/in": 1,
        "lost/drop": 3,
        "other/in": 1,
        "other/drop": 3,
    }


def test_a_toxic_lies_on_link_and_echo_and_counts_only_what_passed_while_it_was_there(
    namespace: Namespace, kernel: FakeKernel, toxics: FakeToxics
) -> None:
    link, echo = "link/n2/80/downstream", "link/n2/echo/downstream"
    kernel.counters |= {link: Count(100, 5000), echo: Count(10, 500)}
    namespace.arm(order("slow-n2", SLOW))
    fire(namespace, "slow-n2")
    assert [(spec.proxy, spec.name) for spec in toxics.there] == [(name, "slow-n2") for name in toxics.specs]
    kernel.counters |= {link: Count(104, 5600), echo: Count(12, 600)}
    assert heal(namespace, "slow-n2") == Met("slow-n2", 4, 600, 2)
    assert toxics.there == []


def test_two_toxics_of_one_fault_have_names_of_their_own_and_equal_ones_are_one(
    namespace: Namespace, toxics: FakeToxics
) -> None:
    up = Toxic("n1", "n2", 80, "latency", "upstream", (("latency", 200),))
    namespace.arm(order("slow-n2", SLOW, up, SLOW))
    fire(namespace, "slow-n2")
    assert namespace.inspect().toxics == ("slow-n2",) * 4 + ("slow-n2.2",) * 4


def test_a_fault_that_never_fired_met_nothing(namespace: Namespace, kernel: FakeKernel) -> None:
    kernel.counters["link/n2/80/downstream"] = Count(100, 5000)
    namespace.arm(order("slow-n2", SLOW))
    assert heal(namespace, "slow-n2") == Met("slow-n2", 0, 0, 0)


def test_a_cut_that_did_not_reach_the_kernel_is_not_confirmed(namespace: Namespace, kernel: FakeKernel) -> None:
    namespace.arm(order("lost-n3", CUT))
    kernel.broken = "add element"
    namespace.fire("lost-n3")
    with pytest.raises(AgentError, match="lost-n3 in force are not what was asked: lost-n3/in4-drop has 0 of 1"):
        namespace.confirm_fired("lost-n3")


def test_what_is_still_there_after_a_heal_is_an_error(namespace: Namespace, kernel: FakeKernel) -> None:
    namespace.arm(order("lost-n3", CUT))
    fire(namespace, "lost-n3")
    kernel.broken = "flush set"
    with pytest.raises(AgentError) as error:
        heal(namespace, "lost-n3")
    assert str(error.value) == "lost-n3 is not healed: lost-n3/in4-drop still hold something"


def test_a_table_that_is_gone_counts_as_healed(namespace: Namespace, kernel: FakeKernel) -> None:
    namespace.arm(order("lost-n3", CUT))
    fire(namespace, "lost-n3")
    kernel.change("delete table inet harness")
    assert heal(namespace, "lost-n3") == Met("lost-n3", 0, 0, 0)


def test_what_arrived_at_the_ports_is_reported(namespace: Namespace, kernel: FakeKernel) -> None:
    kernel.counters |= {"arrived/8000": Count(9, 900), "opens/8000": Count(2, 120)}
    seen = namespace.inspect()
    assert seen == Inspection(0, (), (PortCount(8000, 9, 2),), 10_000, 0)


def test_what_the_networks_carried_and_what_of_it_is_our_own_are_counted_alike(
    namespace: Namespace, kernel: FakeKernel
) -> None:
    kernel.counters |= {"own/in": Count(10, 600), "own/out": Count(5, 400)}
    seen = namespace.inspect()
    assert (seen.network_bytes, seen.own_bytes) == (10_000, 600 + 400 + 15 * 14)


def test_leaving_removes_the_table_and_all_toxics(namespace: Namespace, kernel: FakeKernel, toxics: FakeToxics) -> None:
    namespace.arm(order("slow-n2", SLOW, CUT))
    fire(namespace, "slow-n2")
    namespace.leave()
    assert (kernel.there, toxics.there) == (False, [])
