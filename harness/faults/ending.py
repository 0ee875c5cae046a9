"""What the faults have in common that end or halt a node's processes by the engine: whom they hit, how it is seen."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster
from harness.faults.base import Fault, Sighting, some_nodes
from harness.recording.evidence import Evidence, InForce, Window
from harness.words import NODE, word

_BEFORE_NS, _AFTER_NS = 2_000_000_000, 5_000_000_000  # nodes of one fault are not hit and brought back at one instant
_COUNTS_NS = 1_200_000_000  # a pod's counters are read once a second: a short fault has none of its own


def said(evidence: Evidence, nodes: tuple[str, ...], action: str, window: Window) -> dict[str, int]:
    """When the engine said ``action`` of each node in the window, the first time; without those of whom it did not."""
    first: dict[str, int] = {}
    for node in nodes:
        for event in evidence.container_changes(node, window):
            if event.action == action:
                first.setdefault(node, event.at_ns)
    return first


def around(window: Window) -> Window:
    """The window, and the time in which its first nodes were hit and its last ones came back."""
    return Window(window.start_ns - _BEFORE_NS, window.end_ns + _AFTER_NS)


def is_short(window: Window) -> bool:
    return window.length_s < 2 * _COUNTS_NS / 1e9


def arrivals(evidence: Evidence, cluster: Cluster, nodes: tuple[str, ...], window: Window) -> int:
    """Packets for these nodes' ports meanwhile; of a fault shorter than the counting also those just around it."""
    if is_short(window):
        window = Window(window.start_ns - _COUNTS_NS, window.end_ns + _COUNTS_NS)
    return sum(evidence.arrivals(pod, window) for pod in dict.fromkeys(map(cluster.pod_of, nodes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending(Fault):
    """``down`` and ``up``: the engine's words for the two ends of it; ``hit``: the same for a person.

    ``stays``: it must last until the schedule ends it; one that came back by itself before was not seen.
    ``ends_itself``: it may be over before its time, and that is its nature.
    """

    down: ClassVar[str] = "die"
    up: ClassVar[str] = "start"
    hit: ClassVar[str] = "ended"
    back: ClassVar[str] = "started again"
    met: ClassVar[str] = "packets came for a dead port"
    stays: ClassVar[bool] = True
    ends_itself: ClassVar[bool] = False

    nodes: tuple[str, ...] = field(metadata=word("nodes", NODE, "who is hit", many=True))

    @property
    def via(self) -> str:
        return "the engine"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from some_nodes(self.nodes, cluster)

    def stops(self, cluster: Cluster) -> frozenset[str]:
        return frozenset(self.nodes)

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        window = in_force.window
        hit = said(evidence, self.nodes, self.down, Window(window.start_ns - _BEFORE_NS, window.end_ns))
        later = Window(window.start_ns, window.end_ns + _AFTER_NS)
        back = said(evidence, self.nodes, self.up, later)
        until_ns = window.end_ns - round(in_force.end_error_s * 1e9)
        early = said(evidence, self.nodes, self.up, Window(window.start_ns, until_ns)) if self.stays else {}
        met = arrivals(evidence, cluster, self.nodes, window)
        came = "packets came around that time" if is_short(window) else self.met
        words = f"{len(hit)} of {len(self.nodes)} {self.hit}; {met:,} {came}; {len(back)} {self.back}"
        words += f"; {', '.join(early)} came back before it was told to" if early else ""
        return Sighting(len(hit) == len(self.nodes) and not early, met > 0, words)
