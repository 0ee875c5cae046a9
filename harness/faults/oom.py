"""The kernel runs out of memory inside a node's limit and kills one of its processes."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Sighting
from harness.faults.inside import Inside
from harness.primitives import AnyPrimitive, Hog, Revive
from harness.recording.evidence import Evidence, InForce


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfMemory(Inside):
    """All that is left under the memory limit of ``nodes`` is taken until the kernel kills one process; then let go."""

    kind: ClassVar[str] = "oom"
    about: ClassVar[str] = "the kernel's OOM killer ends the largest process of a node"
    works: ClassVar[str] = (
        "A small process of ours in the node's control group takes, as a file in memory that no process maps, "
        "all that is left under the node's memory limit, until the kernel's OOM killer acts; then it lets go."
    )
    bites: ClassVar[str] = "About 0.1 s per 100 MB left under the limit, until the kernel had killed."
    witness: ClassVar[str] = (
        "In force: the kernel's count of OOM kills in the node's control group has grown. Exercised: packets "
        "came for the node meanwhile. Gone: the memory is let go with the kill."
    )
    page: ClassVar[str] = (
        "Needs a memory limit on the node ('mem_limit'), which must be less than half of what the host has left: "
        "the host's own memory is never at stake, and a node without a limit is refused. The kernel chooses (the "
        "largest process, by its oom_score), once; then the memory is free again, so 'for' says only how long it "
        "is watched. When it chooses the node's first process the container ends, and our process "
        "with it, so that nobody is left to count the kill: the node is started again and the run is "
        "inconclusive. A worker that was killed is not started by us. A node whose processes are all smaller than "
        "about 2 MB survives: the kernel takes ours. State.OOMKilled of the engine stays false when only a child died; "
        "the kernel's counter does not."
    )
    replaces: ClassVar[str] = "stress-ng --vm beyond the limit, Chaos Mesh's StressChaos beyond the limit."
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",)}

    @property
    def via(self) -> str:
        return "the kernel's OOM killer"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from self.unknown_nodes(cluster)

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(made for node in self.nodes for made in (Revive(node), Hog(node, "oom")))

    def describe(self) -> str:
        return f"{', '.join(self.nodes)} out of memory"

    def undo(self) -> str:
        return "the memory is let go as soon as the kernel has killed; a node that ended of it is started again"

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return self.alone("memory")

    def shakes(self, cluster: Cluster) -> frozenset[str]:
        return frozenset(map(cluster.pod_of, self.nodes))

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        came, met = self.arrivals(evidence, cluster, in_force)
        kills = self.read(evidence, "oom_kills", "during")
        first = {n: self.first(evidence, "oom_kills", n) for n in self.nodes}
        killed = {n: max(kills[n]) - before for n in self.nodes if kills[n] and (before := first[n]) is not None}
        seen = [n for n, count in killed.items() if count > 0]
        words = f"the kernel counts {sum(map(int, killed.values()))} OOM kills on {len(seen)} of {len(self.nodes)}"
        ended = [n for n in self.nodes if "die" in (e.action for e in evidence.container_changes(n, in_force.window))]
        words += f"; {', '.join(ended)} ended of it, and our process there too" if ended else ""
        gone = "the memory is let go with the kill" if seen else "not seen"
        return Sighting(len(seen) == len(self.nodes), came, f"{words}; {met}; gone: {gone}")
