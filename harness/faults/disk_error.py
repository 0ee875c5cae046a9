"""A disk whose operations fail, wait, or lie about having been done."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Sighting
from harness.faults.inside import PATH, Inside, gone
from harness.primitives import AnyPrimitive, Syscalls
from harness.recording.evidence import Evidence, InForce
from harness.words import COUNT, DURATION, choice, word

CALLS: Mapping[str, tuple[str, ...]] = {
    "read": ("read", "pread64", "readv", "preadv", "preadv2"),
    "write": ("write", "pwrite64", "writev", "pwritev", "pwritev2"),
    "sync": ("fsync", "fdatasync", "sync_file_range"),
    "open": ("open", "openat", "openat2", "creat"),
    "resize": ("truncate", "ftruncate", "fallocate"),
}
_ERRORS = ("EIO", "ENOSPC", "EROFS", "EDQUOT", "EACCES", "ENOMEM")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskError(Inside):
    """``calls`` of the processes of ``nodes`` on ``path`` fail with ``error``, come ``delay`` later, or lie."""

    kind: ClassVar[str] = "disk-error"
    about: ClassVar[str] = "a node's file operations fail, wait, or say yes and do nothing"
    works: ClassVar[str] = (
        "strace, in a container of ours, traces the node's processes and answers system calls on these files in "
        "the kernel's place (inject)."
    )
    bites: ClassVar[str] = "30 to 60 ms after its instant, until every process was traced."
    witness: ClassVar[str] = (
        "In force: the kernel says that each process of the node is traced. Exercised: calls that were injected, "
        "by strace's own count, for nobody else can see it. Gone: the kernel says that no process is traced any "
        "more."
    )
    page: ClassVar[str] = (
        "Every system call of the node's processes is some 20 to 100 us slower while it lasts, also those that "
        "are left alone: a fault for minutes, not for benchmarks. path is a file, or a directory with at most "
        "200 files: those that are there when it fires; one that is made later, under another name, is not met. "
        "Not met either: memory-mapped files, io_uring, processes that docker exec starts meanwhile (children "
        "are). A failed write wrote nothing, and a lying sync (how: lie) leaves the data in the page cache, "
        "where it is safe as long as the host lives: it shows who checks, not what is lost. every counts each "
        "thread's own calls. A process that is traced already, by a debugger, is refused, and so is clock-skew "
        "at the same time."
    )
    replaces: ClassVar[str] = (
        "a FUSE pass-through declared in advance (as Chaos Mesh's IOChaos and CharybdeFS are), strace by hand."
    )
    limits: ClassVar[Mapping[str, str]] = {
        "delay": "from 1ms to 30s, only with how: delay",
        "every": "from 1 to 65535",
        "error": "only with how: error",
        "calls": "with how: lie only sync",
        "path": "in a volume that the compose file declares",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {
        "nodes": ("n1",),
        "path": "/data",
        "calls": ("sync",),
        "how": "error",
        "error": "EIO",
    }

    path: str = field(metadata=word("path", PATH, "a file, or a directory of at most 200, in a volume"))
    calls: tuple[str, ...] = field(
        default=("write", "sync"), metadata=word("calls", choice(*CALLS), "which operations", many=True)
    )
    manner: str = field(
        default="error", metadata=word("how", choice("error", "delay", "lie"), "they fail, wait, or lie (sync only)")
    )
    error: str | None = field(
        default=None, metadata=word("error", choice(*_ERRORS), "which error; EIO where none is given")
    )
    delay_s: float = field(default=0.0, metadata=word("delay", DURATION, "how much later each one is done"))
    every: int = field(default=1, metadata=word("every", COUNT, "of each thread's calls, one in so many"))

    @property
    def via(self) -> str:
        return "strace"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from self.unknown_nodes(cluster)
        yield from self.volume(self.path, cluster)
        if not self.calls:
            yield "calls", "is empty: name at least one operation"
        if self.error and self.manner != "error":
            yield "error", f"is of no use to 'how: {self.manner}': take it out, or write 'how: error'"
        if self.manner == "delay" and not 0.001 <= self.delay_s <= 30:
            yield "delay", f"is {self.delay_s:g} s: write one from 1ms to 30s"
        elif self.manner != "delay" and self.delay_s:
            yield "delay", f"is of no use to 'how: {self.manner}': take it out, or write 'how: delay'"
        if self.manner == "lie" and set(self.calls) != {"sync"}:
            yield "calls", "names more than sync: only a sync can lie, because the others must say how much they did"
        if not 1 <= self.every <= 65535:
            yield "every", f"is {self.every}: write a number from 1 to 65535"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        calls = tuple(dict.fromkeys(call for word_ in self.calls for call in CALLS[word_]))
        error = (self.error or "EIO") if self.manner == "error" else None
        lie = self.manner == "lie"
        return tuple(Syscalls(n, self.path, calls, error, self.delay_s, lie, self.every) for n in self.nodes)

    def describe(self) -> str:
        what = {
            "error": f"fails with {self.error or 'EIO'}",
            "delay": f"{self.delay_s * 1000:g} ms later",
            "lie": "lies",
        }
        often = f", every {self.every}" if self.every > 1 else ""
        return f"{' and '.join(self.calls)} on {self.path} of {', '.join(self.nodes)} {what[self.manner]}{often}"

    def undo(self) -> str:
        return "strace lets go of the node's processes"

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        # A skewed clock is put into processes by tracing them, and a process has one tracer.
        return self.alone("tracer") | self.alone("clock")

    def shakes(self, cluster: Cluster) -> frozenset[str]:
        return frozenset(map(cluster.pod_of, self.nodes))

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        traced, untraced = (self.read(evidence, name, "during") for name in ("traced", "untraced"))
        # A program that is just being started is traced a moment later than it is there.
        seen = [
            n
            for n in self.nodes
            if traced[n] and min(traced[n]) > 0 and 2 * sum(map(bool, untraced[n])) <= len(untraced[n])
        ]
        met = sum(event.packets for event in evidence.healed(self.name))
        after = [v for n in self.nodes if (v := self.last(evidence, "traced", n)) is not None]
        words = f"the kernel has every process traced on {len(seen)} of {len(self.nodes)}; {met:,} calls met it"
        ended = gone(sum(value == 0 for value in after), len(after))
        return Sighting(len(seen) == len(self.nodes), met > 0, f"{words}; {ended}")
