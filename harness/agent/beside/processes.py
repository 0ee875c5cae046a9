"""The node's processes as ``/proc`` shows them to a process in the node's PID namespace, told apart from ours.

Ours run in that namespace too, but in a container of their own. A node's processes are those in the control group of
its first process. Only some of our workers enter that group, with the controllers ``_ENTERED`` (v1) or wholly (v2);
where wholly, they are known by ``OURS``, the name they give themselves.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import AgentError

OURS = "harness-keeper"  # at most 15 letters: what the kernel keeps of a name
FIRST = 1  # the node's first process, in its own PID namespace
_ENTERED = frozenset(("cpu", "cpuacct", "memory", "blkio"))


@dataclass(frozen=True, slots=True)
class Process:
    """``started``: ticks since boot; with ``pid`` it says whether this is still the same process."""

    pid: int
    started: int
    name: str
    command: str
    state: str

    @property
    def alive(self) -> bool:
        return self.state not in "ZX"

    def is_called(self, text: str) -> bool:
        return text in (self.name, "") or text in self.command


class Processes:
    """``proc``: where the kernel shows its processes."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self.proc = proc

    def of_node(self, called: str = "") -> tuple[Process, ...]:
        """The node's living processes whose name is ``called`` or whose command line holds it, in order of pid."""
        group = self._group(FIRST)
        if group is None:
            raise AgentError("the node's first process is not in /proc: run this in the node's PID namespace")
        return tuple(sorted(self._of(group, called), key=lambda process: process.pid))

    def find(self, pid: int) -> Process | None:
        """None if there is no such process (any more)."""
        with suppress(OSError, ValueError, IndexError):
            name, _, rest = (self.proc / f"{pid}/stat").read_text(errors="replace").rpartition(")")
            fields = rest.split()
            command = (self.proc / f"{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            return Process(pid, int(fields[19]), name.partition("(")[2], command, fields[0])
        return None

    def status(self, pid: int) -> dict[str, str]:
        """The lines of ``/proc/PID/status``; empty if it is gone."""
        with suppress(OSError):
            lines = (self.proc / f"{pid}/status").read_text(errors="replace").splitlines()
            return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
        return {}

    def _of(self, group: frozenset[str], called: str) -> Iterator[Process]:
        pids = [int(entry.name) for entry in self.proc.iterdir() if entry.name.isdecimal()]
        for pid in pids:
            if not _holds(group, self._group(pid)):
                continue
            process = self.find(pid)
            if process and process.alive and process.name != OURS and process.is_called(called):
                yield process

    def _group(self, pid: int) -> frozenset[str] | None:
        """Its control groups, without those that a worker of ours enters by itself; None if it is gone."""
        with suppress(OSError):
            lines = (self.proc / f"{pid}/cgroup").read_text().splitlines()
            parts = [line.split(":", 2) for line in lines]
            return frozenset(f"{number}:{path}" for number, names, path in parts if not _ENTERED & {*names.split(",")})
        return None


def _holds(group: frozenset[str], other: frozenset[str] | None) -> bool:
    """Each of these groups is the other's, or above it."""
    if other is None:
        return False
    return all(any(one == line or one.startswith(f"{line.rstrip('/')}/") for one in other) for line in group)
