"""A node is restarted: it ends, and comes back at once."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.ending import Ending
from harness.faults.stop import grace_problems
from harness.primitives import AnyPrimitive
from harness.primitives import Restart as RestartNode
from harness.units import show_planned_s
from harness.words import DURATION, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart(Ending):
    """``nodes`` end, with ``grace``, and are started at once; ``for`` is how long that may take at the most."""

    kind: ClassVar[str] = "restart"
    about: ClassVar[str] = "a node ends and is started again at once"
    works: ClassVar[str] = (
        "The engine sends the container's stop signal, SIGKILL after 'grace', and starts the same container "
        "again at once."
    )
    bites: ClassVar[str] = (
        "In force when the process has ended, which may take the whole grace time: that is the node's own "
        "figure. Stamped by the engine's own word."
    )
    witness: ClassVar[str] = (
        "In force: the engine says that each container died. Exercised: packets came for its port meanwhile (of "
        "a short fault those of 1.2 s around it too), counted in its pod, which lives on. Gone: the engine says "
        "that each has started."
    )
    page: ClassVar[str] = (
        "All nodes at one time: 'rolling' does one after the other. It is over when the engine has started the "
        "process, which is before the node is ready and may be long before 'for', which is how long it may take "
        "at the most. Memory is lost, disks and address stay."
    )
    replaces: ClassVar[str] = "docker restart, Pumba restart."
    limits: ClassVar[Mapping[str, str]] = {"grace": "from 0s to 300s in whole seconds"}
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "grace": "5s"}
    met: ClassVar[str] = "packets came around that time"  # it is over before a counter is read again
    stays: ClassVar[bool] = False
    ends_itself: ClassVar[bool] = True

    grace_s: float = field(default=10.0, metadata=word("grace", DURATION, "how long it may take to end by itself"))

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from Ending.check(self, cluster)
        yield from grace_problems(self.grace_s)

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(RestartNode(name, self.grace_s) for name in self.nodes)

    def describe(self) -> str:
        return f"{', '.join(self.nodes)} restarted (grace {show_planned_s(self.grace_s)})"

    def undo(self) -> str:
        return "it starts by itself; what does not, the schedule starts"
