"""What faults inside of nodes (their processes, memory and disks) have in common: whom they hit, and who read what."""

from abc import ABC
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from harness.cluster import Cluster
from harness.faults.base import Fault, some_nodes, volume_problems
from harness.recording.evidence import Evidence, InForce
from harness.wire import When
from harness.words import NODE, Reader, word


def _path(text: str) -> str:
    if text.startswith("/") and ".." not in text.split("/") and "\n" not in text:
        return text.rstrip("/") or "/"
    raise ValueError(f"is '{text}': write where it is in the node, from the root on, such as /data/log")


PATH = Reader("path", "/data", _path, pattern=r"/.*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside(Fault, ABC):
    nodes: tuple[str, ...] = field(metadata=word("nodes", NODE, "whom it hits", many=True))

    def unknown_nodes(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from some_nodes(self.nodes, cluster)

    def volume(self, path: str, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from volume_problems("path", path, self.nodes, cluster)

    def alone(self, what: str) -> frozenset[tuple[str, str]]:
        return frozenset((what, node) for node in self.nodes)

    def read(self, evidence: Evidence, name: str, when: When) -> Mapping[str, tuple[float, ...]]:
        """What the witness at each node read under one name, in order; every node is there, with nothing if so."""
        reads = evidence.readings(self.name, name, when)
        return {node: tuple(read.value for read in reads if read.node == node) for node in self.nodes}

    def first(self, evidence: Evidence, name: str, node: str) -> float | None:
        """Before it was applied."""
        return next(iter(self.read(evidence, name, "before")[node]), None)

    def last(self, evidence: Evidence, name: str, node: str) -> float | None:
        """After it was taken away."""
        return next(reversed(self.read(evidence, name, "after")[node]), None)

    def slope(self, evidence: Evidence, name: str, node: str) -> float | None:
        """How much a counter gained in a second, between its first and its last reading in force."""
        reads = [read for read in evidence.readings(self.name, name, "during") if read.node == node]
        if len(reads) < 2 or reads[-1].read_ns <= reads[0].read_ns:
            return None
        return (reads[-1].value - reads[0].value) / ((reads[-1].read_ns - reads[0].read_ns) / 1e9)

    def arrivals(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> tuple[bool, str]:
        """Whether work came for every one of them while it lasted, and that in words."""
        pods = dict.fromkeys(cluster.pod_of(node) for node in self.nodes)
        met = [evidence.arrivals(pod, in_force.window) for pod in pods]
        return all(met), f"{sum(met):,} packets came for them meanwhile"


def gone(back: int, of: int) -> str:
    """Of so many nodes that were looked at afterwards."""
    return f"gone on {back} of {of}" if of else "gone: not seen"
