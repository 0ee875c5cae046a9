"""A small volume, filled by a file without a name: the space is free again as soon as its process is gone."""

import errno
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.agent.beside.hogs import available_bytes
from harness.agent.beside.volumes import nameless_file, rounded_up, small_volume
from harness.agent.beside.work import Nothing, Witness, Work
from harness.agent.mortal import be_mortal, end
from harness.errors import AgentError
from harness.primitives import Fill

_MOST_BYTES = 2_000_000_000


class FillVolume(Work[Fill, Nothing]):
    def __init__(self, primitive: Fill) -> None:
        super().__init__(primitive)
        self._path = Path(primitive.path)
        self._holder: int | None = None

    def plan(self) -> Nothing:
        small_volume(self._path, _MOST_BYTES)
        free = free_bytes(self._path)
        if self.asked.leave_bytes >= free:
            raise AgentError(
                f"{self._path} has only {free:,} bytes free, and {self.asked.leave_bytes:,} were to stay free"
            )
        if free > available_bytes() // 2:
            raise AgentError(
                f"{free / 1e6:,.0f} MB are more than half of the memory this host has left: make it smaller"
            )
        return Nothing()

    def apply(self, memory: Nothing, lease_s: float) -> None:
        try:
            file = nameless_file(self._path)
        except OSError as error:
            raise AgentError(f"no file without a name can be made on {self._path}: {error.strerror}") from error
        parent = os.getpid()
        self._holder = os.fork()
        if not self._holder:
            _hold(lease_s, parent)
        try:
            _take(file, free_bytes(self._path) - self.asked.leave_bytes)
        finally:
            os.close(file)

    def undo(self, memory: Nothing) -> None:
        if self._holder is not None:
            end(self._holder)
            self._holder = None

    def left(self, memory: Nothing) -> Sequence[str]:
        return () if self._holder is None else ("the process that holds the space",)


class FreeSpace(Witness[Fill]):
    """What is free, and whether a file of our own may grow by what was left and a page more."""

    def readings(self) -> Mapping[str, float]:
        path = Path(self.asked.path)
        return {"free_bytes": free_bytes(path), "enospc": float(_refused(path, self.asked.leave_bytes))}


def free_bytes(path: Path) -> int:
    """To the superuser."""
    size = os.statvfs(path)
    return size.f_bfree * size.f_frsize


def _hold(lease_s: float, parent: int) -> None:
    """Has the file open, and so decides how long it lasts: until it is ended, or its parent, or the lease."""
    try:
        be_mortal(lease_s, parent)
        while True:
            signal.pause()
    finally:
        os._exit(1)


def _take(file: int, size_bytes: int) -> None:
    """Whole blocks at once, then by pages what is still there: others write too."""
    taken = 0
    step = rounded_up(size_bytes)
    while step and taken < size_bytes:
        step = min(step, rounded_up(size_bytes - taken))
        try:
            os.posix_fallocate(file, taken, step)
            taken += step
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise AgentError(f"the volume cannot be filled: {error.strerror}") from error
            step = rounded_up(step // 2) if step > rounded_up(1) else 0


def _refused(path: Path, leave_bytes: int) -> bool:
    """Asked of the file system by allocating, which takes nothing when it does not fit."""
    try:
        file = nameless_file(path)
    except OSError as error:
        return error.errno == errno.ENOSPC
    try:
        os.posix_fallocate(file, 0, rounded_up(leave_bytes + 1))
    except OSError as error:
        return error.errno == errno.ENOSPC
    finally:
        os.close(file)
    return False
