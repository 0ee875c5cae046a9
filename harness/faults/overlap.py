"""Two faults at one time: which compose, and which cannot be both. Packets and streams compose; a process has one fate.

On one link delays add, the stricter rate wins, and a drop beats all. Refused are: two faults that need the same thing
for themselves, and a fault on the processes or files of a node that another one stops meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.cluster import Cluster
from harness.faults.base import Fault
from harness.primitives import Command, PodPrimitive
from harness.targets import pending

COMPOSES = "delays add, the stricter rate wins, and a drop beats all"


@dataclass(frozen=True, slots=True)
class Act:
    """What one fault does where, from ``start_s`` to ``end_s`` of the faults phase.

    ``stops``: nodes. ``claims``: (what, where). ``needs``: (node, from, until) for each node that must be there for it.
    ``asks``: whom it hits is looked up when it is due, so all of this is what it may do.
    """

    name: str
    start_s: float
    end_s: float
    stops: frozenset[str]
    claims: frozenset[tuple[str, str]]
    needs: frozenset[tuple[str, float, float]]
    links: frozenset[tuple[str, str]]
    asks: bool

    @property
    def nodes(self) -> frozenset[str]:
        """Whose processes or files it works on, or stops."""
        return self.stops | {where for _, where in self.claims} | {node for node, _, _ in self.needs}


def act(fault: Fault, stand_ins: Sequence[Fault], cluster: Cluster) -> Act:
    """``stand_ins``: what the fault may come to (itself, if nothing of it is looked up)."""
    end_s = round(fault.at_s + fault.for_s, 9)
    needs: set[tuple[str, float, float]] = set()
    for one in stand_ins:
        for primitive in one.compile(cluster, one.proxies(cluster)):
            if isinstance(primitive, Command):  # the node must be there when it begins, and for its undo
                needs.add((primitive.node, fault.at_s, fault.at_s))
                needs |= {(primitive.node, end_s, end_s)} if primitive.undo else set()
            elif not isinstance(primitive, PodPrimitive):
                needs.add((primitive.node, fault.at_s, end_s))
    return Act(
        name=fault.name,
        start_s=fault.at_s,
        end_s=end_s,
        stops=frozenset[str]().union(*(one.stops(cluster) for one in stand_ins)),
        claims=frozenset[tuple[str, str]]().union(*(one.claims(cluster) for one in stand_ins)),
        needs=frozenset(needs),
        links=frozenset[tuple[str, str]]().union(*(one.touches(cluster) for one in stand_ins)),
        asks=bool(pending(fault)),
    )


def apart(one: Act, other: Act) -> bool:
    """One that begins as the other ends does not meet it: heals come first."""
    return one.end_s <= other.start_s or other.end_s <= one.start_s


def clash(one: Act, other: Act) -> str | None:
    """Where the two cannot be both (``the process of n1``); None: they can.

    Two faults whose nodes are looked up are told apart when they are due, by who leads then.
    """
    if apart(one, other) or (one.asks and other.asks):
        return None
    if shared := one.stops & other.stops:
        return _first([f"the process of {node}" for node in shared])
    if claimed := one.claims & other.claims:
        return _first([f"the {what} of {where}" for what, where in claimed])
    for stopping, needing in ((one, other), (other, one)):
        if gone := {node for node, *span in needing.needs if node in stopping.stops and _within(stopping, *span)}:
            return f"{_first(list(gone))}, which '{stopping.name}' stops"
        if gone := {where for _, where in needing.claims if where in stopping.stops}:
            return f"{_first(list(gone))}, which '{stopping.name}' stops"
    return None


def _within(stopping: Act, start_s: float, end_s: float) -> bool:
    """Whether a span, or a moment, falls into the time of ``stopping``."""
    if start_s == end_s:
        return stopping.start_s <= start_s < stopping.end_s
    return start_s < stopping.end_s and stopping.start_s < end_s


def _first(places: list[str]) -> str:
    return min(places) + (f" and {len(places) - 1} more" if len(places) > 1 else "")
