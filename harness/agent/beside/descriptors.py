"""How many files the node's processes may have open: their own soft limit, lowered and put back."""

import os
import resource
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from harness.agent.beside.processes import Process, Processes
from harness.agent.beside.work import Witness, Work
from harness.errors import AgentError
from harness.primitives import Descriptors

_NOFILE = resource.RLIMIT_NOFILE


class Old(msgspec.Struct, frozen=True):
    """(pid, when it was started, its soft limit) of each process; the first is what newcomers get back."""

    limits: tuple[tuple[int, int, int], ...]


class LowerDescriptors(Work[Descriptors, Old]):
    memory = Old

    def __init__(self, primitive: Descriptors, processes: Processes | None = None) -> None:
        super().__init__(primitive)
        self._processes = processes or Processes()

    def plan(self) -> Old:
        found = self._processes.of_node(self.asked.process)
        if not found:
            raise AgentError(f"no process there is called '{self.asked.process}'")
        limits = [(process, soft_limit(self._processes.proc, process.pid)) for process in found]
        old = tuple((process.pid, process.started, soft) for process, soft in limits if soft is not None)
        if old and all(soft <= self.asked.limit for _, _, soft in old):
            raise AgentError(
                f"they may open only {max(soft for _, _, soft in old)} files as it is: write a lower limit"
            )
        return Old(old)

    def apply(self, memory: Old, lease_s: float) -> None:
        there = {(process.pid, process.started): process for process in self._processes.of_node(self.asked.process)}
        for pid, started, soft in memory.limits:
            if (process := there.get((pid, started))) is not None:
                self._set(process, min(self.asked.limit, soft))

    def undo(self, memory: Old) -> None:
        """Those that were there get their own limit, those that came later (and have inherited ours) the first's."""
        for process, soft in self._lowered(memory):
            self._set(process, soft)

    def left(self, memory: Old) -> Sequence[str]:
        return [f"process {process.pid} ({process.name})" for process, _ in self._lowered(memory)]

    def _lowered(self, memory: Old) -> list[tuple[Process, int]]:
        own = {(pid, started): soft for pid, started, soft in memory.limits}
        usual = max((soft for _, _, soft in memory.limits), default=0)
        found = []
        for process in self._processes.of_node():
            wanted = own.get((process.pid, process.started), usual)
            now = soft_limit(self._processes.proc, process.pid)
            if now == self.asked.limit and wanted > now:
                found.append((process, wanted))
        return found

    def _set(self, process: Process, soft: int) -> None:
        def change() -> None:
            hard = resource.prlimit(process.pid, _NOFILE)[1]
            resource.prlimit(process.pid, _NOFILE, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))

        status = self._processes.status(process.pid)
        if not status:
            return  # it has ended meanwhile
        try:
            _as(int(status["Uid"].split()[0]), int(status["Gid"].split()[0]), change)
        except ProcessLookupError:
            return
        except OSError as error:
            raise AgentError(
                f"the limit of process {process.pid} ({process.name}) cannot be set: {error.strerror}"
            ) from error


class OpenFiles(Witness[Descriptors]):
    """The highest limit of these processes and the most files that one of them has open, as ``/proc`` says.

    ``at_limit``: how many of them cannot open another one. What may not be counted is left out.
    """

    def __init__(self, primitive: Descriptors, processes: Processes | None = None) -> None:
        super().__init__(primitive)
        self._processes = processes or Processes()

    def readings(self) -> Mapping[str, float]:
        limits: list[int] = []
        counts: list[int] = []
        full = 0
        for process in self._processes.of_node(self.asked.process):
            soft = soft_limit(self._processes.proc, process.pid)
            count = open_files(self._processes.proc, process.pid)
            if soft is not None:
                limits.append(soft)
            if count is not None:
                counts.append(count)
                full += soft is not None and count >= soft
        read = {"limit_max": float(max(limits))} if limits else {}
        return {**read, **({"open_files_max": float(max(counts)), "at_limit": float(full)} if counts else {})}


def soft_limit(proc: Path, pid: int) -> int | None:
    """From ``/proc/PID/limits``; None if it is gone."""
    with suppress(OSError, ValueError, IndexError):
        for line in (proc / f"{pid}/limits").read_text().splitlines():
            if line.startswith("Max open files"):
                word = line.split()[3]
                return resource.RLIM_INFINITY if word == "unlimited" else int(word)
    return None


def open_files(proc: Path, pid: int) -> int | None:
    """None if it is gone, or if we may not look."""
    folder = proc / f"{pid}/fd"
    with suppress(OSError):
        return folder.stat().st_size or len(list(folder.iterdir()))  # since Linux 6.2 the size is the number
    return None


def _as(uid: int, gid: int, change: Callable[[], None]) -> None:
    """The kernel lets a process change the limits of those of its own user: where that is another, a child becomes it.

    ``OSError`` as ``change`` raised it. Without a capability beyond SETUID and SETGID.
    """
    if (uid, gid) == (os.getuid(), os.getgid()):
        return change()
    pid = os.fork()
    if not pid:
        code = 255
        try:
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            change()
            code = 0
        except OSError as error:
            code = error.errno or 255
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        raise OSError(code, os.strerror(code))
    return None
