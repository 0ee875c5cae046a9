"""A signal to processes of the node, chosen by name; where it can be undone, another one at the end."""

import os
import signal
from collections.abc import Mapping, Sequence

import msgspec

from harness.agent.beside.processes import FIRST, Process, Processes
from harness.agent.beside.work import Witness, Work
from harness.clock import monotonic_ns, to_ns
from harness.errors import AgentError
from harness.primitives import Signal

_SETTLES_S = 0.2  # by when a process that got SIGCONT must have gone on


class Who(msgspec.Struct, frozen=True):
    """Pids and when each was started: whoever has that pid later is somebody else."""

    processes: tuple[tuple[int, int], ...]


class SendSignal(Work[Signal, Who]):
    memory = Who

    def __init__(self, primitive: Signal, processes: Processes | None = None) -> None:
        super().__init__(primitive)
        self._processes = processes or Processes()
        self._sent = 0

    def plan(self) -> Who:
        found = self._processes.of_node(self.asked.process)
        if not found:
            names = ", ".join(sorted({process.name for process in self._processes.of_node()}))
            raise AgentError(f"no process there is called '{self.asked.process}' (there are: {names})")
        reached = [process for process in found if reaches(self._processes, process, self.asked.signal)]
        if not reached:
            raise AgentError(
                f"'{self.asked.process}' is the node's first process, which the kernel protects from SIG"
                f"{self.asked.signal} inside: use freeze, kill or crash, or name a process that it started"
            )
        return Who(tuple((process.pid, process.started) for process in reached))

    def apply(self, memory: Who, lease_s: float) -> None:
        self._sent += self._send(self.asked.signal, memory)

    def undo(self, memory: Who) -> None:
        if self.asked.undo:
            self._send(self.asked.undo, memory)

    def left(self, memory: Who) -> Sequence[str]:
        if not self.asked.undo:
            return ()
        until_ns = monotonic_ns() + to_ns(_SETTLES_S)
        while (stopped := [p for p in self._there(memory) if p.state in "Tt"]) and monotonic_ns() < until_ns:
            signal.sigtimedwait((), 0.001)
        return [f"process {process.pid} ({process.name}) is still stopped" for process in stopped]

    def met(self) -> int:
        return self._sent

    def _there(self, who: Who) -> list[Process]:
        found = (self._processes.find(pid) for pid, _ in who.processes)
        return [process for process in found if process and (process.pid, process.started) in who.processes]

    def _send(self, name: str, who: Who) -> int:
        sent = 0
        for process in self._there(who):
            try:
                os.kill(process.pid, signal.Signals[f"SIG{name}"])
                sent += 1
            except ProcessLookupError:
                continue
            except PermissionError as error:
                raise AgentError(f"the kernel does not let us signal process {process.pid}: add KILL") from error
        return sent


class Signalled(Witness[Signal]):
    """Who stands still, who is gone, who has taken the signal into a handler: as ``/proc`` shows it.

    Counted among the processes that were there beforehand; ``matching`` are those of that name now.
    """

    def __init__(self, primitive: Signal, processes: Processes | None = None) -> None:
        super().__init__(primitive)
        self._processes = processes or Processes()
        self._before = self._reached()

    def readings(self) -> Mapping[str, float]:
        now = self._reached()
        there = {(process.pid, process.started) for process in now}
        known = {(process.pid, process.started) for process in self._before}
        return {
            "matching": len(now),
            "stopped": sum(process.state in "Tt" for process in now),
            "gone": len(known - there),
            "handled": sum(self._has_taken(process) for process in now if (process.pid, process.started) in known),
        }

    def _reached(self) -> list[Process]:
        found = self._processes.of_node(self.asked.process)
        return [process for process in found if reaches(self._processes, process, self.asked.signal)]

    def _has_taken(self, process: Process) -> bool:
        number = signal.Signals[f"SIG{self.asked.signal}"]
        status = self._processes.status(process.pid)
        pending = any(_mask(status.get(key, "0")) >> (number - 1) & 1 for key in ("SigPnd", "ShdPnd"))
        return handles(self._processes, process.pid, self.asked.signal) and not pending


def reaches(processes: Processes, process: Process, name: str) -> bool:
    """The first process of a PID namespace gets, from inside, only what it has a handler for."""
    return process.pid != FIRST or handles(processes, FIRST, name)


def handles(processes: Processes, pid: int, name: str) -> bool:
    """It has a handler for this signal."""
    caught = _mask(processes.status(pid).get("SigCgt", "0"))
    return bool(caught >> (signal.Signals[f"SIG{name}"] - 1) & 1)


def _mask(text: str) -> int:
    return int(text or "0", 16)
