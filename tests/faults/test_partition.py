"""Who is cut off from whom, in primitives."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cluster import Cluster, Link, Node
from harness.faults.partition import Partition
from harness.primitives import Cut

NAMES = ("gateway", "n1", "n2", "n3")
CLUSTER = Cluster("four", tuple(Node(name, name, "node", name, ports=(80,)) for name in NAMES))
LOST = Partition(name="lost", at_s=5.0, for_s=20.0, nodes=("n1",))
LINKED = replace(LOST, nodes=(), links=(Link("n1", "n2"),))
SOME = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)


def cuts(fault: Partition, *proxied: Link) -> tuple[Cut, ...]:
    found = fault.compile(CLUSTER, proxied)
    return tuple(one for one in found if isinstance(one, Cut))


def test_silence_is_held_where_packets_arrive() -> None:
    assert cuts(replace(LOST, others=("n2", "n3"))) == (
        Cut("n1", "n2", "in", "drop"),
        Cut("n2", "n1", "in", "drop"),
        Cut("n1", "n3", "in", "drop"),
        Cut("n3", "n1", "in", "drop"),
    )


def test_a_rejection_answers_on_every_way() -> None:
    assert set(cuts(replace(LOST, others=("n2",), style="reject"))) == {
        Cut("n1", "n2", "in", "reject"),
        Cut("n1", "n2", "out", "reject"),
        Cut("n2", "n1", "in", "reject"),
        Cut("n2", "n1", "out", "reject"),
    }


def test_everyone_is_every_other_node_and_not_the_client() -> None:
    assert {(cut.node, cut.peer) for cut in cuts(LOST)} == {
        (a, b) for other in ("gateway", "n2", "n3") for a, b in (("n1", other), (other, "n1"))
    }


def test_the_client_is_cut_off_when_it_is_named() -> None:
    fault = replace(LOST, nodes=("gateway",), others=("client",))
    assert list(fault.check(CLUSTER)) == []
    assert cuts(fault) == (Cut("gateway", "client", "in", "drop"), Cut("client", "gateway", "in", "drop"))


def test_a_cut_link_leaves_connections_the_other_way_alone() -> None:
    assert cuts(LINKED) == (Cut("n2", "n1", "in", "drop", 80, "node"), Cut("n1", "n2", "in", "drop", 80, "peer"))
    assert LINKED.touches(CLUSTER) == {("n1", "n2")}


def test_a_proxied_link_is_cut_at_its_source_too() -> None:
    proxied = Link("gateway", "n1", 80)
    at_source = Cut("gateway", "n1", "out", "drop", 80, "peer")
    assert set(cuts(LOST, proxied)) - set(cuts(LOST)) == {at_source}
    assert set(cuts(replace(LINKED, links=(Link("gateway", "n1"),)), proxied)) >= {at_source}
    assert cuts(LOST, Link("gateway", "n2", 80)) == cuts(LOST)  # another link is none of its business


@given(SOME, SOME | st.just(["everyone"]), st.sampled_from(["drop", "reject"]))
def test_a_partition_without_a_complaint_cuts_exactly_the_pairs_it_touches_and_both_ways(
    nodes: list[str], others: list[str], style: str
) -> None:
    fault = replace(LOST, nodes=tuple(nodes), others=tuple(others), style=style)
    if list(fault.check(CLUSTER)):
        return
    found = cuts(fault)
    pairs = {(cut.node, cut.peer) for cut in found}
    assert pairs == fault.touches(CLUSTER)
    assert pairs == {(b, a) for a, b in pairs}
    assert all(a != b and (a in nodes) != (b in nodes) for a, b in pairs)
    assert len(found) == len(set(found))
    assert found
    assert {cut.style for cut in found} == {style}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (LOST, []),
        (LINKED, []),
        (replace(LOST, nodes=()), [("nodes", "or 'links': a partition needs exactly one of the two")]),
        (replace(LINKED, nodes=("n1",)), [("nodes", "or 'links': a partition needs exactly one of the two")]),
        (replace(LOST, nodes=("n7",)), [("nodes", "names 'n7': there is no n7 (there are gateway, n1, n2, n3)")]),
        (replace(LOST, others=("n22",)), [("from", "names 'n22': there is no n22; did you mean 'n2'?")]),
        (
            replace(LINKED, others=("n3",)),
            [("from", "says nothing about 'links', which have both their ends: take it out")],
        ),
        (replace(LINKED, links=(Link("client", "n1"),)), []),
        (
            replace(LINKED, links=(Link("n1", "client"),)),
            [("links", "is 'n1 -> client': there is no client (there are gateway, n1, n2, n3)")],
        ),
        (replace(LOST, nodes=NAMES), [("nodes", "names every node: nobody is left to cut them off from")]),
    ],
)
def test_what_is_wrong_with_a_partition_is_told(fault: Partition, said: list[tuple[str, str]]) -> None:
    assert list(fault.check(CLUSTER)) == said


def test_a_partition_is_told_to_a_person() -> None:
    assert LOST.describe() == "n1 cut off from everyone (drop)"
    assert replace(LINKED, style="reject").describe() == "n1 -> n2 cut (reject)"
    assert not LOST.proxies(CLUSTER)
    assert not LOST.stops(CLUSTER)
