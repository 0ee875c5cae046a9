"""The load of messages: whom it asks, and what is wrong with it on a cluster."""

from harness.client.clients import build
from harness.client.nats import Nats as Client
from harness.traffic.base import Traffic
from harness.traffic.mix import PART, Part
from harness.traffic.nats import Nats
from harness.wire import HISTORY_MAX
from tests.recording.builder import CLUSTER


def problems(traffic: Traffic) -> list[tuple[str, str]]:
    return list(traffic.check(CLUSTER))


def test_a_role_is_all_of_its_nodes_and_the_client_understands_every_word() -> None:
    traffic = Nats(
        name="bus", to="node", rate_per_s=50, reads="ordered", store="memory", size_bytes=600_000, ping_s=0.5
    )
    order = traffic.load(CLUSTER, 1, 2, 7, warmup_s=1, faults_s=1)
    assert (order.client, order.host, order.others) == ("nats", "n1", ("n2", "n3"))
    client = build(order.client, order.options, order.seed)
    assert isinstance(client, Client)
    said = (client.via_stream, client.acked_by_stream, client.ordered, client.store, client.replicas, client.subjects)
    assert said == (True, True, True, "memory", 0, 4)
    assert (client.size_bytes, client.ping_s) == (600_000, 0.5)
    assert Nats(name="bus", to="n2", rate_per_s=1, via="core").hosts(CLUSTER) == ("n2",)
    assert problems(traffic) == []
    assert traffic.history_max() == HISTORY_MAX


def test_without_a_stream_it_is_the_server_that_acknowledges() -> None:
    core = build("nats", Nats(name="bus", to="node", rate_per_s=1, via="core").options(), 7)
    assert isinstance(core, Client)
    assert (core.via_stream, core.acked_by_stream) == (False, False)


def test_what_is_wrong_with_it_is_said_by_key() -> None:
    part = PART.read("5 subjects=3")
    assert isinstance(part, Part)
    traffic = Nats(name="bus", to="n2", rate_per_s=50, replicas=3, subjects=0, size_bytes=5, ping_s=0.01, mix=(part,))
    assert problems(traffic) == [
        ("mix", "has no parts here: every message goes the same way; write another traffic"),
        ("replicas", "is 3, and 'to' has 1 of the servers: write no more than that"),
        ("subjects", "is 0: write one from 1 to 1000"),
        ("size", "is 5 bytes: write one from 13B to 8MiB"),
        ("ping", "is 0.01 s: write one from 100ms to 10m"),
    ]
    assert problems(Nats(name="bus", to="node", rate_per_s=50, replicas=2)) == [("replicas", "is 2: write 1, 3 or 5")]
