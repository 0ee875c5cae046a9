"""What runs left on the engine: found by label, judged by record, healed by the one function that heals."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import docker

from harness import guardian
from harness.cli.door import DOOR
from harness.clock import monotonic_ns
from harness.drivers.docker import DockerCluster, connect, runs_on
from harness.errors import HELD, INCONCLUSIVE, EngineError
from harness.recording import events
from harness.recording.folder import JOURNAL
from harness.runner import alive
from harness.runner.heal import heal as heal_run

Say = Callable[[str], None]
_HUSK = "an empty network that the engine believes to be in use (it miscounts); it goes when the engine is next started"
_GUARDIAN_S = 10.0  # a guardian that is at it needs a second, on a busy machine some; after this nobody is


def heal(project: str | None, say: Say, *, keep: bool = False) -> int:
    """Every dead run, or the one that is named, which may be a kept one too. Returns the exit code."""
    client = connect()
    found = {name: remains.record for name, remains in runs_on(client).items() if project in (None, name)}
    if not found:
        say(f"nothing of {project or 'ours'} is on this engine")
    failed: dict[str, tuple[str, ...]] = {}
    for name, record in found.items():
        if why := _left_alone(alive.state(record), name, record, named=project is not None):
            say(f"{name}: {why}")
        elif left := _heal_one(client, name, record, keep=keep):
            failed[name] = left
            say(f"{name}: could not be healed: {', '.join(left)}")
        elif not keep and name in runs_on(client):
            say(f"{name}: gone but for {_HUSK}")
        else:
            say(f"{name}: {'healed' if keep else 'gone'}")
    return INCONCLUSIVE if failed else HELD


def _left_alone(state: alive.State, name: str, record: Path, *, named: bool) -> str:
    """Why this run is not touched; empty where it is."""
    if state == "alive":
        return "alive, left alone"
    if state == "kept" and not named:
        return f"kept on purpose, left alone; remove it with: harness down {name}"
    if state == "unknown" and not named:
        return f"left alone: there is no record of a run at {record}; if it is yours: harness heal {name}"
    return ""


def _heal_one(client: docker.DockerClient, project: str, record: Path, *, keep: bool) -> tuple[str, ...]:
    guardian.end_children(project)
    return heal_run(DockerCluster(client, project), record, remove=not keep)


def guard(project: str, record: Path, say: Say, *, keep: bool) -> int:
    """The guardian's own process. Everything that takes time is done before it waits."""
    client: docker.DockerClient | None = None
    with suppress(EngineError):
        client = connect()
    if not guardian.wait():
        return HELD
    say(f"the harness of {project} is gone or silent; healing {record}")
    began_s = time.monotonic()

    def once() -> tuple[str, ...]:
        return _heal_one(client or connect(), project, record, keep=keep)

    left = guardian.insist(once, say, settle=not keep)
    if keep and not left:
        _note_kept(record)
    say(f"could not be healed: {', '.join(left)}" if left else f"healed; {time.monotonic() - began_s:.1f} s in all")
    return INCONCLUSIVE if left else HELD


def _note_kept(record: Path) -> None:
    """The cluster is healed, and left up as its user said: from here on it is no residue."""
    with suppress(OSError), (record / JOURNAL).open("r+b") as journal:
        data = journal.read()
        journal.truncate(data.rfind(b"\n") + 1)  # a line that was cut off when the harness died
        journal.seek(0, 2)
        journal.write(events.encode(events.TornDown(monotonic_ns(), 0.0, kept=True)))


def refuse_residue(say: Say) -> None:
    """Raises ``EngineError`` where a dead run of ours is still on this engine, and nobody is healing it."""
    client = connect()
    deadline_s = time.monotonic() + _GUARDIAN_S
    while dead := _dead(client):
        if time.monotonic() > deadline_s:
            names = ", ".join(dead)
            raise EngineError(f"{names} died and left something on this engine: heal it first with: harness heal")
        say(f"waiting for the guardian of {', '.join(dead)}")
        time.sleep(0.5)


def _dead(client: docker.DockerClient) -> list[str]:
    """Runs whose containers or volumes are here and of which nobody is in charge."""
    found = ((name, remains) for name, remains in runs_on(client).items() if not remains.harmless)
    return [name for name, remains in found if alive.state(remains.record) == "dead"]


def status() -> Iterator[str]:
    """One line for each run that has something on this engine."""
    said = {"dead": "left behind", "unknown": "without a record"}
    found = runs_on(connect())
    for name, remains in found.items():
        state = alive.state(remains.record)
        what = _HUSK if remains.harmless and state == "dead" else said.get(state, state)
        if state == "alive" and (remains.record / DOOR).exists():
            what = f"up, take it down with: harness down {name} "
        yield f"{name}  {what}  {remains.record}"
    if not found:
        yield "nothing of ours is on this engine"
