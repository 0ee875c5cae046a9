"""Healing a run that cannot heal itself: undo what its journal says, remove what its label says. Idempotent."""

from pathlib import Path

from harness import primitives
from harness.engine import RunningCluster
from harness.errors import HarnessError
from harness.recording import events
from harness.recording.folder import read


def heal(running: RunningCluster, record: Path, *, remove: bool) -> tuple[str, ...]:
    """What could not be healed or removed, by name. Agents heal by themselves; here is what only the engine can undo.

    With ``remove`` nothing has to be started again first: the containers go, and with them all that was done to them.
    """
    if remove:
        return running.stop()
    left: list[str] = []
    for node in _to_start(record):
        try:
            running.start(node)
        except HarnessError as error:
            left.append(f"{node}: {error}")
    return tuple(left)


def _to_start(record: Path) -> tuple[str, ...]:
    """Nodes of which the journal says that we meant to kill them, in the order of the intents."""
    intents = [event for event in read(record).events if isinstance(event, events.Intent)]
    killed = [p.node for intent in intents for p in intent.primitives if isinstance(p, primitives.Kill)]
    return tuple(dict.fromkeys(killed))
