"""Whose packets a disturbance is about: nodes and from whom, or single links, and which of them. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from harness.cluster import EVERYONE, Cluster, Link
from harness.faults.base import link_problems, node_problems, pods_of
from harness.primitives import Owner
from harness.words import choice

PACKETS = choice("both", "in", "out")


def others_problems(others: tuple[str, ...], cluster: Cluster) -> Iterator[tuple[str, str]]:
    """What is wrong with the names in 'from'."""
    if EVERYONE in others and len(others) > 1:
        yield "from", f"names others beside '{EVERYONE}': write the one or the others"
    elif others != (EVERYONE,):
        yield from node_problems("from", others, cluster, client=True)


def pairs(nodes: Iterable[str], others: tuple[str, ...], cluster: Cluster) -> tuple[tuple[str, str], ...]:
    """Pods of the ones and of the others, each pair once; two nodes of one pod have only their loopback."""
    here = dict.fromkeys(map(cluster.pod_of, nodes))
    there = dict.fromkeys(map(cluster.pod_of, cluster.names() if others == (EVERYONE,) else others))
    return tuple((a, b) for a, b in product(here, there) if b not in here)


def round_trips(
    between: Iterable[tuple[str, str]], links: Iterable[Link], cluster: Cluster
) -> frozenset[tuple[str, str]]:
    """Pairs (source, target) whose round trips go between two such pods, or on such a link."""
    both_ways = ((a, b) for pair in between for a, b in (pair, pair[::-1]))
    return frozenset((*both_ways, *(pods_of(link, cluster) for link in links)))


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
        else:
            yield from others_problems(self.others, cluster)
        for same in sorted(set(self.nodes) & set(self.others)):
            yield "from", f"names '{same}', which is also one of 'nodes': a node's own loopback is never touched"
        for link in self.links:
            yield from link_problems(links_key, link, cluster)
        if self.nodes and set(self.nodes) >= set(cluster.names()) and self.others == (EVERYONE,):
            yield "nodes", "names every node: nobody is left from whom packets could come"

    def ends(self, cluster: Cluster) -> tuple[End, ...]:
        """Where packets arrive that it is about, each once."""
        found: list[End] = []
        arriving, leaving = self.packets in ("in", "both"), self.packets in ("out", "both")
        for node, other in pairs(self.nodes, self.others, cluster):
            found += [End(node, other)] if arriving else []
            found += [End(other, node)] if leaving else []
        for link in map(cluster.resolve, self.links):
            source, target = pods_of(link, cluster)
            found += [End(source, target, link.port, "peer")] if arriving else []
            found += [End(target, source, link.port, "node")] if leaving else []
        return tuple(dict.fromkeys(found))

    def touches(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        """Pairs (source, target) whose round trips meet it."""
        return round_trips(pairs(self.nodes, self.others, cluster), self.links, cluster)

    def __str__(self) -> str:
        if self.links:
            return f"on {', '.join(map(str, self.links))}"
        ways = {
            "in": "from {others} to {nodes}",
            "out": "from {nodes} to {others}",
            "both": "between {nodes} and {others}",
        }
        return ways[self.packets].format(nodes=", ".join(self.nodes), others=", ".join(self.others))
