"""Nodes that cannot reach each other: packets end at the receiver, as they do on a broken network."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import ClassVar, Literal

from harness.cluster import EVERYONE, LINK_PATTERN, Cluster, Link
from harness.faults.base import Fault, Sighting, link_problems, node_problems, pods_of
from harness.primitives import AnyPrimitive, Cut
from harness.recording.evidence import Evidence, InForce, Window
from harness.words import NODE, Reader, choice, word

LINK = Reader("link", "gateway -> n1", Link.parse, pattern=LINK_PATTERN.pattern)
STYLE = choice("drop", "reject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition(Fault):
    """``nodes`` cut off from ``from`` (both directions, every port), or single ``links`` cut (their connections only).

    ``drop``: silence, connections stall and go on after the heal. ``reject``: resets and unreachables at once.
    """

    kind: ClassVar[str] = "partition"
    about: ClassVar[str] = "nodes cannot reach each other: packets are dropped or rejected"
    page: ClassVar[str] = (
        "The node's own process runs on; the client and Prometheus reach it unless the client is named. "
        "A cut link means connections in that direction: packets to the target's port, and their answers."
    )

    nodes: tuple[str, ...] = field(default=(), metadata=word("nodes", NODE, "who is cut off", many=True))
    others: tuple[str, ...] = field(
        default=(EVERYONE,), metadata=word("from", NODE, "from whom; everyone: all other nodes", many=True)
    )
    links: tuple[Link, ...] = field(default=(), metadata=word("links", LINK, "or which connections", many=True))
    style: str = field(default="drop", metadata=word("style", STYLE, "silence, or an answer that says no"))

    @property
    def via(self) -> str:
        return "nftables"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        if bool(self.nodes) == bool(self.links):
            yield "nodes", "or 'links': a partition needs exactly one of the two"
        yield from node_problems("nodes", self.nodes, cluster, client=True)
        if self.links and self.others != (EVERYONE,):
            yield "from", "says nothing about 'links', which have both their ends: take it out"
        elif EVERYONE in self.others and len(self.others) > 1:
            yield "from", f"names others beside '{EVERYONE}': write the one or the others"
        elif self.others != (EVERYONE,):
            yield from node_problems("from", self.others, cluster, client=True)
        for both in sorted(set(self.nodes) & set(self.others)):
            yield "from", f"names '{both}', which is also one of 'nodes': a node cannot be cut off from itself"
        for link in self.links:
            yield from link_problems("links", link, cluster)
        if self.nodes and set(self.nodes) >= set(cluster.names()) and self.others == (EVERYONE,):
            yield "nodes", "names every node: nobody is left to cut them off from"

    def _pairs(self, cluster: Cluster) -> tuple[tuple[str, str], ...]:
        """Pods that are kept apart, each pair once; two nodes of one pod cannot be."""
        others = cluster.names() if self.others == (EVERYONE,) else self.others
        here = dict.fromkeys(map(cluster.pod_of, self.nodes))
        there = dict.fromkeys(map(cluster.pod_of, others))
        return tuple((a, b) for a, b in product(here, there) if b not in here)

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        cuts: list[Cut] = []
        for a, b in self._pairs(cluster):
            cuts += [self._cut(a, b, hook) for hook in self._hooks()] + [
                self._cut(b, a, hook) for hook in self._hooks()
            ]
            # A proxied connection ends at the proxy in its source's namespace: only the source can make it a time-out.
            cuts += [
                self._cut(link.source, link.target, "out", link.port, "peer")
                for link in proxied
                if {cluster.pod_of(link.source), cluster.pod_of(link.target)} == {a, b} and self.style == "drop"
            ]
        for link in map(cluster.resolve, self.links):
            for hook in self._hooks():
                cuts.append(self._cut(link.target, link.source, hook, link.port, "node"))
                cuts.append(self._cut(link.source, link.target, hook, link.port, "peer"))
            if link in proxied and self.style == "drop":
                cuts.append(self._cut(link.source, link.target, "out", link.port, "peer"))
        return tuple(dict.fromkeys(cuts))

    def _hooks(self) -> tuple[Literal["in", "out"], ...]:
        # Silence is held at the receiver, as on a wire (a drop in the sender's output is an EPERM no network gives);
        # a rejection has to answer both sides, so it stands on both ways.
        return ("in",) if self.style == "drop" else ("in", "out")

    def _cut(
        self,
        node: str,
        peer: str,
        hook: Literal["in", "out"],
        port: int | None = None,
        port_of: Literal["node", "peer"] | None = None,
    ) -> Cut:
        return Cut(node, peer, hook, "reject" if self.style == "reject" else "drop", port, port_of)

    def describe(self) -> str:
        if self.links:
            return f"{', '.join(map(str, self.links))} cut ({self.style})"
        return f"{', '.join(self.nodes)} cut off from {', '.join(self.others)} ({self.style})"

    def undo(self) -> str:
        return "the rules' sets are emptied; the kernel forgets their elements by itself 2 s later"

    def touches(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        pairs = self._pairs(cluster)
        return frozenset((*pairs, *((b, a) for a, b in pairs), *(pods_of(link, cluster) for link in self.links)))

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        until_ns = in_force.window.end_ns - round(in_force.end_error_s * 1e9)
        inside = Window(in_force.window.start_ns, until_ns)
        sent = [p for pair in sorted(self.touches(cluster)) for p in evidence.probes_between(*pair, inside)]
        # An echo sent late in the fault may be answered after the heal: only an answer meanwhile contradicts it.
        lost = sum(p.rtt_s is None or p.sent_ns + round(p.rtt_s * 1e9) >= until_ns for p in sent)
        healed = evidence.healed(self.name)
        packets = sum(event.packets for event in healed)
        gone = _first_answers(evidence, self.touches(cluster), in_force)
        verb = "dropped" if self.style == "drop" else "rejected"
        words = f"{verb} {packets:,} packets; {lost} of {len(sent)} echoes lost"
        # A cut shorter than the gap between two echoes is witnessed by what its own rules counted.
        met = bool(sent) or any(event.packets or event.echoes for event in healed)
        return Sighting(met and lost == len(sent), packets > 0, f"{words}; {gone}")


def _first_answers(evidence: Evidence, pairs: Collection[tuple[str, str]], in_force: InForce) -> str:
    after = Window(in_force.window.end_ns, in_force.window.end_ns + 5_000_000_000)
    back = [any(p.rtt_s is not None for p in evidence.probes_between(*pair, after)) for pair in sorted(pairs)]
    return f"gone: {sum(back)} of {len(back)} links answer again"
