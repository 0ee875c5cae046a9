"""Every process of a node on one clock: those that are there, and those that come.

A fork has its parent's stub, parameters and all; an exec has a vDSO of its own, without it. So all processes are looked
at again and again. Tracing every exec would leave no gap, and a tracer in the node's way all the time.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from harness.agent.clock.memory import ProcessGone, refused
from harness.agent.clock.process import ProcessClock
from harness.agent.clock.stub import TRUE, Patch, Skew
from harness.agent.clock.vdso import Vdso
from harness.errors import AgentError

LOOK_EVERY_S = 0.05
_AGAIN_S = 0.5  # a process that could not be held is not held up again and again
_SCANS_MAX = 3  # what fails in the middle of an exec, or is new, gets so many looks before it is left to the next


def of_the_node() -> Iterator[int]:
    """Processes of this PID namespace that see the same mounts as its first one, unless that one is ours.

    Agents beside the node, for other faults too, are in containers of their own, and so in other mount namespaces. A
    process of the node cannot leave its own: that needs a capability that containers do not have.
    """
    first = _mounts(1)
    if first is None or first == Path("/proc/self/ns/mnt").readlink():
        return
    for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()):
        if _mounts(pid) == first:
            yield pid


def _mounts(pid: int) -> Path | None:
    """Its mount namespace; None: it has ended."""
    try:
        return Path(f"/proc/{pid}/ns/mnt").readlink()
    except PermissionError as error:
        raise refused(pid) from error
    except OSError:
        return None


class Followed:
    """``start`` diverts the clocks of all processes (nothing changes), ``switch`` moves them all, ``stop`` ends it.

    A thread of its own looks for new processes from ``start`` to ``stop``; ``switch`` never waits for it.
    """

    def __init__(self, vdso: Vdso, patch: Patch, processes: Callable[[], Iterable[int]]) -> None:
        self._vdso, self._patch, self._processes = vdso, patch, processes
        self._clocks: dict[int, ProcessClock] = {}
        self._wanted = TRUE
        self._looking = threading.Lock()  # one look at a time; taken before ``_switching``
        self._switching = threading.Lock()  # what is known, and where it should be
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Raises ``AgentError`` for the first process that cannot be followed."""
        self.look()
        self._ended.clear()
        self._thread = threading.Thread(target=self._follow, name="clock", daemon=True)
        self._thread.start()

    def switch(self, skew: Skew) -> None:
        """Every known process goes by ``skew`` now; those that came a moment ago at the next look.

        Raises the first failure, after all others were switched.
        """
        failures: list[AgentError] = []
        with self._switching:
            self._wanted = skew
            for pid, clock in tuple(self._clocks.items()):
                try:
                    clock.switch(skew)
                except ProcessGone:
                    del self._clocks[pid]
                except AgentError as error:
                    failures.append(error)
        if failures:
            raise failures[0]

    def look(self) -> None:
        """Until nothing is new and nothing fails. Raises what still fails, after all others were done."""
        with self._looking:
            for _ in range(_SCANS_MAX):
                fresh, failures = self._scan()
                if not fresh and not failures:
                    break
        if failures:
            raise failures[0]

    def clocks(self) -> tuple[ProcessClock, ...]:
        """Of the processes that are known, lowest process id first."""
        with self._switching:
            return tuple(self._clocks[pid] for pid in sorted(self._clocks))

    def read_back(self) -> dict[int, Skew | None]:
        """Process id -> what its stub goes by, read from its memory; None: its stub is not whole."""
        found: dict[int, Skew | None] = {}
        for clock in self.clocks():
            with contextlib.suppress(ProcessGone):
                found[clock.pid] = clock.skew() if clock.hooked() else None
        return found

    def stop(self) -> None:
        """The clocks of all processes are the kernel's own again.

        A process that cannot be held keeps its stub, which tells the true time. Raises if one cannot even be told to.
        """
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        try:
            self.switch(TRUE)
        finally:
            with contextlib.suppress(AgentError):
                self.look()
            for clock in self.clocks():
                with contextlib.suppress(AgentError):
                    clock.unhook()

    def _follow(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            try:
                self.look()
            except AgentError:  # the next proof or reading tells which process is not skewed
                self._ended.wait(_AGAIN_S)

    def _scan(self) -> tuple[int, list[AgentError]]:
        """(how many were new, what failed)."""
        fresh, failures = 0, []
        pids = set(self._processes())
        for pid in sorted(pids):
            try:
                if not self._kept(pid):
                    self._adopt(pid)
                    fresh += 1
            except ProcessGone:
                continue
            except AgentError as error:
                failures.append(error)
        with self._switching:
            for pid in self._clocks.keys() - pids:
                del self._clocks[pid]
        return fresh, failures

    def _kept(self, pid: int) -> bool:
        """It is known, runs the program it ran, and goes by what is wanted."""
        with self._switching:
            if pid not in self._clocks:
                return False
            try:
                self._clocks[pid].switch(self._wanted)
            except ProcessGone:
                del self._clocks[pid]
                return False
            return True

    def _adopt(self, pid: int) -> None:
        """A stub that is new tells the true time; one that was inherited is put right in the same breath."""
        clock = ProcessClock(pid, self._vdso, self._patch)
        clock.hook()
        with self._switching:
            self._clocks[pid] = clock
            clock.switch(self._wanted)
