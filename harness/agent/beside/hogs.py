"""Work beside a node that takes what the node's control group may have: CPU, memory, or all of its memory."""

import ctypes
import mmap
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from harness.agent.beside.cgroups import Groups, Memory, enter, groups
from harness.agent.beside.processes import OURS, Processes
from harness.agent.beside.work import Nothing, Witness, Work
from harness.agent.mortal import be_mortal, end
from harness.clock import monotonic_ns, to_ns
from harness.errors import AgentError
from harness.primitives import Hog

_CHUNK_BYTES = 1 << 20
_STEP_BYTES, _MARGIN_BYTES = 1 << 20, 16 << 20  # below the limit by the margin nobody can be killed yet
_HELD_S = 8.0  # in which declared memory must have been taken
_KILL_S = 5.0  # in which the kernel must have killed somebody
_LOOK_S = 0.002
_RAN, _WAITED = 0, 1  # columns of a thread's schedstat
_HOST_SHARE = 0.5  # of what the host could give, we never take more


class RunHog(Work[Hog, Nothing]):
    """Its workers are its children: they end with it, and by themselves at the end of the lease."""

    def __init__(self, primitive: Hog, node: Groups | None = None, proc: Path = Path("/proc")) -> None:
        super().__init__(primitive)
        self._node = node or groups()
        self._proc = proc
        self._workers: list[int] = []

    def plan(self) -> Nothing:
        if self.asked.what != "cpu":
            self._check_memory()
        elif not self._node.doors("cpu"):
            raise AgentError("the node has no control group for CPU")
        return Nothing()

    def apply(self, memory: Nothing, lease_s: float) -> None:
        if self.asked.what == "cpu":
            doors = self._node.doors("cpu")
            self._workers = [_busy(doors, lease_s) for _ in range(self.asked.workers)]
        elif self.asked.what == "memory":
            self._take(lease_s)
        else:
            self._exhaust(lease_s)

    def undo(self, memory: Nothing) -> None:
        for pid in self._workers:
            end(pid)
        self._workers = []

    def _check_memory(self) -> None:
        now, spare = self._node.memory(), int(available_bytes(self._proc) * _HOST_SHARE)
        if self.asked.what == "oom":
            if now.limit_bytes is None:
                raise AgentError(
                    "the node has no memory limit, so the host would run out instead: set 'mem_limit' on it"
                )
            wanted, whole = now.limit_bytes - now.used_bytes, "what is left under the node's limit"
        else:
            wanted, whole = self.asked.size_bytes, "what was asked for"
            if now.limit_bytes is not None and wanted > now.limit_bytes - now.anonymous_bytes:
                left = now.limit_bytes - now.anonymous_bytes
                raise AgentError(
                    f"{_mb(wanted)} are more than the {_mb(left)} left under the node's limit: ask for less"
                )
        if wanted > spare:
            raise AgentError(f"{whole}, {_mb(wanted)}, is more than half of what this host has left ({_mb(2 * spare)})")

    def _take(self, lease_s: float) -> None:
        """Anonymous memory in one worker that the kernel kills before anybody else of that group."""
        told, tells = os.pipe()
        doors, parent = self._node.doors("memory"), os.getpid()
        pid = os.fork()
        if not pid:
            _child(lambda: _hold(doors, self.asked.size_bytes, tells), lease_s, parent)
        os.close(tells)
        self._workers = [pid]
        held = bool(select.select([told], [], [], _HELD_S)[0]) and os.read(told, 1) == b"+"
        os.close(told)
        if not held:
            raise AgentError(
                f"the worker could not take {_mb(self.asked.size_bytes)}: the kernel ended it, or was slow"
            )

    def _exhaust(self, lease_s: float) -> None:
        """Files that no process maps, written from inside the group: the group pays, and there is no hog to kill.

        Written by a process smaller than any real one, near the limit a little at a time: what one kill frees is far
        more than the rest of a step, so that nobody else is killed before we have looked. Then all of it is let go.
        """
        before = self._node.memory()
        if before.limit_bytes is None:
            raise AgentError("the node has no memory limit any more")
        file = os.memfd_create("harness-oom")
        try:
            killed = self._written_until_killed(file, before, lease_s)
        finally:
            os.close(file)
        if not killed:
            raise AgentError("the kernel killed none of the node's processes: they are smaller than 'dd', or very busy")

    def _written_until_killed(self, file: int, before: Memory, lease_s: float) -> bool:
        assert before.limit_bytes is not None
        until_ns, at, own = monotonic_ns() + to_ns(_KILL_S), 0, 0
        size = max(_STEP_BYTES, before.limit_bytes - before.anonymous_bytes - _MARGIN_BYTES)
        while at <= before.limit_bytes + _MARGIN_BYTES and monotonic_ns() < until_ns:
            writer = self._writer(file, at, size, lease_s)
            try:
                while (ended := writer.poll()) is None and monotonic_ns() < until_ns and self._kills(before) <= own:
                    time.sleep(_LOOK_S)
            finally:
                writer.kill()
                writer.wait()
            own += ended == -signal.SIGKILL  # the kernel took the writer: it must not count as one of the node's
            if self._kills(before) > own:
                os.ftruncate(file, 0)  # at once: whoever is started again needs it
                return True
            at, size = at + size, _STEP_BYTES
        return False

    def _kills(self, before: Memory) -> int:
        return self._node.memory().oom_kills - before.oom_kills

    def _writer(self, file: int, at: int, size: int, lease_s: float) -> "subprocess.Popen[bytes]":
        parent, doors = os.getpid(), self._node.doors("memory")

        def begin() -> None:
            be_mortal(lease_s, parent)
            enter(doors)
            with suppress(OSError):
                Path("/proc/self/oom_score_adj").write_text("-1000")  # where we may: then it is never the victim

        where = (f"of=/proc/self/fd/{file}", "bs=64k", f"seek={at >> 16}", f"count={size >> 16}", "conv=notrunc")
        command = ("dd", "if=/dev/zero", *where, "status=none")
        return subprocess.Popen(command, pass_fds=(file,), preexec_fn=begin)  # noqa: PLW1509  # one thread


