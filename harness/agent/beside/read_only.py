"""A mount of the node made read-only, in the node's own mount namespace, and writable again."""

import errno
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from harness.agent.beside.mounting import FLAGS, READ_ONLY, in_mounts_of, remount
from harness.agent.beside.prober import Prober
from harness.agent.beside.processes import FIRST, Processes
from harness.agent.beside.volumes import mounts
from harness.agent.beside.work import Witness, Work
from harness.clock import monotonic_ns, to_ns
from harness.errors import AgentError
from harness.primitives import ReadOnly

_LOOK_S = 0.25
_MOMENT_S = 0.02
_BUSY_S = 0.3
_AGAIN_S = 0.001


class Was(msgspec.Struct, frozen=True):
    """The flags of the mount as it was."""

    flags: int


class RemountReadOnly(Work[ReadOnly, Was]):
    memory = Was

    def __init__(self, primitive: ReadOnly, processes: Processes | None = None) -> None:
        super().__init__(primitive)
        self._processes = processes or Processes()
        self._path = primitive.path.rstrip("/") or "/"

    def plan(self) -> Was:
        options = self._options()
        if options is None:
            raise AgentError(f"{self._path} is no mount of the node's: name the path of a volume as it is mounted")
        if "ro" in options:
            raise AgentError(f"{self._path} is mounted read-only as it is: take another one")
        if writers := self._writers():
            raise AgentError(
                f"the kernel makes no mount read-only while a file on it is open for writing "
                f"({', '.join(writers[:3])}): use disk-error with 'error: EROFS'"
            )
        return Was(sum(FLAGS[option] for option in options if option in FLAGS))

    def apply(self, memory: Was, lease_s: float) -> None:
        self._remount(memory.flags | READ_ONLY)

    def undo(self, memory: Was) -> None:
        if "ro" in (self._options() or ()):
            self._remount(memory.flags)

    def left(self, memory: Was) -> Sequence[str]:
        return ("it is still read-only",) if "ro" in (self._options() or ()) else ()

    def _options(self) -> tuple[str, ...] | None:
        """Of the topmost mount at that path."""
        there = [mount for mount in mounts(self._processes.proc, FIRST) if mount.path == self._path]
        return there[-1].options if there else None

    def _writers(self) -> list[str]:
        """Who of the node keeps what open for writing there, as far as we may look: seen twice, a moment apart."""
        found = self._open_now()
        if found:
            time.sleep(_MOMENT_S)
        return [one for one in found if one in self._open_now()] if found else []

    def _open_now(self) -> list[str]:
        found = []
        for process in self._processes.of_node():
            folder = self._processes.proc / f"{process.pid}"
            with suppress(OSError):
                for link in (folder / "fd").iterdir():
                    with suppress(OSError):
                        target = link.readlink()
                        if target.is_relative_to(self._path) and _is_writing(folder / "fdinfo" / link.name):
                            found.append(f"{process.name} has {target}")
        return found

    def _remount(self, flags: int) -> None:
        until_ns = monotonic_ns() + to_ns(_BUSY_S)  # files that are open for a moment only do not stop us
        while (
            code := in_mounts_of(FIRST, self._processes.proc, lambda: remount(self._path, flags))
        ) == errno.EBUSY and monotonic_ns() < until_ns:
            time.sleep(_AGAIN_S)
        if code:
            raise AgentError(f"the kernel does not remount {self._path}: {os.strerror(code)}{_advice(code)}")


class RefusedWrite(Witness[ReadOnly]):
    """What a process that went into the node's mounts is told when it wants to write there."""

    def __init__(self, primitive: ReadOnly) -> None:
        super().__init__(primitive)
        self._prober = Prober("write-into", primitive.path)

    def readings(self) -> Mapping[str, float]:
        said = self._prober.look(_LOOK_S)
        if not said:
            return {}
        code = int(said)
        return {"erofs": float(code == errno.EROFS), "writable": float(code in (0, errno.EOPNOTSUPP))}

    def close(self) -> None:
        self._prober.close()


def _is_writing(fdinfo: Path) -> bool:
    for line in fdinfo.read_text().splitlines():
        if line.startswith("flags:"):
            return int(line.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY
    return False


def _advice(code: int) -> str:
    if code == errno.EBUSY:
        return "; a file there is open for writing: use disk-error with 'error: EROFS'"
    return "; the engine's AppArmor profile may forbid mounts" if code in (errno.EACCES, errno.EPERM) else ""
