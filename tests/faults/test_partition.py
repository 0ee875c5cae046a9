"""Who is cut off from whom, in primitives."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cluster import Cluster, Link, Node
from harness.faults.partition import Partition
from harness.primitives import Cut
from tests.faults.records import sighting, turned

NAMES = ("gateway", "n1", "n2", "n3")
CLUSTER = Cluster("four", tuple(Node(name, name, "node", name, ports=(80,)) for name in NAMES))
LOST = Partition(name="lost", at_s=5.0, for_s=20.0, nodes=("n1",))
LINKED = replace(LOST, nodes=(), links=(Link("n1", "n2"),))
ONE_WAY = ("nodes", "or 'links', 'groups' or 'shape': a partition needs exactly one of them")
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
        (
            replace(LOST, nodes=()),
            [ONE_WAY],
        ),
        (
            replace(LINKED, nodes=("n1",)),
            [ONE_WAY],
        ),
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


GROUPS = replace(LOST, nodes=(), groups=(("gateway", "n1"), ("n2", "n3")))
RING = replace(LOST, nodes=(), shape="ring")


def test_groups_are_cut_off_from_each_other_and_see_themselves() -> None:
    assert GROUPS.touches(CLUSTER) == {
        pair for a in ("gateway", "n1") for b in ("n2", "n3") for pair in ((a, b), (b, a))
    }
    assert {(cut.node, cut.peer) for cut in cuts(GROUPS)} == GROUPS.touches(CLUSTER)


def test_a_shape_is_of_the_nodes_that_are_named_or_of_all() -> None:
    assert RING.touches(CLUSTER) == {("gateway", "n2"), ("n2", "gateway"), ("n1", "n3"), ("n3", "n1")}
    bridge = replace(LOST, nodes=("n1", "n2", "n3"), shape="bridge")
    assert bridge.touches(CLUSTER) == {("n1", "n3"), ("n3", "n1")}


def test_one_direction_of_packets_is_lost_at_the_receiver() -> None:
    deaf = replace(LOST, others=("n2",), packets="in")
    assert cuts(deaf) == (Cut("n1", "n2", "in", "drop"),)
    assert cuts(replace(deaf, packets="out")) == (Cut("n2", "n1", "in", "drop"),)
    assert cuts(replace(deaf, style="reject")) == (Cut("n1", "n2", "in", "reject"), Cut("n2", "n1", "out", "reject"))
    assert deaf.touches(CLUSTER) == {("n1", "n2"), ("n2", "n1")}  # an echo needs both ways


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (GROUPS, []),
        (RING, []),
        (replace(RING, nodes=("n1", "n2", "n3")), [("shape", "is 'ring' of 3 nodes: it takes at least 4")]),
        (
            replace(GROUPS, nodes=("n1",)),
            [ONE_WAY],
        ),
        (
            replace(GROUPS, shape="halves"),
            [ONE_WAY],
        ),
        (replace(GROUPS, groups=(("n1",), ("n1", "n2"))), [("groups", "names 'n1' twice: a node is in one group")]),
        (
            replace(GROUPS, groups=(("n1",), ("n22",))),
            [("groups", "names 'n22': there is no n22; did you mean 'n2'?")],
        ),
        (
            replace(GROUPS, others=("n1",)),
            [("from", "says nothing about 'groups', which says who is apart from whom: take it out")],
        ),
        (
            replace(GROUPS, packets="in"),
            [("packets", "is 'in', and that means packets of 'nodes' alone: take it out")],
        ),
    ],
)
def test_what_is_wrong_with_groups_and_shapes_is_told(fault: Partition, said: list[tuple[str, str]]) -> None:
    assert list(fault.check(CLUSTER)) == said


def test_groups_and_shapes_are_told_to_a_person() -> None:
    assert GROUPS.describe() == "gateway n1 | n2 n3 cut off from each other (drop)"
    assert RING.describe() == "all nodes in a ring: each sees its neighbours only (drop)"
    assert replace(RING, shape="bridge").describe() == "all nodes in two halves, with the middle one as a bridge (drop)"
    assert replace(LOST, packets="in").describe() == "n1 hears nothing of everyone (drop)"


FLAP = replace(LOST, name="f", others=("n2",), on_s=1.5, off_s=1.0)
SAID = [*turned(1.5, 1.0, "n1"), *turned(1.5, 1.0, "n2")]


def lost_in_spells(pair: tuple[str, str], sent_s: float) -> float | str:
    """1.5 s on, 1 s off from 10 s on; what is sent late in a spell gets its answer after it."""
    since_s = (sent_s - 10) % 2.5
    if set(pair) != {"n1", "n2"} or not 10 <= sent_s < 20 or since_s >= 1.5:
        return 0.001
    return 1.51 - since_s if since_s > 1.2 else "no answer within 1 s"


def test_a_flapping_partition_is_seen_by_echoes_lost_in_its_spells_and_answered_in_between() -> None:
    found = sighting(FLAP, SAID, lost_in_spells, ("n1", "n2"), packets=9)
    assert found.witness.startswith("on 4 times, off 4 times; dropped 18 packets; 48 of 48 echoes lost; 32 of 32 ")
    assert (found.seen, found.exercised) == (True, True)


def test_a_partition_that_never_came_back_or_never_went_did_not_flap() -> None:
    def always(pair: tuple[str, str], sent_s: float) -> float | str:
        return "no answer within 1 s" if set(pair) == {"n1", "n2"} and 10 <= sent_s < 20 else 0.001

    assert not sighting(FLAP, SAID, always, ("n1", "n2"), packets=9).seen
    assert not sighting(FLAP, SAID, nodes=("n1", "n2"), packets=9).seen
    assert not sighting(FLAP, (), always, ("n1", "n2"), packets=9).seen  # no agent said that it came back
