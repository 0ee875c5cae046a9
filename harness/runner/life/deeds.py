"""Every engine primitive done and taken back, as calls to the engine. Knows neither threads nor the journal.

``before`` tells what must be remembered, ``do`` does it, and ``undo`` takes it back from what was remembered: whether
``do`` got to its end or not, and whoever did it. All but ``before`` and ``do`` are idempotent.
"""

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

from harness.engine import Limits, Output, RunningCluster
from harness.errors import EngineError, RecordingError
from harness.primitives import (
    Bound,
    Command,
    Crash,
    Discard,
    EnginePrimitive,
    Freeze,
    Kill,
    Replace,
    Restart,
    Revive,
    Roll,
    Stop,
)
from harness.recording.events import Saved
from harness.runner.life.archives import content, with_text

SAVED = "saved"  # the folder in a run's record where replaced files wait for their return
_CPU_PERIOD_US = 100_000  # what an engine takes where nobody said
_COMMAND_S = 60.0
_GRACE_S = 10.0
_ENDING_S, _AGAIN_S = 1.0, 0.05


@dataclass(frozen=True, slots=True)
class Words:
    """What the engine says when a deed is in force, and when it is gone; None: nothing, so the call's ends count."""

    fired: str | None
    healed: str | None


_SILENT = Words(None, None)
_WORDS: dict[type[EnginePrimitive], Words] = {
    Kill: Words("die", "start"),
    Crash: Words("die", "start"),
    Stop: Words("die", "start"),
    Restart: Words("die", "start"),
    Freeze: Words("pause", "unpause"),
    Bound: Words("update", "update"),
    Revive: Words(None, "start"),
    Discard: Words("destroy", "start"),
    Replace: Words("start", "start"),  # what it reads as it starts is what counts
}


def words(primitive: EnginePrimitive) -> Words:
    match primitive:
        case Roll(act=act):
            return Words("pause" if act == "freeze" else "die", None)
        case Replace(restart=False):
            return _SILENT
        case _:
            return _WORDS.get(type(primitive), _SILENT)


def nodes_of(primitive: EnginePrimitive) -> tuple[str, ...]:
    """Whom it acts on, in order."""
    return (primitive.node, *primitive.others) if isinstance(primitive, Roll) else (primitive.node,)


def may_end(primitive: EnginePrimitive) -> bool:
    """Whether the end of one of its nodes is its work, meant or not (a limit too low, a command that removes it)."""
    match primitive:
        case Freeze():
            return False
        case Bound():
            return primitive.memory_bytes is not None or primitive.processes is not None
        case _:
            return True


def before(running: RunningCluster, fault: str, primitive: EnginePrimitive, record: Path) -> Mapping[str, str]:
    """What to remember, as ``Saved`` has it (what -> value); what is too large for a line is in ``record``."""
    match primitive:
        case Bound():
            old = running.limits(primitive.node)
            new = _fields(_bounded(old, primitive))
            return {what: str(value) for what, value in _fields(old).items() if value != new[what]}
        case Replace():
            name = f"{SAVED}/{fault}.{primitive.node}.{crc32(primitive.path.encode()):08x}.tar"
            _keep(record / name, running.read_file(primitive.node, primitive.path))
            return {_file(primitive.path): name}
        case _:
            return {}


def do(running: RunningCluster, fault: str, primitive: EnginePrimitive, record: Path, old: Mapping[str, str]) -> None:
    """Once. ``Roll`` and ``Command`` are more than a call: see ``roll``, and ``command``."""
    node = primitive.node
    match primitive:
        case Kill():
            running.kill(node)
        case Crash():
            running.crash(node, fault)
        case Stop(grace_s=grace_s):
            running.stop_node(node, grace_s)
        case Restart(grace_s=grace_s):
            running.restart(node, grace_s)
        case Freeze():
            running.freeze(node)
        case Bound():
            running.bound(node, _bounded(running.limits(node), primitive))
        case Revive():
            pass  # what may end the node is another part of the fault
        case Discard():
            running.discard(node)
        case Replace(path=path, text=text, restart=restart):
            running.write_file(node, path, with_text(_kept(record / old[_file(path)]), text))
            if restart:
                running.restart(node, _GRACE_S)
                _stayed(running, primitive)
        case Roll() | Command():
            raise TypeError(f"{type(primitive).__name__} is not one call")


def _stayed(running: RunningCluster, primitive: Replace) -> None:
    """What was put there may be gone after a restart; then the node started with something else."""
    if content(running.read_file(primitive.node, primitive.path)) != primitive.text.encode():
        raise EngineError(
            f"{primitive.path} of {primitive.node} is not what was put there, once it was started (a volume in memory "
            "is empty then, or the node writes it itself): name another file"
        )


