"""A node cannot start another process or thread."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Fault, Sighting, some_nodes
from harness.primitives import AnyPrimitive, Bound
from harness.recording.evidence import Evidence, InForce
from harness.words import COUNT, NODE, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes(Fault):
    """``nodes`` may have ``limit`` processes and threads, each."""

    kind: ClassVar[str] = "processes"
    about: ClassVar[str] = "a node may have so many processes and threads, and no more"
    works: ClassVar[str] = (
        "The engine sets the limit of processes and threads (pids) of the container's control group, and sets "
        "the old one at the end."
    )
    bites: ClassVar[str] = (
        "With the next fork or new thread, once the engine has set it: 11 ms after it was asked (median of such "
        "calls; 21 ms at the worst)."
    )
    witness: ClassVar[str] = (
        "In force: the kernel's control group holds the limit at every look, twice a second. Exercised: the node "
        "was seen to have as many processes and threads as it may. Gone: the control group holds another limit "
        "afterwards."
    )
    page: ClassVar[str] = (
        "Threads count. Nobody is ended: who has more already keeps them, and only the next fork or thread fails "
        "with EAGAIN. Where the limit is not met it is seen and not exercised: take one near what the node has "
        "(docker stats shows it). A node that ends of it is started again at the end."
    )
    replaces: ClassVar[str] = "docker update --pids-limit, ulimit -u."
    limits: ClassVar[Mapping[str, str]] = {"limit": "from 1 to 4000000"}
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "limit": "20"}

    nodes: tuple[str, ...] = field(metadata=word("nodes", NODE, "whose", many=True))
    limit: int = field(metadata=word("limit", COUNT, "how many processes and threads"))

    @property
    def via(self) -> str:
        return "the kernel's control group"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from some_nodes(self.nodes, cluster)
        if not 1 <= self.limit <= 4_000_000:
            yield "limit", f"is {self.limit}: write one from 1 to 4000000"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(Bound(name, processes=self.limit) for name in self.nodes)

    def describe(self) -> str:
        return f"{', '.join(self.nodes)} held to {self.limit} processes"

    def undo(self) -> str:
        return "the engine sets the old limit"

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return frozenset(("processes", name) for name in self.nodes)

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        limits = evidence.readings(self.name, "processes_limit", "during")
        bounded = {read.node for read in limits if read.value == self.limit}
        most = max((read.value for read in evidence.readings(self.name, "processes", "during")), default=0.0)
        after = evidence.readings(self.name, "processes_limit", "after")
        gone = "not seen" if not after else "still there" if any(r.value == self.limit for r in after) else "yes"
        words = f"the kernel held {len(bounded)} of {len(self.nodes)} to {self.limit}; "
        words += f"they had up to {most:.0f}; gone: {gone}"
        return Sighting(bounded >= set(self.nodes), most >= self.limit, words)
