"""Bits of a file that are not what was written."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Sighting
from harness.faults.inside import PATH, Inside, gone
from harness.primitives import AnyPrimitive, Flip
from harness.recording.evidence import Evidence, InForce
from harness.seeds import sub_seed
from harness.words import COUNT, word

_BITS_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BitFlip(Inside):
    """``bits`` bits of the largest file of ``nodes`` that ``path`` matches are flipped, where the seed says."""

    kind: ClassVar[str] = "bit-flip"
    about: ClassVar[str] = "bits of a file in a node's volume are flipped, as on a disk that rots"
    works: ClassVar[str] = (
        "A container of ours that has the node's volumes flips the bits in place, in the page cache and on disk; "
        "the seed and the file's size say which. Of several files that match the largest is taken."
    )
    bites: ClassVar[str] = (
        "1 ms after its instant, until it was written and synced. A program that has read the file into its own "
        "memory does not see it until it reads again."
    )
    witness: ClassVar[str] = (
        "In force: a reader of ours finds the bytes as they were left, at the first look. Exercised: packets "
        "came for the node meanwhile, not that the bytes were read. Gone: none of them is as we left it."
    )
    page: ClassVar[str] = (
        "Done once. A bit is flipped back at the end only where the byte is still what we left: what the node "
        "wrote over stays, and a corruption that it has copied elsewhere (compaction, replication) stays too, "
        "which is the point. The file's modification time moves. Everyone who has the volume reads it."
    )
    replaces: ClassVar[str] = "dd with conv=notrunc, Chaos Mesh's IOChaos (mistake)."
    limits: ClassVar[Mapping[str, str]] = {
        "bits": "from 1 to 10000",
        "path": "a file, or a pattern, in a volume that the compose file declares",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "path": "/data/*.db", "bits": "4"}

    path: str = field(metadata=word("path", PATH, "a file in a volume, or a pattern such as /data/*.db"))
    bits: int = field(default=1, metadata=word("bits", COUNT, "how many bits"))

    @property
    def via(self) -> str:
        return "a write to the volume"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from self.unknown_nodes(cluster)
        yield from self.volume(self.path, cluster)
        if not 1 <= self.bits <= _BITS_MAX:
            yield "bits", f"is {self.bits}: write a number from 1 to {_BITS_MAX}"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(Flip(node, self.path, self.bits, sub_seed(seed, node)) for node in self.nodes)

    def describe(self) -> str:
        return f"{self.bits} bit{'s' if self.bits > 1 else ''} of {self.path} of {', '.join(self.nodes)} flipped"

    def undo(self) -> str:
        return "bits that nobody has written since are flipped back"

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return self.alone(f"bits of {self.path}")

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        came, met = self.arrivals(evidence, cluster, in_force)
        during = self.read(evidence, "flipped_bytes", "during")
        # The first look says that it was done; a later one may find that the node has written there.
        seen = [n for n in self.nodes if during[n] and during[n][0] > 0]
        kept = sum(min(values) for values in during.values() if values)
        after = [v for n in self.nodes if (v := self.last(evidence, "flipped_bytes", n)) is not None]
        first = sum(values[0] for values in during.values() if values)
        words = f"{first:.0f} bytes read back as flipped, {kept:.0f} at every look"
        return Sighting(
            len(seen) == len(self.nodes), came, f"{words}; {met}; {gone(sum(v == 0 for v in after), len(after))}"
        )
