"""The load that looks at the members of a store."""

from harness.traffic.mix import PART, Part
from harness.traffic.statuses import EtcdStatus
from tests.recording.builder import CLUSTER


def test_it_asks_all_of_a_role_and_is_nobodys_traffic() -> None:
    every = EtcdStatus(name="s", to="node", users=3)
    order = every.load(CLUSTER, 1, 2, 7, warmup_s=1, faults_s=1)
    assert (order.client, order.host, order.others, order.options) == ("etcd-status", "n1", ("n2", "n3"), ())
    assert (list(every.check(CLUSTER)), list(every.notes()), every.of_users) == ([], [], False)


def test_it_has_no_mix_and_asks_only_whom_there_is() -> None:
    part = PART.read("5 keys=3")
    assert isinstance(part, Part)
    assert list(EtcdStatus(name="s", to="nodes", users=3, mix=(part,)).check(CLUSTER)) == [
        ("to", "names 'nodes': there is no nodes (there are gateway, n1, n2, n3)"),
        ("mix", "has no parts here: there is one thing to ask; leave it out"),
    ]
