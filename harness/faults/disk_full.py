"""A volume with no space left."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Sighting
from harness.faults.inside import PATH, Inside, gone
from harness.primitives import AnyPrimitive, Fill
from harness.recording.evidence import Evidence, InForce
from harness.words import SIZE, word


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFull(Inside):
    """The volume at ``path`` in ``nodes`` is filled; ``leave`` stays free."""

    kind: ClassVar[str] = "disk-full"
    about: ClassVar[str] = "a node's volume has no space left"
    works: ClassVar[str] = (
        "A container of ours that has the node's volumes fills the volume by a file without a name, which is "
        "gone as soon as its process is."
    )
    bites: ClassVar[str] = "10 to 20 ms after its instant, until it was full."
    witness: ClassVar[str] = (
        "In force: a file of our own may not grow by what was left and a page more (ENOSPC), at every look, and "
        "could before. Exercised: packets came for the node meanwhile (whether it wrote is not known). Gone: "
        "such a file may grow again."
    )
    page: ClassVar[str] = (
        "Only a volume with a size of its own, 2 GB at most, such as a tmpfs (driver local, driver_opts: type "
        "tmpfs, device tmpfs, o: size=64m); the host's disk is never filled, and is refused. Filled once: what "
        "the node deletes meanwhile it may use again, and growing within a file's last block still works. Inodes "
        "are not used up. A tmpfs takes the host's memory, never more than half of what is left. All that have "
        "this volume get ENOSPC, not only the node that is named."
    )
    replaces: ClassVar[str] = "fallocate in a node's shell, Chaos Mesh's disk fill (on hosts), ChaosBlade's disk fill."
    limits: ClassVar[Mapping[str, str]] = {
        "leave": "from 0B to 1GiB",
        "path": "in a volume that the compose file declares",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "path": "/data", "leave": "4kB"}

    path: str = field(metadata=word("path", PATH, "where the volume is mounted, or below"))
    leave_bytes: int = field(default=0, metadata=word("leave", SIZE, "how much stays free"))

    @property
    def via(self) -> str:
        return "a file without a name"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from self.unknown_nodes(cluster)
        yield from self.volume(self.path, cluster)
        if self.leave_bytes > 1 << 30:
            yield "leave", f"is {self.leave_bytes:,} bytes: write at most 1GiB"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(Fill(node, self.path, self.leave_bytes) for node in self.nodes)

    def describe(self) -> str:
        left = f" but for {self.leave_bytes / 1e3:g} kB" if self.leave_bytes else ""
        return f"{self.path} of {', '.join(self.nodes)} full{left}"

    def undo(self) -> str:
        return "the file's process ends, and with it the file"

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return self.alone(f"space under {self.path}")

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        came, met = self.arrivals(evidence, cluster, in_force)
        during = self.read(evidence, "enospc", "during")
        seen = [n for n in self.nodes if during[n] and all(during[n]) and self.first(evidence, "enospc", n) == 0]
        refused = sum(sum(map(bool, values)) for values in during.values())
        after = [v for n in self.nodes if (v := self.last(evidence, "enospc", n)) is not None]
        words = f"{refused} of {sum(map(len, during.values()))} writes of ours met ENOSPC"
        ended = gone(sum(value == 0 for value in after), len(after))
        return Sighting(len(seen) == len(self.nodes), came, f"{words}; {met}; {ended}")
