"""Processes that may not open any more files or sockets."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Sighting
from harness.faults.inside import Inside, gone
from harness.primitives import AnyPrimitive, Descriptors
from harness.recording.evidence import Evidence, InForce
from harness.words import COUNT, TEXT, word


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDescriptors(Inside):
    """Processes of ``nodes`` (called ``process``; all if left out) may have ``limit`` files and sockets open."""

    kind: ClassVar[str] = "file-descriptors"
    about: ClassVar[str] = "a node's processes run out of file descriptors (EMFILE)"
    works: ClassVar[str] = (
        "prlimit(2), from a container of ours in the node's process namespace and as the process's own user, "
        "lowers the soft limit of open files of every process that is there; each gets its own back at the end, "
        "and those that inherited ours their parents'."
    )
    bites: ClassVar[str] = (
        "6 to 16 ms after its instant, until the limits were set and read back; a process meets it with its next "
        "open, accept or socket."
    )
    witness: ClassVar[str] = (
        "In force: /proc says of no such process that it may open more than the limit. Exercised: one was seen "
        "with as many open as it may, on every node. Gone: the highest limit is what it was."
    )
    page: ClassVar[str] = (
        "What is open stays open, also beyond the limit: only the next open, accept or socket fails with EMFILE, "
        "which many servers answer by spinning on accept. A program may raise its own soft limit again (Go does "
        "at its start), and that is seen. Descriptor numbers count, not files: a hole below the limit can still "
        "be used."
    )
    replaces: ClassVar[str] = "ulimits in the compose file, which need a new container; prlimit by hand."
    limits: ClassVar[Mapping[str, str]] = {"limit": "from 1 to 1000000, and less than it is now"}
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "limit": "16", "process": "ollama"}

    limit: int = field(metadata=word("limit", COUNT, "how many files and sockets one process may have open"))
    process: str = field(default="", metadata=word("process", TEXT, "a process's name, or a part of its command line"))

    @property
    def via(self) -> str:
        return "prlimit(2)"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from self.unknown_nodes(cluster)
        if not 1 <= self.limit <= 1_000_000:
            yield "limit", f"is {self.limit}: write a number from 1 to 1000000"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(Descriptors(node, self.limit, self.process) for node in self.nodes)

    def describe(self) -> str:
        return f"{self.process or 'processes'} of {', '.join(self.nodes)} may open {self.limit} files"

    def undo(self) -> str:
        return "each process gets its old limit, and those that were started meanwhile their parents'"

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return self.alone("file descriptors")

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        limits, full = (self.read(evidence, name, "during") for name in ("limit_max", "at_limit"))
        counts = self.read(evidence, "open_files_max", "during")
        seen = [n for n in self.nodes if limits[n] and max(limits[n]) <= self.limit]
        hit = [n for n in self.nodes if any(full[n])]
        pairs = [(self.first(evidence, "limit_max", n), self.last(evidence, "limit_max", n)) for n in self.nodes]
        back = sum(before == after for before, after in pairs if after is not None)
        most = max((max(values) for values in counts.values() if values), default=0)
        held = f"the kernel has the limit on {len(seen)} of {len(self.nodes)}"
        words = f"{held}; at most {most:.0f} files open, as many as may be on {len(hit)}"
        ended = gone(back, sum(after is not None for _, after in pairs))
        return Sighting(len(seen) == len(self.nodes), len(hit) == len(self.nodes), f"{words}; {ended}")