class Pressure(Witness[Hog]):
    """What the kernel's accounts say of the node's group, of our loops in it, and of the node's own threads."""

    def __init__(self, primitive: Hog, node: Groups | None = None, processes: Processes | None = None) -> None:
        super().__init__(primitive)
        self._node = node or groups()
        self._processes = processes or Processes()

    def readings(self) -> Mapping[str, float]:
        if self.asked.what == "cpu":
            cpu = self._node.cpu()
            node = {"cpu_used_s": cpu.used_s, "throttled_s": cpu.throttled_s, "waited_s": self._waited_s()}
            return {**node, **self._loops()}
        memory = self._node.memory()
        limit = {} if memory.limit_bytes is None else {"limit_bytes": float(memory.limit_bytes)}
        used = {"used_bytes": memory.used_bytes, "anonymous_bytes": memory.anonymous_bytes}
        return {**used, **limit, "oom_kills": memory.oom_kills}

    def _loops(self) -> Mapping[str, float]:
        """How many of ours are in the node's group, and the CPU time they have had."""
        pids = self._node.members("cpu")
        ours = [one for one in map(self._processes.find, pids) if one and one.alive and one.name == OURS]
        ran_ns = sum(_schedstat(self._processes.proc / f"{one.pid}/schedstat", _RAN) for one in ours)
        return {"loops": len(ours), "loops_used_s": ran_ns / 1e9}

    def _waited_s(self) -> float:
        """Run delay of every thread the node has now."""
        return (
            sum(
                _schedstat(path, _WAITED)
                for process in self._processes.of_node()
                for path in (self._processes.proc / f"{process.pid}/task").glob("*/schedstat")
            )
            / 1e9
        )


def available_bytes(proc: Path = Path("/proc")) -> int:
    """What the host could give without swapping."""
    for line in (proc / "meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise AgentError("/proc/meminfo does not say what memory is available")


def _schedstat(path: Path, column: int) -> int:
    """Nanoseconds (Documentation/scheduler/sched-stats); 0 of what has ended."""
    with suppress(OSError, ValueError, IndexError):
        return int(path.read_text().split()[column])
    return 0


def _busy(doors: tuple[Path, ...], lease_s: float) -> int:
    parent = os.getpid()
    pid = os.fork()
    if not pid:
        _child(lambda: _spin(doors), lease_s, parent)
    return pid


def _child(job: Callable[[], None], lease_s: float, parent: int) -> None:
    """What a fork does instead of coming back."""
    try:
        be_mortal(lease_s, parent)
        job()
    finally:
        os._exit(1)


def _spin(doors: tuple[Path, ...]) -> None:
    enter(doors)
    while True:
        pass


def _hold(doors: tuple[Path, ...], size_bytes: int, tells: int) -> None:
    Path("/proc/self/oom_score_adj").write_text("1000")
    enter(doors)
    memory = mmap.mmap(-1, size_bytes, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for offset in range(0, size_bytes, _CHUNK_BYTES):
        ctypes.memset(start + offset, 1, min(_CHUNK_BYTES, size_bytes - offset))
    os.write(tells, b"+")
    while True:
        signal.pause()


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.0f} MB"
