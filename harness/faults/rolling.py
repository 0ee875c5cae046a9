"""One node after the other, each when the one before is ready again: a deployment, or the end of one."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar, Literal, cast

from harness.cluster import Cluster, Link
from harness.faults.base import Sighting
from harness.faults.ending import Ending, around, arrivals, said
from harness.faults.stop import grace_problems
from harness.primitives import AnyPrimitive, Roll
from harness.recording.evidence import Evidence, InForce
from harness.units import show_planned_s
from harness.words import DURATION, choice, word

Act = Literal["restart", "stop", "kill", "freeze"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling(Ending):
    """``act`` on each of ``nodes`` in turn, ``down`` later its end; the next one goes when this one is ready again."""

    kind: ClassVar[str] = "rolling"
    about: ClassVar[str] = "nodes are restarted, stopped, killed or frozen one after the other, as each is ready again"
    works: ClassVar[str] = (
        "The engine restarts, stops, kills or freezes one node after the other; each is brought back after "
        "'down', and the next one goes when it is ready again."
    )
    bites: ClassVar[str] = (
        "The first node as 'act' does by itself (see restart, stop, kill, freeze); every other one when the one "
        "before is ready, which is looked at every 0.2 s."
    )
    witness: ClassVar[str] = (
        "In force: the engine says of every node that it went down and came back, and never of two at one time. "
        "Exercised: packets came for them meanwhile. Gone: the last of them is ready."
    )
    page: ClassVar[str] = (
        "Ready is what the node's own readiness question says, or, where it has none, that it listens on its "
        "ports. 'for' is the time that all of them may take: nobody has a turn after it, and then the fault was "
        "not seen. It is over when the last one is ready. It waits for the node, not for the cluster to have "
        "recovered."
    )
    replaces: ClassVar[str] = "kubectl rollout restart, docker service update --force, a loop over docker restart."
    limits: ClassVar[Mapping[str, str]] = {
        "grace": "from 0s to 300s in whole seconds",
        "down": "needed by all but act: restart",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {
        "nodes": (
            "n1",
            "n2",
            "n3",
        ),
        "act": "restart",
        "grace": "2s",
    }
    ends_itself: ClassVar[bool] = True

    act: str = field(
        default="restart", metadata=word("act", choice("restart", "stop", "kill", "freeze"), "what is done to each")
    )
    down_s: float = field(default=0.0, metadata=word("down", DURATION, "how long each stays down; not with restart"))
    grace_s: float = field(default=10.0, metadata=word("grace", DURATION, "how long each may take to end by itself"))

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from Ending.check(self, cluster)
        yield from grace_problems(self.grace_s)
        if self.act == "restart" and self.down_s:
            yield "down", "says nothing about a restart, which starts at once: take it out, or write 'act: stop'"
        if self.act != "restart" and not self.down_s:
            yield "down", f"is missing: write how long each stays down, such as 'down: 2s', for 'act: {self.act}'"
        if self.down_s * len(self.nodes) >= self.for_s:
            needed = show_planned_s(self.down_s * len(self.nodes))
            yield "down", f"is {show_planned_s(self.down_s)}, which is {needed} for all: give 'for' more than that"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        first, *others = self.nodes
        return (Roll(first, tuple(others), cast(Act, self.act), self.down_s, self.grace_s),)

    def describe(self) -> str:
        down = f" for {show_planned_s(self.down_s)} each" if self.down_s else ""
        return f"{', '.join(self.nodes)}: {self.act}{down}, one after the other"

    def undo(self) -> str:
        return "each is brought back before the next one goes; whose turn it is at the end is brought back then"

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        frozen = self.act == "freeze"
        span = around(in_force.window)
        hit = said(evidence, self.nodes, "pause" if frozen else "die", span)
        back = said(evidence, self.nodes, "unpause" if frozen else "start", span)
        turns = sorted((hit[node], back.get(node, span.end_ns)) for node in hit)
        together = any(later[0] < earlier[1] for earlier, later in pairwise(turns))
        met = arrivals(evidence, cluster, self.nodes, in_force.window)
        words = f"{len(hit)} of {len(self.nodes)} had their turn; {met:,} packets came for them; {len(back)} came back"
        words += "; two were down at one time" if together else ""
        return Sighting(len(hit) == len(back) == len(self.nodes) and not together, met > 0, words)
