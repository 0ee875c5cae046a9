"""System calls of the node's processes on some files fail, wait or lie: ``strace`` answers in the kernel's place."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.agent.beside.processes import Processes
from harness.agent.beside.work import Nothing, Witness, Work
from harness.agent.mortal import be_mortal
from harness.clock import monotonic_ns, to_ns
from harness.errors import AgentError
from harness.primitives import Syscalls

_MOST_FILES = 200
_ATTACH_S = 5.0
_DETACH_S = 2.0
_LOOK_S = 0.002
_MARKS = (b"(INJECTED)", b"(DELAYED)", b"(INJECTED: ")


class InjectSyscalls(Work[Syscalls, Nothing]):
    """``strace`` is its child and ends with it; the kernel then lets its processes go on as if nothing had been."""

    def __init__(self, primitive: Syscalls, processes: Processes | None = None) -> None:
        super().__init__(primitive)
        self._processes = processes or Processes()
        self._strace: subprocess.Popen[bytes] | None = None
        self._met = 0

    def plan(self) -> Nothing:
        tuple(files(Path(self.asked.path)))
        for process in self._processes.of_node():
            if tracer := tracer_of(self._processes, process.pid):
                raise AgentError(
                    f"process {process.pid} ({process.name}) is traced by {tracer} already: end that first"
                )
        return Nothing()

    def apply(self, memory: Nothing, lease_s: float) -> None:
        pids = [process.pid for process in self._processes.of_node()]
        parent = os.getpid()
        try:
            self._strace = subprocess.Popen(
                command(self.asked, tuple(files(Path(self.asked.path))), pids),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                preexec_fn=lambda: be_mortal(lease_s, parent, signal.SIGTERM),  # noqa: PLW1509  # a keeper has one thread
            )
        except OSError as error:
            raise AgentError(f"strace cannot be started: {error.strerror}") from error
        threading.Thread(target=self._count, args=(self._strace.stdout,), name="strace", daemon=True).start()
        self._await_attached(pids)

    def undo(self, memory: Nothing) -> None:
        strace, self._strace = self._strace, None
        if strace is None:
            return
        strace.terminate()  # it lets go of everybody in good order
        try:
            strace.wait(_DETACH_S)
        except subprocess.TimeoutExpired:
            strace.kill()
            strace.wait()

    def left(self, memory: Nothing) -> Sequence[str]:
        traced = [process for process in self._processes.of_node() if tracer_of(self._processes, process.pid)]
        return [f"process {process.pid} ({process.name}) is still traced" for process in traced]

    def met(self) -> int:
        return self._met

    def _await_attached(self, pids: list[int]) -> None:
        assert self._strace is not None
        until_ns = monotonic_ns() + to_ns(_ATTACH_S)
        while any(self._processes.find(pid) and not tracer_of(self._processes, pid) for pid in pids):
            if self._strace.poll() is not None:
                assert self._strace.stderr is not None
                said = self._strace.stderr.read().decode(errors="replace").strip().splitlines()
                raise AgentError(f"strace ended: {said[-1] if said else 'it said nothing'}")
            if monotonic_ns() > until_ns:
                raise AgentError(f"strace has not attached to the node's processes after {_ATTACH_S:g} s")
            signal.sigtimedwait((), _LOOK_S)

    def _count(self, lines: "Iterator[bytes]") -> None:
        for line in lines:
            self._met += any(mark in line for mark in _MARKS)


class Traced(Witness[Syscalls]):
    """Whether the kernel says of each of the node's processes that it is traced; ``untraced``: those that are not.

    How often a call was answered by us is only known from strace itself (``met``): nobody else can see that.
    """

    def __init__(self, primitive: Syscalls, processes: Processes | None = None) -> None:
        super().__init__(primitive)
        self._processes = processes or Processes()

    def readings(self) -> Mapping[str, float]:
        tracers = [tracer_of(self._processes, process.pid) for process in self._processes.of_node()]
        return {"traced": float(sum(map(bool, tracers))), "untraced": float(sum(not tracer for tracer in tracers))}


def command(asked: Syscalls, paths: Sequence[Path], pids: Sequence[int]) -> tuple[str, ...]:
    """A ``?`` before a call: not every machine has it."""
    calls = ",".join(f"?{call}" for call in asked.calls)
    what = "retval=0" if asked.lie else f"error={asked.error}" if asked.error else ""
    wait = f"delay_enter={round(asked.delay_s * 1e6)}" if asked.delay_s else ""
    every = f"when={asked.every}+{asked.every}" if asked.every > 1 else ""
    inject = ":".join(part for part in (f"inject={calls}", what, wait, every) if part)
    where = [word for path in paths for word in ("-P", str(path))]
    who = [word for pid in pids for word in ("-p", str(pid))]
    return ("strace", "-f", "-qqq", "-s", "0", "-o", "/dev/stdout", "-e", f"trace={calls}", "-e", inject, *where, *who)


def files(path: Path) -> Iterator[Path]:
    """The path, and if it is a directory all that is under it now: strace knows exact paths only."""
    yield path
    count = 1
    if path.is_dir():
        for inside in path.rglob("*"):
            count += 1
            if count > _MOST_FILES:
                raise AgentError(f"{path} holds more than {_MOST_FILES} files: name one file, or a smaller directory")
            yield inside
    elif not path.exists() and not path.parent.exists():
        raise AgentError(f"{path} cannot be seen from beside the node: name a path in a volume of it")


def tracer_of(processes: Processes, pid: int) -> int:
    """Its tracer's pid, or 0."""
    return int(processes.status(pid).get("TracerPid", "0") or 0)
