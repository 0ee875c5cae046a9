"""A node that takes only so many connections: the next one is refused."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Fault, Sighting, some_nodes
from harness.primitives import AnyPrimitive, Limit
from harness.recording.evidence import Evidence, InForce
from harness.words import COUNT, NODE, word

_MOST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimit(Fault):
    """Each of ``nodes`` has at most ``connections`` TCP connections at a time on ``port``; others are reset."""

    kind: ClassVar[str] = "connection-limit"
    about: ClassVar[str] = "a node takes so many connections at a time and refuses the next"
    works: ClassVar[str] = (
        "A rule of nftables in the node's pod counts the connections to the port (ct count) and answers the SYN "
        "of one too many with a reset."
    )
    bites: ClassVar[str] = (
        "With the next SYN after its instant, for firing fills a set, as for a partition (median 0.9 ms over 200 "
        "cuts of 'make bench', read back from the kernel); not measured apart for this kind."
    )
    witness: ClassVar[str] = (
        "In force: the kernel's list of sockets never shows more established connections on the port than the "
        "limit (and those that were open before), and connections were refused on every node. Exercised: the "
        "same refusals, counted by the rule: without one there is nothing to see either. Gone: the set that "
        "names the port is read back as empty; nobody tries the port."
    )
    page: ClassVar[str] = (
        "The program never hears of a connection that is refused, as if nothing listened. No connection is "
        "ended. The total counts, from everyone outside the pod, health checks too. Connections that were open 3 "
        "s before it began are not counted by newer kernels (6.18): keep-alive clients that stay connected never "
        "meet it, so use fresh connections, or a limit below what the load opens."
    )
    replaces: ClassVar[str] = "iptables connlimit, and lowering a server's own maximum, which needs a restart."
    limits: ClassVar[Mapping[str, str]] = {
        "connections": "from 1 to 1000000",
        "port": "one that the node serves",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("gateway",), "connections": "4"}

    nodes: tuple[str, ...] = field(metadata=word("nodes", NODE, "who takes no more", many=True))
    connections: int = field(metadata=word("connections", COUNT, "how many at a time"))
    port: int | None = field(default=None, metadata=word("port", COUNT, "on which port; else the node's first"))

    @property
    def via(self) -> str:
        return "nftables (ct count)"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from some_nodes(self.nodes, cluster)
        if not 1 <= self.connections <= _MOST:
            yield "connections", f"is {self.connections}: write one from 1 to {_MOST:,}; for none, use a partition"
        if self.port is not None and not 0 < self.port < 65536:
            yield "port", f"is {self.port}: a port is a number from 1 to 65535"
        for node in (cluster.node(name) for name in self.nodes if cluster.has(name)):
            known = node.open_ports()
            if self.port is None and not node.ports:
                yield "nodes", f"names '{node.name}', which declares no port: write 'port: PORT'"
            elif self.port is not None and known and self.port not in known:
                yield "port", f"is {self.port}: {node.name} serves no such port (it has {', '.join(map(str, known))})"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(Limit(name, self._port(name, cluster), self.connections) for name in self.nodes)

    def _port(self, name: str, cluster: Cluster) -> int:
        if self.port is not None:
            return self.port
        return cluster.node(name).ports[0]

    def describe(self) -> str:
        port = f" on port {self.port}" if self.port else ""
        return f"{', '.join(self.nodes)} takes at most {self.connections} connections at a time{port}"

    def undo(self) -> str:
        return "the set of limited ports is emptied; the kernel forgets its elements by itself 2 s later"

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        refused = {event.node: event.packets for event in evidence.healed(self.name)}
        open_before = _most(evidence, self.name, "before")
        open_during = _most(evidence, self.name, "during")
        pods = {cluster.pod_of(name) for name in self.nodes}
        if not pods <= open_during.keys():
            return Sighting(False, any(refused.values()), "nobody read how many connections there were meanwhile")
        # Those that were open before it was armed are not counted against it (see the page).
        held = all(open_during[pod] <= self.connections + open_before.get(pod, 0) for pod in pods)
        bit = all(refused.get(pod, 0) > 0 for pod in pods)
        words = f"{sum(refused.values()):,} connections refused; at most {max(open_during.values()):g} open at a look"
        words += f" (before it {max(open_before.values(), default=0.0):g}, which nobody ends)"
        return Sighting(held and bit, any(refused.values()), words)


def _most(evidence: Evidence, fault: str, when: str) -> dict[str, float]:
    """node -> the most established connections that were read."""
    found: dict[str, float] = {}
    for read in evidence.readings(fault, "established", "before" if when == "before" else "during"):
        found[read.node] = max(read.value, found.get(read.node, 0.0))
    return found
