"""The load on registers: whom it asks, and what is wrong with it on a cluster."""

from harness.traffic.base import Traffic
from harness.traffic.mix import PART, Part
from harness.traffic.registers import Registers
from harness.wire import HISTORY_MAX
from tests.recording.builder import CLUSTER


def problems(traffic: Traffic) -> list[tuple[str, str]]:
    return list(traffic.check(CLUSTER))


def test_a_role_is_all_of_its_nodes_and_a_name_only_that_one() -> None:
    every = Registers(name="r", to="node", users=3, keys=2, writes=0.5, swaps=0.125, reads="serializable")
    order = every.load(CLUSTER, 1, 2, 7, warmup_s=1, faults_s=1)
    assert (order.client, order.host, order.others, order.port) == ("registers", "n1", ("n2", "n3"), 11434)
    assert order.options == (("keys", "2"), ("writes", "50%"), ("swaps", "12.5%"), ("reads", "serializable"))
    assert Registers(name="r", to="n2", users=3).hosts(CLUSTER) == ("n2",)
    assert problems(every) == []
    assert every.history_max() == HISTORY_MAX


def test_what_is_wrong_with_it_is_said_by_key() -> None:
    part = PART.read("5 keys=3")
    assert isinstance(part, Part)
    traffic = Registers(name="r", to="nodes", users=3, keys=0, writes=0.9, swaps=0.2, mix=(part,))
    assert problems(traffic) == [
        ("to", "names 'nodes': there is no nodes (there are gateway, n1, n2, n3)"),
        ("mix", "has no parts here: 'writes' and 'swaps' say what is asked; leave it out"),
        ("keys", "is 0: write one from 1 to 1000"),
        ("swaps", "and 'writes' are 110 % together: write at most 100%; the rest are reads"),
    ]
