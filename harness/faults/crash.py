"""A node's first process dies behind the engine's back, so that its restart policy acts, as in life."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Sighting
from harness.faults.ending import Ending, said
from harness.primitives import AnyPrimitive
from harness.primitives import Crash as CrashNode
from harness.recording.evidence import Evidence, InForce, Window
from harness.units import show_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash(Ending):
    """SIGKILL to the first process of ``nodes``; their restart policy acts, or after ``for`` the schedule."""

    kind: ClassVar[str] = "crash"
    about: ClassVar[str] = "a node's first process dies, and its restart policy acts"
    works: ClassVar[str] = (
        "A short-lived container of ours in the host's process namespace sends SIGKILL to the node's first "
        "process, which the engine does not know of, so that its restart policy acts, as in life. Where there is "
        "none, the schedule starts the node after 'for'."
    )
    bites: ClassVar[str] = (
        "0.2 to 0.4 s after the order, for our container has to start first. In force is stamped by the engine's "
        "own word that the process ended."
    )
    witness: ClassVar[str] = (
        "In force: the engine says that each container died. Exercised: packets came for its port meanwhile, "
        "counted in its pod, which lives on. Gone: the engine says that each has started, and how long after."
    )
    page: ClassVar[str] = (
        "'kill' is the one after which no restart policy acts. The fault is over with the first start, whoever "
        "made it, so it may be much shorter than 'for'. An engine waits longer before each restart of one that "
        "crashes often."
    )
    replaces: ClassVar[str] = (
        "kill -9 from the host, Chaos Mesh's PodChaos (pod-kill) where a controller brings it back."
    )
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",)}
    stays: ClassVar[bool] = False
    ends_itself: ClassVar[bool] = True
    hit: ClassVar[str] = "crashed"

    @property
    def via(self) -> str:
        return "the kernel"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(CrashNode(name) for name in self.nodes)

    def describe(self) -> str:
        return f"{', '.join(self.nodes)} crashed (SIGKILL; restart policies act)"

    def undo(self) -> str:
        return "the restart policy starts it; where there is none, the schedule does"

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        found = Ending.sighting(self, evidence, cluster, in_force)
        span = Window(in_force.window.start_ns - 2_000_000_000, in_force.window.end_ns + 5_000_000_000)
        died, back = said(evidence, self.nodes, self.down, span), said(evidence, self.nodes, self.up, span)
        took = [f"{node} after {show_s((back[node] - died[node]) / 1e9)}" for node in died if node in back]
        return Sighting(found.seen, found.exercised, f"{found.witness}: {', '.join(took) or 'nobody'}")
