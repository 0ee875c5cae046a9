"""A node stands still: it is there, holds its connections, and does nothing."""

from collections.abc import Collection
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
    page: ClassVar[str] = (
        "The kernel goes on for it: connections are accepted into the listener's queue, and data is acknowledged until "
        "the buffers are full, so a TCP health check sees nothing. Clocks go on: what timed out meanwhile times out at "
        "the thaw, all at once. Bites in 10 to 22 ms. Replaces: docker pause, SIGSTOP (which a program can see)."
    )
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
