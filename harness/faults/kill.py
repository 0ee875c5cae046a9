"""A node's process ends at once and stays away until the schedule starts it again."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.ending import Ending
from harness.primitives import AnyPrimitive
from harness.primitives import Kill as KillNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill(Ending):
    """SIGKILL to every process of ``nodes``; after ``for`` the schedule starts them again."""

    kind: ClassVar[str] = "kill"
    about: ClassVar[str] = "a node's processes get SIGKILL and stay down until the schedule starts them"
    page: ClassVar[str] = (
        "A process crash on a living host: the name still resolves and the port refuses at once. An engine suppresses "
        "restart policies after a kill, so the node stays down whatever its policy says. Memory is lost, disks stay."
    )
    hit: ClassVar[str] = "died"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(KillNode(name) for name in self.nodes)

    def describe(self) -> str:
        return f"{', '.join(self.nodes)} killed (SIGKILL)"

    def undo(self) -> str:
        return "the schedule starts the container again (a restart policy would not: the engine suppresses it)"
