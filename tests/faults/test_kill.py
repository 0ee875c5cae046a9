"""A killed node, in primitives."""

from harness.cluster import Cluster, Node
from harness.faults.kill import Kill
from harness.primitives import Kill as KillNode

CLUSTER = Cluster("two", tuple(Node(name, name, "node", name, ports=(80,)) for name in ("n1", "n2")))


def test_a_kill_is_one_order_to_the_engine_for_each_node() -> None:
    fault = Kill(name="dead", at_s=5.0, for_s=20.0, nodes=("n1", "n2"))
    assert list(fault.check(CLUSTER)) == []
    assert fault.compile(CLUSTER, ()) == (KillNode("n1"), KillNode("n2"))
    assert fault.stops(CLUSTER) == {"n1", "n2"}
    assert not fault.touches(CLUSTER)
    assert not fault.proxies(CLUSTER)
    assert fault.describe() == "n1, n2 killed (SIGKILL)"


def test_a_kill_names_nodes_and_never_the_client() -> None:
    fault = Kill(name="dead", at_s=5.0, for_s=20.0, nodes=("client", "n11"))
    assert list(fault.check(CLUSTER)) == [
        ("nodes", "names 'client': there is no client (there are n1, n2)"),
        ("nodes", "names 'n11': there is no n11; did you mean 'n1'?"),
    ]
    nobody = Kill(name="dead", at_s=5.0, for_s=20.0, nodes=())
    assert list(nobody.check(CLUSTER)) == [("nodes", "is empty: name at least one node")]
