"""A node that has too little memory: by a limit, or because something beside it takes it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Sighting
from harness.faults.inside import Inside, gone
from harness.primitives import AnyPrimitive, Bound, Hog
from harness.recording.evidence import Evidence, InForce
from harness.words import SIZE, choice, word

_LEAST_BYTES = 1 << 20
_MOST_BYTES = 1 << 40
_CLOSE = 0.9  # of what was asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(Inside):
    """``how: limit``: ``nodes`` may hold ``size``; ``how: hog``: a process in their control group takes ``size``."""

    kind: ClassVar[str] = "memory"
    about: ClassVar[str] = "a node gets too little memory: by a limit, or by a process that takes it"
    works: ClassVar[str] = (
        "how: limit: the engine lowers the container's memory limit (and gives it no swap), and sets the old one "
        "at the end. how: hog: a process of ours in the node's control group holds anonymous memory."
    )
    bites: ClassVar[str] = (
        "limit: 24 ms after the engine was asked, until it had set it. hog: 2 ms a MB on a busy machine, until "
        "all of it was held."
    )
    witness: ClassVar[str] = (
        "In force: with a limit the kernel's control group has it at every look; with a hog the group's "
        "anonymous memory has grown by 90% of the size or more. Exercised: packets came for the node meanwhile "
        "(that it missed the memory is not known). Gone: the group's limit, or what it holds, afterwards."
    )
    page: ClassVar[str] = (
        "Control groups of version 1 refuse a limit below what is used, version 2 kills at once. The kernel "
        "would kill the hog before any of the node's processes: so the node is squeezed, not killed (for that "
        "there is oom). Refused: a hog of more than is left under the node's limit, or more than half of what "
        "the host has left. A node without a limit does not notice a hog. Memory that files take is given back "
        "by the kernel first, so a node that reads files becomes slow, not one that computes."
    )
    replaces: ClassVar[str] = (
        "stress-ng --vm, docker update -m, Pumba stress, Chaos Mesh's StressChaos, ChaosBlade's mem load."
    )
    limits: ClassVar[Mapping[str, str]] = {"size": "from 1MiB to 1024GiB"}
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "how": "limit", "size": "64MiB"}

    manner: str = field(default="limit", metadata=word("how", choice("limit", "hog"), "by a limit, or by a process"))
    size_bytes: int = field(metadata=word("size", SIZE, "limit: what it may hold; hog: what is taken"))

    @property
    def via(self) -> str:
        return "the engine" if self.manner == "limit" else "a process in the node's control group"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from self.unknown_nodes(cluster)
        if not _LEAST_BYTES <= self.size_bytes <= _MOST_BYTES:
            yield "size", f"is {self.size_bytes:,} bytes: write one from 1MiB to 1024GiB"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        if self.manner == "limit":
            return tuple(Bound(node, memory_bytes=self.size_bytes) for node in self.nodes)
        return tuple(Hog(node, "memory", size_bytes=self.size_bytes) for node in self.nodes)

    def describe(self) -> str:
        what = (
            f"limited to {self.size_bytes / 1e6:g} MB"
            if self.manner == "limit"
            else f"left {self.size_bytes / 1e6:g} MB short"
        )
        return f"{', '.join(self.nodes)} {what}"

    def undo(self) -> str:
        return "the old limit is set" if self.manner == "limit" else "the process that holds the memory ends"

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return self.alone("memory")

    def shakes(self, cluster: Cluster) -> frozenset[str]:
        return frozenset(map(cluster.pod_of, self.nodes))

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        came, met = self.arrivals(evidence, cluster, in_force)
        if self.manner == "limit":
            limits = self.read(evidence, "memory_limit_bytes", "during")
            seen = [n for n in self.nodes if limits[n] and all(0 < v <= self.size_bytes for v in limits[n])]
            after = [v for n in self.nodes if (v := self.last(evidence, "memory_limit_bytes", n)) is not None]
            back = sum(not 0 < value <= self.size_bytes for value in after)
            words = f"the kernel has the limit on {len(seen)} of {len(self.nodes)}"
        else:
            held = {n: self._taken(evidence, n) for n in self.nodes}
            seen = [n for n in self.nodes if held[n] >= _CLOSE * self.size_bytes]
            after = [v for n in self.nodes if (v := self._returned(evidence, n)) is not None]
            back = sum(value <= (1 - _CLOSE) * self.size_bytes for value in after)
            words = f"the node's group holds {min(held.values(), default=0) / 1e6:,.0f} MB more at the least"
        return Sighting(len(seen) == len(self.nodes), came, f"{words}; {met}; {gone(back, len(after))}")

    def _taken(self, evidence: Evidence, node: str) -> float:
        before = self.first(evidence, "anonymous_bytes", node)
        during = self.read(evidence, "anonymous_bytes", "during")[node]
        return min(during) - before if before is not None and during else 0.0

    def _returned(self, evidence: Evidence, node: str) -> float | None:
        """What of it the group still holds afterwards, measured from the last look in force."""
        during, after = (
            self.read(evidence, "anonymous_bytes", "during")[node],
            self.last(evidence, "anonymous_bytes", node),
        )
        return None if after is None or not during else self.size_bytes - (during[-1] - after)
