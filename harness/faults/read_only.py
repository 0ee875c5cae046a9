"""A volume that takes no writes any more."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Sighting
from harness.faults.inside import PATH, Inside, gone
from harness.primitives import AnyPrimitive
from harness.primitives import ReadOnly as RemountReadOnly
from harness.recording.evidence import Evidence, InForce
from harness.words import word


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOnly(Inside):
    """The volume that is mounted at ``path`` in ``nodes`` becomes read-only there."""

    kind: ClassVar[str] = "read-only"
    about: ClassVar[str] = "a node's volume takes no writes (EROFS), as after an error of its file system"
    works: ClassVar[str] = (
        "A container of ours goes into the node's mount namespace and remounts the volume read-only, as the "
        "kernel does after an error of a file system; at the end with the flags it had."
    )
    bites: ClassVar[str] = "12 ms after its instant, until the mount's flags were read back."
    witness: ClassVar[str] = (
        "In force: a process of ours among the node's mounts is refused when it wants to write there (EROFS), at "
        "every look, and was not before. Exercised: packets came for the node meanwhile (whether it wrote is not "
        "known). Gone: the same process may write."
    )
    page: ClassVar[str] = (
        "Only this mount in this node: others who have the volume go on writing. The kernel refuses while a file "
        "there is open for writing, and so do we, by its name: a database with an open log is better served by "
        "disk-error with error EROFS. So files that are open stay readable, and nothing is lost. On hosts with "
        "AppArmor a profile is needed that lets our container mount (not tried). A mount that outlives our "
        "killed container is writable again when the node restarts."
    )
    replaces: ClassVar[str] = "mount -o remount,ro in a privileged shell."
    limits: ClassVar[Mapping[str, str]] = {"path": "where a declared volume is mounted, no folder below"}
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "path": "/data"}

    path: str = field(metadata=word("path", PATH, "where the volume is mounted"))

    @property
    def via(self) -> str:
        return "a remount in the node's mount namespace"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from self.unknown_nodes(cluster)
        yield from self.volume(self.path, cluster)
        for node in (cluster.node(name) for name in self.nodes if name in cluster.names()):
            above = [volume for volume in node.volumes if self.path.startswith(f"{volume.rstrip('/')}/")]
            if above and self.path not in node.volumes:
                yield "path", f"is '{self.path}', inside a volume: write where it is mounted, {above[0]}"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(RemountReadOnly(node, self.path) for node in self.nodes)

    def describe(self) -> str:
        return f"{self.path} of {', '.join(self.nodes)} read-only"

    def undo(self) -> str:
        return "the mount is made writable, with the flags it had"

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return self.alone(f"mount {self.path}")

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        came, met = self.arrivals(evidence, cluster, in_force)
        during = self.read(evidence, "erofs", "during")
        seen = [n for n in self.nodes if during[n] and all(during[n]) and self.first(evidence, "erofs", n) == 0]
        after = [v for n in self.nodes if (v := self.last(evidence, "writable", n)) is not None]
        refused = sum(sum(map(bool, values)) for values in during.values())
        words = f"{refused} of {sum(map(len, during.values()))} writes of ours among the node's mounts met EROFS"
        return Sighting(
            len(seen) == len(self.nodes), came, f"{words}; {met}; {gone(sum(map(bool, after)), len(after))}"
        )
