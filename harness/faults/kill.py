"""A node's process ends at once and stays away until the schedule starts it again."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Fault, Sighting, node_problems
from harness.primitives import AnyPrimitive
from harness.primitives import Kill as KillNode
from harness.recording.evidence import Evidence, InForce, Window
from harness.words import NODE, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill(Fault):
    """SIGKILL to every process of ``nodes``; after ``for`` the schedule starts them again."""

    kind: ClassVar[str] = "kill"
    about: ClassVar[str] = "a node's processes get SIGKILL and stay down until the schedule starts them"
    page: ClassVar[str] = (
        "A process crash on a living host: the name still resolves and the port refuses at once. An engine suppresses "
        "restart policies after a kill, so the node stays down whatever its policy says. Memory is lost, disks stay."
    )

    nodes: tuple[str, ...] = field(metadata=word("nodes", NODE, "who is killed", many=True))

    @property
    def via(self) -> str:
        return "the engine"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        if not self.nodes:
            yield "nodes", "is empty: name at least one node"
        yield from node_problems("nodes", self.nodes, cluster)

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(KillNode(name) for name in self.nodes)

    def describe(self) -> str:
        return f"{', '.join(self.nodes)} killed (SIGKILL)"

    def undo(self) -> str:
        return "the schedule starts the container again (a restart policy would not: the engine suppresses it)"

    def stops(self, cluster: Cluster) -> frozenset[str]:
        return frozenset(self.nodes)

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        around = Window(in_force.window.start_ns - 2_000_000_000, in_force.window.end_ns)
        later = Window(in_force.window.start_ns, in_force.window.end_ns + 5_000_000_000)
        died = [n for n in self.nodes if any(e.action == "die" for e in evidence.container_changes(n, around))]
        back = [n for n in self.nodes if any(e.action == "start" for e in evidence.container_changes(n, later))]
        until_ns = in_force.window.end_ns - round(in_force.end_error_s * 1e9)
        dead = Window(in_force.window.start_ns, until_ns)
        early = [n for n in self.nodes if any(e.action == "start" for e in evidence.container_changes(n, dead))]
        met = sum(evidence.arrivals(cluster.pod_of(node), in_force.window) for node in self.nodes)
        words = (
            f"{len(died)} of {len(self.nodes)} died; {met:,} packets came for a dead port; {len(back)} started again"
        )
        words += f"; {', '.join(early)} came back before it was told to" if early else ""
        return Sighting(len(died) == len(self.nodes) and not early, met > 0, words)
