"""A disk that reads and writes slowly."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness import units
from harness.cluster import Cluster, Link
from harness.faults.base import Sighting
from harness.faults.inside import PATH, Inside, gone
from harness.primitives import AnyPrimitive, Throttle
from harness.recording.evidence import Evidence, InForce
from harness.words import Reader, word

_RATE = re.compile(rf"({units.SIZE.pattern})/s", re.ASCII)
_SLOW = 0.5  # of the time that the bound itself explains


def bytes_per_s(text: str) -> int:
    """``1MB/s`` -> 1000000."""
    if found := _RATE.fullmatch(text):
        return units.size_bytes(found[1])
    raise ValueError(f"is '{text}': write a size a second, such as 1MB/s")


BYTES_PER_S = Reader("size a second", "1MB/s", bytes_per_s, pattern=_RATE.pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowDisk(Inside):
    """What ``nodes`` read from and write to the disk under ``path`` goes at most at ``rate``, each way."""

    kind: ClassVar[str] = "slow-disk"
    about: ClassVar[str] = "a node's disk reads and writes slowly"
    works: ClassVar[str] = (
        "A container of ours writes the bound into the node's control group (blkio.throttle on version 1, io.max "
        "on version 2), for the whole disk under the path; the bound that was there is put back."
    )
    bites: ClassVar[str] = (
        "With the next read or write that goes to the disk, once the bound is written; how long that takes was "
        "not measured apart. About 0.1 s worth of the rate passes at once after a pause."
    )
    witness: ClassVar[str] = (
        "In force: a direct write of 0.3 s worth of the rate, made every 4 s from inside the node's group, takes "
        "at least half of the time that the bound explains, and did not before. Exercised: packets came for the "
        "node meanwhile (whether it used the disk is not known). Gone: such a write takes less than half as "
        "long."
    )
    page: ClassVar[str] = (
        "Other paths on the same disk are bound too. With control groups of version 1 only direct and synced "
        "writes (O_DIRECT, O_SYNC, fsync) and reads that miss the page cache are slow; a plain write returns at "
        "once. Refused where there is no disk of its own (tmpfs, overlay, btrfs). The witness's writes take "
        "their share of the rate."
    )
    replaces: ClassVar[str] = (
        "docker run --device-write-bps, which cannot be changed later; Chaos Mesh's IOChaos (latency)."
    )
    limits: ClassVar[Mapping[str, str]] = {
        "rate": "from 10kB/s to 100MB/s",
        "path": "in a volume that the compose file declares",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "path": "/data", "rate": "1MB/s"}

    path: str = field(metadata=word("path", PATH, "where the volume is mounted, or below"))
    bytes_per_s: int = field(metadata=word("rate", BYTES_PER_S, "the most it reads, and writes, in a second"))

    @property
    def via(self) -> str:
        return "the kernel's disk throttle"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from self.unknown_nodes(cluster)
        yield from self.volume(self.path, cluster)
        if not 10_000 <= self.bytes_per_s <= 100_000_000:
            yield "rate", f"is {self.bytes_per_s:,} bytes a second: write one from 10kB/s to 100MB/s"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(Throttle(node, self.path, self.bytes_per_s) for node in self.nodes)

    def describe(self) -> str:
        return f"disk under {self.path} of {', '.join(self.nodes)} at {self.bytes_per_s / 1e6:g} MB/s"

    def undo(self) -> str:
        return "the bound that was there before is set"

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return self.alone("disk")

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        came, met = self.arrivals(evidence, cluster, in_force)
        times, sizes = (self.read(evidence, name, "during") for name in ("write_s", "write_bytes"))
        slow: list[str] = []
        for node in self.nodes:
            least_s = _SLOW * max(sizes[node], default=0.0) / self.bytes_per_s
            before = self.first(evidence, "write_s", node)
            if times[node] and before is not None and before < least_s <= min(times[node]):
                slow.append(node)
        after = [v for n in self.nodes if (v := self.last(evidence, "write_s", n)) is not None]
        longest_s = max((max(values) for values in times.values() if values), default=0.0)
        back = sum(value < longest_s / 2 for value in after)
        words = f"a direct write of ours took {longest_s * 1000:,.0f} ms on {len(slow)} of {len(self.nodes)}"
        return Sighting(len(slow) == len(self.nodes), came, f"{words}; {met}; {gone(back, len(after))}")
