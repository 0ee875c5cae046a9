"""What was seen of each node's use of memory, CPU and descriptors, and for how long nobody looked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.recording.events import Used, UseUnseen
from harness.recording.evidence import Evidence, Window


@dataclass(frozen=True, slots=True)
class Looks:
    """One node in one window, in order. ``blind_s``: the longest time of it in which nobody knows what it used.

    A node that does not run uses nothing, and that is known.
    """

    node: str
    used: tuple[Used, ...]
    blind_s: float
    down: bool

    def lives(self) -> tuple[tuple[Used, ...], ...]:
        """The looks by life of its container: a counter of CPU time that went back began anew."""
        found: list[list[Used]] = [[*self.used[:1]]] if self.used else []
        for before, now in pairwise(self.used):
            if now.cpu_s < before.cpu_s:
                found.append([])
            found[-1].append(now)
        return tuple(map(tuple, found))


def looks(evidence: Evidence, nodes: Iterable[str], window: Window) -> tuple[Looks, ...]:
    """Those of these nodes, in their order."""
    return tuple(_looks(evidence, node, window) for node in nodes)


def _looks(evidence: Evidence, node: str, window: Window) -> Looks:
    used = tuple(e for e in evidence.of(Used) if e.node == node and window.holds(e.at_ns))
    down = [e for e in evidence.of(UseUnseen) if e.node == node and e.down and window.holds(e.at_ns)]
    return Looks(node, used, _blind_s([e.at_ns for e in (*used, *down)], window), bool(down))


def _blind_s(seen_ns: Sequence[int], window: Window) -> float:
    edges = (window.start_ns, *sorted(seen_ns), window.end_ns)
    return max(later - sooner for sooner, later in pairwise(edges)) / 1e9