def undo(running: RunningCluster, fault: str, primitive: EnginePrimitive, record: Path, old: Mapping[str, str]) -> bool:
    """Take it back. False: nothing was left to be done, so the engine will say nothing."""
    node = primitive.node
    match primitive:
        case Freeze():
            told = running.thaw(node)
        case Bound():
            told = _unbound(running, node, old)
            if may_end(primitive):  # it may have ended of its limit
                running.start(node)
        case Revive():
            told = _revived(running, node)
        case Discard():
            told = running.renew(node)
        case Replace():
            told = _put_back(running, primitive, record, old)
        case Roll(act=act):
            back = running.thaw if act == "freeze" else running.start
            told = True in [back(member) for member in nodes_of(primitive)]
        case Command(undo=way_back):
            told = bool(way_back)
            if way_back:
                command(running, fault, node, way_back, _COMMAND_S)
        case _:  # it was ended, one way or another
            told = running.start(node)
    return told


def _revived(running: RunningCluster, node: str) -> bool:
    """An engine hears some time after what was beside the node that its first process has ended: till then it "runs".

    Such a node has let go of its ports already.
    """
    until_s = time.monotonic() + _ENDING_S
    while not running.start(node):
        if running.listening(node) or time.monotonic() > until_s:
            return False
        time.sleep(_AGAIN_S)
    return True


def _unbound(running: RunningCluster, node: str, old: Mapping[str, str]) -> bool:
    """Only what was changed goes back: another fault may bound something else of this node."""
    now = running.limits(node)
    then = replace(now, **{what: int(value) for what, value in old.items()})
    if then == now:
        return False
    running.bound(node, then)
    return True


def command(running: RunningCluster, fault: str, node: str, words: tuple[str, ...], within_s: float) -> Output:
    """Run one to its end. Raises ``EngineError`` where it took too long or ended with another code than 0."""
    output = running.run(node, fault, words, min(within_s, _COMMAND_S))
    if output.exit_code:
        last = output.text.strip().rpartition("\n")[2] or "it said nothing"
        raise CommandFailed(f"'{' '.join(words)}' ended with {output.exit_code} in {node}: {last}", output)
    return output


class CommandFailed(EngineError):
    """It ran, and did not do what it should."""

    def __init__(self, text: str, output: Output) -> None:
        super().__init__(text)
        self.output = output


def saved(events: Iterable[Saved], fault: str, node: str) -> Mapping[str, str]:
    """What a journal remembers of one fault on one node, for ``undo``: the first of each, which was the true one."""
    found: dict[str, str] = {}
    for event in events:
        if (event.fault, event.node) == (fault, node):
            found.setdefault(event.what, event.value)
    return found


def _bounded(limits: Limits, primitive: Bound) -> Limits:
    if primitive.cpus is not None and limits.nano_cpus:
        limits = replace(limits, nano_cpus=round(primitive.cpus * 1e9))
    elif primitive.cpus is not None:
        limits = replace(limits, cpu_quota_us=round(primitive.cpus * (limits.cpu_period_us or _CPU_PERIOD_US)))
    if primitive.memory_bytes is not None:
        # No swap beside it: a node that swaps is slow, and another experiment.
        limits = replace(limits, memory_bytes=primitive.memory_bytes, memory_swap_bytes=primitive.memory_bytes)
    return limits if primitive.processes is None else replace(limits, processes=primitive.processes)


def _fields(limits: Limits) -> dict[str, int]:
    return {what: getattr(limits, what) for what in Limits.__slots__}


def _file(path: str) -> str:
    return f"file {path}"


def _put_back(running: RunningCluster, primitive: Replace, record: Path, old: Mapping[str, str]) -> bool:
    """The old file, and the node started with it. Once it is back, ours goes: it may hold what nobody should read."""
    what = _file(primitive.path)
    if what not in old or not (record / old[what]).exists():
        return False
    running.write_file(primitive.node, primitive.path, _kept(record / old[what]))
    if primitive.restart:
        running.restart(primitive.node, _GRACE_S)
    with suppress(OSError):
        (record / old[what]).unlink()
    return True


def _keep(file: Path, content: bytes) -> None:
    """On the disk when it returns, for nobody's eyes but ours; what is there already is older, and true."""
    if file.exists():
        return
    try:
        file.parent.mkdir(mode=0o700, exist_ok=True)
        part = file.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        part.rename(file)
    except OSError as error:
        raise RecordingError(f"{file} cannot be written ({error.strerror}), so nothing was replaced.") from error


def _kept(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise RecordingError(f"{file} cannot be read ({error.strerror}): the old file cannot be put back.") from error
