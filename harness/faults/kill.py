"""A node's process ends at once and stays away until the schedule starts it again."""

from collections.abc import Collection, Mapping
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
    works: ClassVar[str] = (
        "The engine sends SIGKILL to the node's container, which ends all of its processes; after 'for' it is "
        "told to start the same container again."
    )
    bites: ClassVar[str] = (
        "14 ms after the engine was asked (median; 50 ms at the worst of some 20 to 50), until it was gone. In "
        "force is stamped by the engine's own word that the process ended, and the report gives the bound."
    )
    witness: ClassVar[str] = (
        "In force: the engine says that each container died, and none that it started before its time. "
        "Exercised: packets came for its port meanwhile, counted in its pod, which lives on. Gone: the engine "
        "says that each has started."
    )
    page: ClassVar[str] = (
        "A process crash on a living host: the name still resolves and the port refuses at once. An engine "
        "suppresses restart policies after a kill, so the node stays down whatever its policy says. Memory is "
        "lost, disks stay. Started is not ready: what the node needs after that is the system's own time."
    )
    replaces: ClassVar[str] = (
        "docker kill, Pumba kill, ChaosBlade's process kill, Chaos Mesh's PodChaos (container-kill)."
    )
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",)}
    hit: ClassVar[str] = "died"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(KillNode(name) for name in self.nodes)

    def describe(self) -> str:
        return f"{', '.join(self.nodes)} killed (SIGKILL)"

    def undo(self) -> str:
        return "the schedule starts the container again (a restart policy would not: the engine suppresses it)"
