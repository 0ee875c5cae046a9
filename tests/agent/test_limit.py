"""Ports that take so many connections: what is in the kernel at each step, and what its list of sockets shows."""

import pytest

from harness.agent.kernel import Count
from harness.agent.limit import Limit, established
from harness.errors import AgentError
from harness.primitives import Limit as LimitPrimitive
from harness.wire import Met
from tests.agent.tables import Tables

FEW = LimitPrimitive("n1", 80, 3)
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue"


@pytest.fixture
def kernel() -> Tables:
    return Tables()


@pytest.fixture
def limit(kernel: Tables) -> Limit:
    return Limit(kernel)


def test_connections_are_counted_before_the_limit_holds(limit: Limit, kernel: Tables) -> None:
    limit.arm("full", [FEW], 22)
    assert kernel.sets == {"full/on": []}
    rule = kernel.rules["full/in"][-1]
    assert rule.index("ct count over 3") < rule.index("@full/on") < rule.index("reject with tcp reset")


def test_a_limit_holds_from_fire_to_heal_and_then_leaves_nothing(limit: Limit, kernel: Tables) -> None:
    limit.arm("full", [FEW, LimitPrimitive("n1", 81, 5)], 22)
    limit.fire("full")
    limit.confirm_fired("full")
    assert kernel.sets["full/on"] == ["80 timeout 22000ms", "81 timeout 22000ms"]
    assert limit.elements() == 2
    assert limit.left("full") == ["full/on"]
    limit.heal("full")
    limit.heal("full")
    assert limit.left("full") == []
    limit.forget("full")
    assert kernel.empty()


def test_the_stricter_of_two_limits_holds(limit: Limit, kernel: Tables) -> None:
    limit.arm("full", [FEW, LimitPrimitive("n1", 80, 2)], 22)
    assert [rule for rule in kernel.rules["full/in"] if "ct count over 2" in rule]
    assert not [rule for rule in kernel.rules["full/in"] if "ct count over 3" in rule]


def test_what_the_kernel_swallowed_is_found(limit: Limit, kernel: Tables) -> None:
    limit.arm("full", [FEW], 22)
    kernel.broken = "add element"
    limit.fire("full")
    with pytest.raises(AgentError, match="full in force are not what was asked"):
        limit.confirm_fired("full")


def test_refused_connections_are_what_met_it(limit: Limit, kernel: Tables) -> None:
    limit.arm("full", [FEW], 22)
    kernel.counters["full/refused"] = Count(5, 300)
    assert limit.met("full") == Met("full", 5, 300, 0)
    assert limit.readings("full")["refused"] == 5


def test_a_table_that_is_gone_holds_nothing(limit: Limit, kernel: Tables) -> None:
    limit.arm("full", [FEW], 22)
    limit.fire("full")
    kernel.away = True
    limit.heal("full")
    assert limit.left("full") == []
    limit.forget("full")


def test_leaving_removes_everything(limit: Limit, kernel: Tables) -> None:
    limit.arm("full", [FEW], 22)
    limit.fire("full")
    limit.leave()
    assert kernel.empty()


def test_established_connections_from_other_pods_are_told_apart_from_all_others() -> None:
    ours, others = "020012AC:0050", "030012AC:C350"
    four = [
        f"0: {ours} {others} 01 x",  # one
        f"1: {ours} {others} 06 x",  # it is over
        "2: 00000000:0050 00000000:0000 0A x",  # listens
        f"3: {others} {ours} 01 x",  # to a port 80 elsewhere
        "4: 0100007F:0050 0100007F:C351 01 x",  # the pod's own
    ]
    six = [f"0: {'0' * 16}FFFF0000020012AC:0050 {'0' * 16}FFFF0000030012AC:C352 01 x"]
    assert established(("\n".join([HEAD, *four]), "\n".join([HEAD, *six])), {80: 3}) == 2
