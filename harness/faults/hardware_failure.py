"""A host is gone with everything on it, and a new, empty one takes its place."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.cluster import CLIENT, Cluster, Link
from harness.faults.base import Sighting
from harness.faults.ending import Ending
from harness.faults.partition import Partition
from harness.primitives import AnyPrimitive, Discard
from harness.recording.evidence import Evidence, InForce


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareFailure(Ending):
    """Packets from and to ``nodes`` are dropped, then containers and volumes removed; after ``for`` new ones start."""

    kind: ClassVar[str] = "hardware-failure"
    about: ClassVar[str] = "a node falls silent and is lost with its disks; a new, empty one takes its place"
    works: ClassVar[str] = (
        "First rules of nftables drop everything from and to the node, as a partition does, so that nobody hears "
        "a closing connection; then the engine removes its container and its volumes. After 'for' compose makes "
        "a new, empty one of the same name and address."
    )
    bites: ClassVar[str] = (
        "Silence within 1 ms of its instant, as a partition (read back from the kernel); the removal follows "
        "within 0.1 to 0.3 s, by the engine's own word."
    )
    witness: ClassVar[str] = (
        "In force: echoes from and to the node stay without an answer, as with a partition, and the engine says "
        "that the container was destroyed. Exercised: the rules dropped packets of the system, or packets came "
        "for its port. Gone: echoes are answered again, and the engine says that a new container has started."
    )
    page: ClassVar[str] = (
        "Volumes that another node mounts stay, and so do directories of the host. All nodes of a pod fail "
        "together: they share the host. The load's own connections fall silent too. The new node starts while "
        "the silence ends."
    )
    replaces: ClassVar[str] = (
        "pulling the plug of a machine that has no second disk; docker rm -f -v and Pumba rm, which close "
        "connections as they go."
    )
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",)}
    down: ClassVar[str] = "destroy"
    hit: ClassVar[str] = "removed"
    back: ClassVar[str] = "replaced by a new one"

    @property
    def via(self) -> str:
        return "nftables, then the engine"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        cuts = self._silence(cluster).compile(cluster, proxied, seed)
        return (*cuts, *(Discard(name) for name in self._lost(cluster)))

    def _lost(self, cluster: Cluster) -> tuple[str, ...]:
        """The nodes named, and who shares a pod with them."""
        pods = {cluster.pod_of(name) for name in self.nodes}
        return tuple(name for name in cluster.names() if cluster.pod_of(name) in pods)

    def _silence(self, cluster: Cluster) -> Partition:
        lost = self._lost(cluster)
        others = (*(name for name in cluster.names() if name not in lost), CLIENT)
        return Partition(name=self.name, at_s=self.at_s, for_s=self.for_s, nodes=lost, others=others)

    def describe(self) -> str:
        return f"{', '.join(self.nodes)} lost with all they had"

    def undo(self) -> str:
        return "the rules' sets are emptied, and compose starts a new container with new volumes in its place"

    def stops(self, cluster: Cluster) -> frozenset[str]:
        return frozenset(self._lost(cluster))

    def touches(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return self._silence(cluster).touches(cluster)

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        silent = self._silence(cluster).sighting(evidence, cluster, in_force)
        gone = Ending.sighting(self, evidence, cluster, in_force)
        words = f"{gone.witness}; {silent.witness}"
        return Sighting(silent.seen and gone.seen, silent.exercised or gone.exercised, words)
