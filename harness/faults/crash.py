"""A node's first process dies behind the engine's back, so that its restart policy acts, as in life."""

from collections.abc import Collection
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
    page: ClassVar[str] = (
        "Sent by a short-lived container of ours in the engine's process namespace, with the capability KILL only: it "
        "bites 0.2 to 0.4 s after the order. 'kill' is the one after which no restart policy acts. The window ends "
        "with the first start, whoever made it. An engine waits longer before each restart of one that crashes often."
    )
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
