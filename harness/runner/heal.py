"""Healing a run that cannot heal itself: undo what its journal says, remove what its label says. Idempotent.

The guardian does it when the harness is gone or silent, ``harness heal`` when the guardian is gone too. Nodes and
containers are looked up anew: one that was restarted has another process, one that was renewed another id.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.clock import monotonic_ns
from harness.engine import RunningCluster
from harness.errors import HarnessError
from harness.primitives import Beside, EnginePrimitive
from harness.recording import events
from harness.recording.events import AnyEvent
from harness.recording.folder import read
from harness.runner.life import deeds

_LISTENS_S, _AGAIN_S = 30.0, 0.2


@dataclass(frozen=True, slots=True)
class Undo:
    """One thing to do, and the nodes it is for. Raises a ``HarnessError``."""

    fault: str
    nodes: tuple[str, ...]
    act: Callable[[], object]


def heal(running: RunningCluster, record: Path, *, remove: bool) -> tuple[str, ...]:
    """What could not be healed or removed, by name.

    With ``remove`` nothing has to be put back first: the containers go, and with them all that was done to them. Else
    what is beside the nodes goes, the engine's part is undone in the inverse order, and nodes that were touched must
    listen again. What agents changed in a pod they heal themselves, as soon as nobody speaks to them.
    """
    if remove:
        return running.stop().left
    recorded = read(record).events
    undos = (*_beside(running, recorded), *_by_engine(running, recorded, record))
    left = [f"{undo.fault} on {', '.join(undo.nodes)}: {error}" for undo in undos if (error := _failure(undo))]
    touched = {node: undo.fault for undo in undos for node in undo.nodes}
    return (*left, *_deaf(running, touched))


def _failure(undo: Undo) -> HarnessError | None:
    try:
        undo.act()
    except HarnessError as error:
        return error
    return None


def _beside(running: RunningCluster, recorded: Sequence[AnyEvent]) -> Iterator[Undo]:
    """Containers of ours beside the nodes."""
    for intent in _intents(recorded):
        for node in dict.fromkeys(p.node for p in intent.primitives if isinstance(p, Beside)):
            yield Undo(intent.fault, (node,), partial(running.close_beside, node, intent.fault))


def _by_engine(running: RunningCluster, recorded: Sequence[AnyEvent], record: Path) -> Iterator[Undo]:
    """The inverse of what was meant and is not healed yet."""
    healed = Counter((event.fault, event.node) for event in recorded if isinstance(event, events.FaultHealed))
    saved = [event for event in recorded if isinstance(event, events.Saved)]
    for intent in _intents(recorded):
        parts = _parts(intent)
        for primitive in reversed(intent.primitives):
            if not isinstance(primitive, EnginePrimitive):
                continue
            nodes = deeds.nodes_of(primitive)
            if any(healed[intent.fault, node] < parts[node] for node in nodes):
                old = deeds.saved(saved, intent.fault, primitive.node)
                yield Undo(intent.fault, nodes, partial(deeds.undo, running, intent.fault, primitive, record, old))


def _parts(intent: events.Intent) -> Counter[str]:
    """How many times each node must be said to be healed: an agent says it once for all that it did there."""
    by_engine = [primitive for primitive in intent.primitives if isinstance(primitive, EnginePrimitive)]
    by_agents = {primitive.node for primitive in intent.primitives if not isinstance(primitive, EnginePrimitive)}
    return Counter([node for primitive in by_engine for node in deeds.nodes_of(primitive)]) + Counter(by_agents)


def _intents(recorded: Sequence[AnyEvent]) -> Iterator[events.Intent]:
    """The last first. One whose time had not come when its harness died has not come since: nobody is there to act."""
    now_ns = monotonic_ns()
    for event in reversed(recorded):
        if isinstance(event, events.Intent) and event.at_planned_ns <= now_ns:
            yield event


def _deaf(running: RunningCluster, touched: dict[str, str]) -> Iterator[str]:
    """Nodes that were touched and do not run and listen after a while."""
    deadline_s = time.monotonic() + _LISTENS_S
    for node, fault in touched.items():
        while why := _why_deaf(running, node):
            if time.monotonic() > deadline_s:
                yield f"{fault} on {node}: {why}"
                break
            time.sleep(_AGAIN_S)


def _why_deaf(running: RunningCluster, node: str) -> str:
    try:
        return "" if running.listening(node) else "it does not run, or does not listen on its ports"
    except HarnessError as error:
        return str(error)
