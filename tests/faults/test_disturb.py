"""Faults of single packets: what they are made of, what is refused, and what their witness must have read."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from harness.cluster import Cluster, Link, Node
from harness.faults.base import Fault, Sighting
from harness.faults.corrupt import Corrupt
from harness.faults.disturb import Disturbance
from harness.faults.duplicate import Duplicate
from harness.faults.latency import Latency
from harness.faults.loss import Loss
from harness.faults.reorder import Reorder
from harness.primitives import Disturb
from harness.recording.events import AnyEvent, FaultFired, FaultHealed, Read
from harness.recording.evidence import Evidence
from harness.wire import When

CLUSTER = Cluster(
    "three",
    (Node("gw", "gw", "gw", "gw", ports=(8080,)), Node("n1", "n1", "node", "n1", ports=(80,)),
     Node("n2", "n2", "node", "n2", ports=(80,)), Node("beside", "beside", "node", "n2", ports=(81,))),
)  # fmt: skip
LINK = (Link("gw", "n1"),)
LOSSY = Loss(name="lossy", at_s=5.0, for_s=20.0, nodes=("n1",), share=0.05)
ON_LINK = replace(LOSSY, nodes=(), links=LINK)
SLOW = Latency(name="slow", at_s=5.0, for_s=20.0, nodes=("n1",), delay_s=0.1, jitter_s=0.02, mechanism="packets")
KINDS: tuple[tuple[Disturbance, Disturb], ...] = (
    (replace(ON_LINK, burst=4), Disturb("gw", "n1", 80, "peer", loss=0.05, burst=4.0, seed=9)),
    (
        Duplicate(name="x", at_s=1, for_s=9, links=LINK, share=0.1),
        Disturb("gw", "n1", 80, "peer", duplicate=0.1, seed=9),
    ),
    (Reorder(name="x", at_s=1, for_s=9, links=LINK, share=0.1), Disturb("gw", "n1", 80, "peer", reorder=0.1, seed=9)),
    (
        Corrupt(name="x", at_s=1, for_s=9, links=LINK, share=0.1, silent="yes"),
        Disturb("gw", "n1", 80, "peer", corrupt=0.1, silent=True, seed=9),
    ),
)


@pytest.mark.parametrize(("fault", "made"), KINDS, ids=[fault.kind for fault, _ in KINDS])
def test_each_kind_disturbs_answers_and_questions_of_a_link(fault: Disturbance, made: Disturb) -> None:
    (answers, questions) = fault.compile(CLUSTER, (), 9)
    assert answers == made
    assert isinstance(questions, Disturb)
    assert (questions.node, questions.peer, questions.port_of) == ("n1", "gw", "node")
    assert fault.touches(CLUSTER) == {("gw", "n1")}
    assert fault.needs() == ("queue",)
    assert list(fault.check(CLUSTER)) == []


def ends(fault: Fault) -> list[tuple[str, str]]:
    return [(p.node, p.peer) for p in fault.compile(CLUSTER, ()) if isinstance(p, Disturb)]


def test_packets_in_arrive_at_the_nodes_and_packets_out_at_the_others_and_pods_count_once() -> None:
    assert ends(replace(LOSSY, packets="in")) == [("n1", "gw"), ("n1", "n2")]
    assert ends(replace(LOSSY, packets="out")) == [("gw", "n1"), ("n2", "n1")]
    assert ends(LOSSY) == [("n1", "gw"), ("gw", "n1"), ("n1", "n2"), ("n2", "n1")]
    assert LOSSY.touches(CLUSTER) == set(ends(LOSSY))
    assert LOSSY.describe() == "5 % of packets between n1 and everyone lost"
    assert replace(ON_LINK, burst=3, packets="in").describe() == "5 % of packets on gw -> n1 lost in bursts of 3"


def test_a_delay_by_packets_needs_no_proxy_and_is_once_in_a_round_trip() -> None:
    assert SLOW.proxies(CLUSTER) == frozenset()
    assert SLOW.compile(CLUSTER, (), 3) == tuple(
        Disturb("n1", peer, delay_s=0.1, jitter_s=0.02, seed=3) for peer in ("gw", "n2")
    )
    assert SLOW.describe() == "100 ms ± 20 ms from everyone to n1"
    on_link = replace(SLOW, nodes=(), link=LINK[0])
    assert on_link.compile(CLUSTER, ()) == (Disturb("gw", "n1", 80, "peer", delay_s=0.1, jitter_s=0.02),)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (replace(LOSSY, links=LINK), ("nodes", "or 'links': exactly one of the two says whose packets")),
        (replace(LOSSY, share=0.0), ("share", "is 0 %: write one above 0% and up to 100 %")),
        (replace(LOSSY, burst=0), ("burst", "is 0: write a number of packets from 1 to 100")),
        (replace(LOSSY, share=0.9, burst=4), ("share", "is 90 %, more than bursts of 4 can be: at most 80%")),
        (
            replace(LOSSY, share=0.001),
            (
                "share",
                "is 0.1 %, too few for a witness to see in 20 s at 40 datagrams a second: "
                "let it last 125 s or take a larger share",
            ),
        ),
        (replace(LOSSY, on_s=1.0), ("on", "is given without 'off': write both, or none for a fault that stays")),
        (replace(LOSSY, others=("n1",)), ("from", "names 'n1', which is also one of 'nodes'")),
        (replace(ON_LINK, links=(Link("n2", "beside"),)), ("links", "is 'n2 -> beside', and both live in one pod")),
        (replace(LOSSY, nodes=("n9",)), ("nodes", "names 'n9': there is no n9")),
        (
            Reorder(name="x", at_s=1, for_s=9, links=LINK, share=0.6),
            ("share", "is 60 %: write one above 0% and up to 50 %"),
        ),
        (replace(SLOW, link=LINK[0]), ("nodes", "or 'link': exactly one of the two says whose packets")),
        (replace(SLOW, mechanism="toxiproxy"), ("link", "is missing: Toxiproxy slows a link")),
        (replace(SLOW, mechanism="toxiproxy", link=LINK[0]), ("nodes", "is for 'via: packets'")),
        (replace(SLOW, delay_s=0.0005, jitter_s=0.0), ("delay", "is 0.0005 s: write one from 1ms to 60s")),
    ],
)
def test_what_is_wrong_is_told(fault: Fault, said: tuple[str, str]) -> None:
    ((key, text),) = fault.check(CLUSTER)
    assert key == said[0]
    assert text.startswith(said[1])


def test_a_delay_by_packets_may_be_a_broken_number_of_milliseconds() -> None:
    assert list(replace(SLOW, delay_s=0.0015, jitter_s=0.0).check(CLUSTER)) == []


# --- witnesses --------------------------------------------------------------------------------------------------------

S = 1_000_000_000
CLEAN = {"datagrams": 200.0, "lost_share": 0.0, "doubled_share": 0.0, "overtaken_share": 0.0, "corrupted_share": 0.0,
         "checksum_errors": 0.0, "round_trip_s": 0.001}  # fmt: skip


def told(fault: Fault, during: Mapping[str, float], node: str = "gw", more: tuple[AnyEvent, ...] = ()) -> Sighting:
    """In force from 10 to 20 s on one node, read once before, four times meanwhile, once after."""
    name = fault.name
    events: list[AnyEvent] = [FaultFired(10 * S, name, node, 10 * S, 10 * S)]
    events.append(FaultHealed(20 * S, name, node, 20 * S, 20 * S, "schedule", packets=1000))
    stretches: list[tuple[When, int, Mapping[str, float]]] = [("before", 9, {}), ("after", 21, {})]
    stretches += [("during", at_s, during) for at_s in (12, 14, 16, 18)]
    for when, at_s, changes in stretches:
        figures = {**CLEAN, **changes}
        events += [Read(at_s * S, node, name, when, key, value, at_s * S) for key, value in figures.items()]
    evidence = Evidence((*events, *more), {}, ())
    in_force = evidence.in_force(name)
    assert in_force is not None
    return fault.sighting(evidence, CLUSTER, in_force)


IN = replace(ON_LINK, packets="in")
SOME = {fault.kind: replace(fault, packets="in") for fault, _ in KINDS}


def test_a_loss_of_about_the_share_asked_for_is_seen() -> None:
    assert told(IN, {"lost_share": 0.045}) == Sighting(
        True,
        True,
        "36 of 800 of the witness's datagrams lost (before 0 of 200, after 0 of 200); "
        "1,000 packets of the system met it",
    )


@pytest.mark.parametrize("share", [0.0, 0.005, 0.15, 1.0])
def test_another_share_is_not_the_loss_that_was_asked_for(share: float) -> None:
    assert not told(IN, {"lost_share": share}).seen


def test_beside_another_fault_more_may_be_lost_than_this_one_asked_for() -> None:
    other: tuple[AnyEvent, ...] = (FaultFired(11 * S, "cut", "n1", 11 * S, 11 * S),)
    assert told(IN, {"lost_share": 0.5}, more=other).seen


def test_bursts_may_stray_further_from_their_share() -> None:
    assert not told(IN, {"lost_share": 0.09}).seen
    assert told(replace(IN, burst=10), {"lost_share": 0.09}).seen


@pytest.mark.parametrize(
    ("kind", "during"),
    [
        ("duplicate", {"doubled_share": 0.1}),
        ("reorder", {"overtaken_share": 0.08}),
        ("corrupt", {"corrupted_share": 0.1}),
    ],
)
def test_each_kind_is_seen_by_its_own_figure(kind: str, during: Mapping[str, float]) -> None:
    assert told(SOME[kind], during).seen
    assert not told(SOME[kind], {}).seen


def test_a_wrong_checksum_is_seen_as_a_loss_that_the_kernel_counted() -> None:
    loud = Corrupt(name="bad", at_s=1, for_s=9, links=LINK, packets="in", share=0.1)
    assert told(loud, {"lost_share": 0.1, "checksum_errors": 20.0}).seen
    assert not told(loud, {"lost_share": 0.1}).seen


def test_a_fault_that_one_of_its_nodes_did_not_show_was_not_seen() -> None:
    assert not told(ON_LINK, {"lost_share": 0.05}).seen


def test_what_was_read_while_a_pattern_rested_is_left_out() -> None:
    flapping = replace(IN, on_s=1.0, off_s=1.0)
    rest = tuple(
        Read(at_s * S, "gw", "lossy", "during", "on", on, at_s * S) for at_s, on in ((10, 1.0), (13, 0.0), (17, 1.0))
    )
    found = told(flapping, {"lost_share": 0.05}, more=rest)
    assert found.seen
    assert found.witness.startswith("20 of 400 ")


def test_a_delay_by_packets_is_seen_by_every_reading() -> None:
    slow = replace(SLOW, nodes=(), link=LINK[0])
    assert told(slow, {"round_trip_s": 0.102}) == Sighting(
        True, True, "datagrams +101.0 ms; 1,000 packets of the system waited; gone: +0.0 ms"
    )
    assert not told(slow, {"round_trip_s": 0.05}).seen
    assert not told(slow, {"round_trip_s": 0.3}).seen
    assert not told(slow, {"datagrams": 0.0}, node="n1").seen
