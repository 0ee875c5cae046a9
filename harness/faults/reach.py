"""Whose packets a disturbance is about: nodes and from whom, or single links, and which of them. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from harness.cluster import EVERYONE, Cluster, Link
from harness.faults.base import link_problems, node_problems, pods_of
from harness.primitives import Owner
from harness.words import choice

PACKETS = choice("both", "in", "out")


@dataclass(frozen=True, slots=True)
class End:
    """Packets from ``peer`` as they arrive at ``node``; ``port`` None: all of them."""

    node: str
    peer: str
    port: int | None = None
    port_of: Owner | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """``packets``: what ``nodes`` (a link's source) receive: ``in``; what they send: ``out``; or both."""

    nodes: tuple[str, ...]
    others: tuple[str, ...]
    links: tuple[Link, ...]
    packets: str = "in"

    def problems(self, cluster: Cluster, links_key: str) -> Iterator[tuple[str, str]]:
        if bool(self.nodes) == bool(self.links):
            yield "nodes", f"or '{links_key}': exactly one of the two says whose packets"
        yield from node_problems("nodes", self.nodes, cluster, client=True)
        if self.links and self.others != (EVERYONE,):
            yield "from", f"says nothing about '{links_key}', which has both its ends: take it out"
        elif EVERYONE in self.others and len(self.others) > 1:
            yield "from", f"names others beside '{EVERYONE}': write the one or the others"
        elif self.others != (EVERYONE,):
            yield from node_problems("from", self.others, cluster, client=True)
        for same in sorted(set(self.nodes) & set(self.others)):
            yield "from", f"names '{same}', which is also one of 'nodes': a node's own loopback is never touched"
        for link in self.links:
            yield from link_problems(links_key, link, cluster)
        if self.nodes and set(self.nodes) >= set(cluster.names()) and self.others == (EVERYONE,):
            yield "nodes", "names every node: nobody is left from whom packets could come"

    def _pairs(self, cluster: Cluster) -> tuple[tuple[str, str], ...]:
        """Pods with something between them, each pair once; two nodes of one pod have only their loopback."""
        others = cluster.names() if self.others == (EVERYONE,) else self.others
        here = dict.fromkeys(map(cluster.pod_of, self.nodes))
        there = dict.fromkeys(map(cluster.pod_of, others))
        return tuple((a, b) for a, b in product(here, there) if b not in here)

    def ends(self, cluster: Cluster) -> tuple[End, ...]:
        """Where packets arrive that it is about, each once."""
        found: list[End] = []
        arriving, leaving = self.packets in ("in", "both"), self.packets in ("out", "both")
        for node, other in self._pairs(cluster):
            found += [End(node, other)] if arriving else []
            found += [End(other, node)] if leaving else []
        for link in map(cluster.resolve, self.links):
            source, target = pods_of(link, cluster)
            found += [End(source, target, link.port, "peer")] if arriving else []
            found += [End(target, source, link.port, "node")] if leaving else []
        return tuple(dict.fromkeys(found))

    def touches(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        """Pairs (source, target) whose round trips meet it."""
        pairs = self._pairs(cluster)
        return frozenset((*pairs, *((b, a) for a, b in pairs), *(pods_of(link, cluster) for link in self.links)))

    def __str__(self) -> str:
        if self.links:
            return f"on {', '.join(map(str, self.links))}"
        ways = {
            "in": "from {others} to {nodes}",
            "out": "from {nodes} to {others}",
            "both": "between {nodes} and {others}",
        }
        return ways[self.packets].format(nodes=", ".join(self.nodes), others=", ".join(self.others))
