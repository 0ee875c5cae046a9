"""A node that runs out of local ports to open connections from."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Sighting
from harness.faults.inside import Inside, gone
from harness.primitives import AnyPrimitive, Ephemeral
from harness.recording.evidence import Evidence, InForce
from harness.words import COUNT, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports(Inside):
    """The pods of ``nodes`` open connections from ``count`` local ports only, from ``from`` on."""

    kind: ClassVar[str] = "ports"
    about: ClassVar[str] = "a node runs out of local ports for its own connections (EADDRNOTAVAIL)"
    works: ClassVar[str] = (
        "A container of ours narrows the kernel's range of local ports (net.ipv4.ip_local_port_range) of the "
        "pod's whole network namespace, IPv4 and IPv6, and sets the old one at the end."
    )
    bites: ClassVar[str] = (
        "1 ms after its instant, until the setting was read back; the pod meets it with its next outgoing connection."
    )
    witness: ClassVar[str] = (
        "In force: sockets of ours in that namespace get ports of the range only, or none. Exercised: "
        "connections of the pod used ports of the range. Gone: a socket of ours gets another port."
    )
    page: ClassVar[str] = (
        "Connections that are open stay, whatever port they have; closed ones hold a port for 60 s (TIME_WAIT). "
        "A port is free once for each destination, so a client of several servers has that many times the count. "
        "A program that binds to a port of its own choice is not hit. Our probes of this pod open connections "
        "too, and may fail: it is no negative control."
    )
    replaces: ClassVar[str] = "a sysctl in the compose file, which needs a new container."
    limits: ClassVar[Mapping[str, str]] = {
        "count": "at least 1, and no more than there are from 'from' on",
        "from": "from 1024 to 65535",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("gateway",), "count": "8"}

    count: int = field(metadata=word("count", COUNT, "how many local ports there are"))
    low: int = field(default=40000, metadata=word("from", COUNT, "the first of them"))

    @property
    def via(self) -> str:
        return "net.ipv4.ip_local_port_range"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from self.unknown_nodes(cluster)
        if not 1024 <= self.low <= 65535:
            yield "from", f"is {self.low}: write a port from 1024 to 65535"
        elif not 1 <= self.count <= 65536 - self.low:
            yield (
                "count",
                f"is {self.count}: write a number from 1 to {65536 - self.low}, all that there are from {self.low}",
            )

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(Ephemeral(node, self.low, self.count) for node in self._one_of_each_pod(cluster))

    def describe(self) -> str:
        return f"{', '.join(self.nodes)} with local ports {self.low} to {self.low + self.count - 1}"

    def undo(self) -> str:
        return "the old range is set"

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return frozenset(("local ports", cluster.pod_of(node)) for node in self.nodes) | self.alone("local ports")

    def shakes(self, cluster: Cluster) -> frozenset[str]:
        return frozenset(map(cluster.pod_of, self.nodes))

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        nodes = self._one_of_each_pod(cluster)
        ports, used = (self.read(evidence, name, "during") for name in ("local_port", "used_ports"))
        inside = range(self.low, self.low + self.count)
        seen = [n for n in nodes if ports[n] and all(not port or int(port) in inside for port in ports[n])]
        known = [n for n in seen if any(ports[n]) or max(used[n], default=0) >= self.count]
        met = [n for n in nodes if any(used[n])]
        after = [v for n in nodes if (v := self.last(evidence, "local_port", n)) is not None]
        most = max((max(values) for values in used.values() if values), default=0)
        got = f"sockets of ours got ports of the range only on {len(known)} of {len(nodes)}"
        words = f"{got}; {most:.0f} of {self.count} used"
        ended = gone(sum(int(port) not in inside for port in after), len(after))
        return Sighting(len(known) == len(nodes), len(met) == len(nodes), f"{words}; {ended}")

    def _one_of_each_pod(self, cluster: Cluster) -> tuple[str, ...]:
        """Of nodes that share a pod, the first: there is one range."""
        return tuple({cluster.pod_of(node): node for node in reversed(self.nodes)}.values())[::-1]
