"""What we need of a running system, as Protocols only. ``drivers`` keep them for Docker; fakes do in tests."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.primitives import Beside
from harness.wire import Address, Message


@dataclass(frozen=True, slots=True)
class Change:
    """The engine said that a node's container changed. ``part``: node, pod, client, prometheus (see the labels)."""

    part: str
    node: str
    action: str
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What Prometheus said: one number, or why there is none."""

    value: float | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """What Prometheus said of a span of time: a number for each step, None where it had none; or why it has none."""

    values: tuple[float | None, ...]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Removed:
    """What is still there after everything of a run was to go, by name.

    ``left``: what could not be removed. ``husks``: networks to which nothing is attached any more and of which the
    engine says that something is: it has miscounted, nobody can use them, and they go when it is next started.
    """

    left: tuple[str, ...] = ()
    husks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a node's container may use, in the engine's own terms; 0: no limit.

    A share of the CPUs is either ``nano_cpus``, or ``cpu_quota_us`` in every ``cpu_period_us``: an engine takes the
    one that a container was created with. ``memory_swap_bytes`` counts memory and swap together.
    """

    nano_cpus: int = 0
    cpu_quota_us: int = 0
    cpu_period_us: int = 0
    memory_bytes: int = 0
    memory_swap_bytes: int = 0
    processes: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """The kernel's counters of a node's control groups. Times and events count from the start of the container.

    ``memory_refusals``: how often the limit was met (cgroup v1 only, else 0). Limits: 0 where there is none.
    """

    cpu_s: float
    throttled_s: float
    throttled_periods: int
    memory_bytes: int
    memory_limit_bytes: int
    memory_refusals: int
    processes: int
    processes_limit: int


@dataclass(frozen=True, slots=True)
class Use:
    """What a node holds and has used. ``memory_bytes``: its working set, without files that the kernel may drop.

    ``cpu_s`` counts from the start of the container. ``descriptors``: open ones of all its processes; None where the
    engine is on another machine, or the kernel older than 6.2.
    """

    memory_bytes: int
    cpu_s: float
    processes: int
    descriptors: int | None = None


@dataclass(frozen=True, slots=True)
class Shares:
    """What became of the processors of the machine that runs the cluster, over ``length_s``, in processor seconds.

    ``idle_s``: what nobody used, or only programs that give way to all others (``nice``). ``stolen_s``: what its host
    gave to other guests. ``ours_s``: what the run's containers and this program used.
    """

    length_s: float
    processors: int
    idle_s: float
    stolen_s: float
    ours_s: float


@dataclass(frozen=True, slots=True)
class Output:
    """What a command in a node's container wrote (both outputs, its last 16 KB), and how it ended."""

    exit_code: int
    text: str


class Stream(Protocol):
    """A program in a container, spoken to in JSON lines over its standard input and output."""

    def send(self, message: Message) -> None:
        """Raises ``AgentError`` when the other end is gone."""

    def lines(self) -> Iterator[bytes]:
        """Its lines until it ends; for one reader thread. Anything on its standard error is raised at the end."""

    def close(self) -> None:
        """End of input for the program; idempotent."""


class Monitor(Protocol):
    """A Prometheus that watches the run."""

    def ask(self, query: str, time_s: float) -> Answer:
        """The value of ``query`` at a wall-clock instant (seconds since 1970)."""

    def range(self, query: str, start_s: float, end_s: float, step_s: float) -> Range:
        """The values of ``query`` from ``start_s`` to ``end_s`` (both in, wall clock), one for every ``step_s``.

        Prometheus counts in milliseconds: so must these.
        """


class RunningCluster(Protocol):
    """One run's containers, found by the run's label. Every method may raise ``EngineError``."""

    def start_pods(self) -> None:
        """Sidecars, load and Prometheus; no node yet."""

    def start_nodes(self) -> None: ...

    def addresses(self) -> tuple[Address, ...]:
        """Every pod's addresses, in the order of the cluster, the client's last."""

    def open_agent(self, pod: str) -> Stream: ...

    def open_client(self) -> Stream: ...

    def open_beside(self, node: str, fault: str, primitives: Sequence[Beside]) -> Stream:
        """Start an agent in a container of its own, in the node's processes, network and volumes, for one fault.

        It has what ``primitives`` need and no more. It ends with its input, and with the node's first process: after
        a restart of the node it has to be opened again. May raise ``AgentError`` too.
        """

    def close_beside(self, node: str, fault: str) -> None:
        """Remove that container, whatever its program does; nothing happens where there is none."""

    def monitor(self) -> Monitor: ...

    def kill(self, node: str) -> None:
        """SIGKILL by the engine: no restart policy acts on it."""

    def crash(self, node: str, fault: str) -> None:
        """SIGKILL to its first process behind the engine's back: its restart policy acts."""

    def stop_node(self, node: str, grace_s: float) -> None: ...

    def restart(self, node: str, grace_s: float) -> None:
        """Stop and start; one that does not run is started."""

    def start(self, node: str) -> bool:
        """Start a node's container again, with tenacity; False: it runs, and nothing was done."""

    def freeze(self, node: str) -> None: ...

    def thaw(self, node: str) -> bool:
        """With tenacity, until the engine says so itself; False: it was not frozen, and nothing was done."""

    def listening(self, node: str) -> bool:
        """Does its container run, and is there a listener on each of its ports?"""

    def limits(self, node: str) -> Limits: ...

    def bound(self, node: str, limits: Limits) -> None:
        """Set all of them; they hold when it returns, and outlive a restart."""

    def usage(self, node: str) -> Usage: ...

    def use(self, node: str) -> Use | None:
        """In one call, for whoever asks every second; None: it does not run."""

    def shares(self) -> Shares | None:
        """Since it was last asked. None: that was the first time, or the engine is on another machine."""

    def read_file(self, node: str, path: str) -> bytes:
        """A tar archive of that one file, with its owner and mode. Refuses what is mounted from the host."""

    def write_file(self, node: str, path: str, archive: bytes) -> None:
        """Put such an archive in its place; the container need not run."""

    def discard(self, node: str) -> None:
        """Remove its container, its anonymous volumes, and the run's volumes that nobody else mounts."""

    def renew(self, node: str) -> bool:
        """A new container in the place of one that was removed; False: there is one, and it runs."""

    def run(self, node: str, fault: str, command: Sequence[str], timeout_s: float) -> Output:
        """Run a command in its container to the end; killed, and an ``EngineError``, after ``timeout_s``."""

    def changes(self) -> Iterator[Change]:
        """What the engine says of the run's containers, until ``stop``; for one reader thread."""

    def save_logs(self, folder: Path) -> None:
        """One file per container."""

    def stop(self) -> Removed:
        """Remove every container, network and volume of the run; what is there all the same."""
