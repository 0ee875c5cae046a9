"""A slow link, in primitives."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cluster import Cluster, Link, Node
from harness.faults.latency import Latency
from harness.primitives import Toxic

CLUSTER = Cluster(
    "three",
    (Node("gateway", "gateway", "gateway", "gateway", ports=(8080,)), Node("n1", "n1", "node", "n1", ports=(80, 81)),
     Node("mute", "mute", "node", "mute")),
)  # fmt: skip
SLOW = Latency(name="slow", at_s=5.0, for_s=20.0, link=Link("gateway", "n1"), delay_s=0.2)


def test_a_slow_link_is_one_toxic_on_the_answers() -> None:
    fault = replace(SLOW, jitter_s=0.02)
    assert fault.compile(CLUSTER, fault.proxies(CLUSTER)) == (
        Toxic("gateway", "n1", 80, "latency", "downstream", (("latency", 200), ("jitter", 20))),
    )
    assert fault.proxies(CLUSTER) == {Link("gateway", "n1", 80)}
    assert fault.touches(CLUSTER) == {("gateway", "n1")}
    assert fault.stops(CLUSTER) == frozenset()
    assert fault.describe() == "200 ms ± 20 ms on gateway -> n1"


def test_a_link_with_a_port_means_that_port() -> None:
    assert replace(SLOW, link=Link("gateway", "n1", 81)).proxies(CLUSTER) == {Link("gateway", "n1", 81)}


@given(st.integers(1, 60_000), st.integers(0, 60_000))
def test_toxiproxy_is_asked_for_exactly_what_the_file_says(delay_ms: int, jitter_ms: int) -> None:
    fault = replace(SLOW, delay_s=delay_ms / 1000, jitter_s=jitter_ms / 1000)
    if jitter_ms > delay_ms:
        assert [key for key, _ in fault.check(CLUSTER)] == ["jitter"]
        return
    assert list(fault.check(CLUSTER)) == []
    (toxic,) = fault.compile(CLUSTER, ())
    assert isinstance(toxic, Toxic)
    assert toxic.attributes == (("latency", delay_ms), ("jitter", jitter_ms))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (SLOW, []),
        (replace(SLOW, link=Link("client", "gateway")), []),
        (replace(SLOW, delay_s=0.0), [("delay", "is 0 s: write one from 1ms to 60s")]),
        (replace(SLOW, delay_s=61.0), [("delay", "is 61 s: write one from 1ms to 60s")]),
        (
            replace(SLOW, delay_s=0.0015),
            [("delay", "is 1.5 ms: write whole milliseconds, which is how Toxiproxy counts")],
        ),
        (
            replace(SLOW, jitter_s=0.0005),
            [("jitter", "is 0.5 ms: write whole milliseconds, which is how Toxiproxy counts")],
        ),
        (
            replace(SLOW, jitter_s=0.3),
            [("jitter", "is 0.3 s, more than the delay (0.2 s): nothing arrives early; lower it")],
        ),
        (
            replace(SLOW, link=Link("n1", "n1")),
            [("link", "is 'n1 -> n1', from a node to itself: a node's own loopback is never touched")],
        ),
        (
            replace(SLOW, link=Link("n1", "mute")),
            [("link", "is 'n1 -> mute': mute declares no port; write 'n1 -> mute:PORT'")],
        ),
        (
            replace(SLOW, link=Link("gatway", "n11")),
            [
                ("link", "is 'gatway -> n11': there is no gatway; did you mean 'gateway'?"),
                ("link", "is 'gatway -> n11': there is no n11; did you mean 'n1'?"),
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_slow_link_is_told(fault: Latency, said: list[tuple[str, str]]) -> None:
    assert list(fault.check(CLUSTER)) == said
