"""A host is gone with everything on it, and a new, empty one takes its place."""

from collections.abc import Collection
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
    page: ClassVar[str] = (
        "First silence, for everybody and the load too, so that nobody hears a closing connection; the removal follows "
        "within 0.1 to 0.3 s. Volumes that another node mounts stay, and so do directories of the host. All nodes of "
        "a pod fail together: they share the host. The new node has the name and the address of the old one; it starts "
        "while the silence ends. Replaces: pulling the plug of a machine that has no second disk."
    )
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
