"""A node stands still: it is there, holds its connections, and does nothing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.ending import Ending
from harness.primitives import AnyPrimitive
from harness.primitives import Freeze as FreezeNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze(Ending):
    """Every process of ``nodes`` stands still for ``for``, by the kernel's freezer."""

    kind: ClassVar[str] = "freeze"
    about: ClassVar[str] = "a node's processes stand still and hold their connections"
    works: ClassVar[str] = (
        "The engine stops every process of the node's container by the kernel's freezer (docker pause), and is "
        "asked whether it really did; after 'for' it thaws them."
    )
    bites: ClassVar[str] = (
        "10 to 20 ms after the engine was asked (22 ms at the worst of some 20 to 50). Stamped by the engine's "
        "own word."
    )
    witness: ClassVar[str] = (
        "In force: the engine says that each container is paused, and none that it went on before its time. "
        "Exercised: packets came for the node meanwhile, counted in its pod. Gone: the engine says that each "
        "goes on."
    )
    page: ClassVar[str] = (
        "The kernel goes on for it: connections are accepted into the listener's queue, and data is acknowledged "
        "until the buffers are full, so a TCP health check sees nothing. Clocks go on: what timed out meanwhile "
        "times out at the thaw, all at once."
    )
    replaces: ClassVar[str] = (
        "docker pause, Pumba pause, SIGSTOP (which a program's parent can see), ChaosBlade's process stop."
    )
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",)}
    down: ClassVar[str] = "pause"
    up: ClassVar[str] = "unpause"
    hit: ClassVar[str] = "stood still"
    back: ClassVar[str] = "went on"
    met: ClassVar[str] = "packets came for them meanwhile"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(FreezeNode(name) for name in self.nodes)

    def describe(self) -> str:
        return f"{', '.join(self.nodes)} frozen"

    def undo(self) -> str:
        return "the engine thaws it, and is asked until it says so itself"
