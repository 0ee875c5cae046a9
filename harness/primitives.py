"""What a fault is made of: one change to one node each, with its inverse, its witness and its lease.

Who makes the change decides its union. ``PodPrimitive``: the agent in the node's sidecar, on the network namespace.
``BesidePrimitive``: an agent beside the node, in a container of its own that joins the node's processes and volumes for
the length of one fault. ``EnginePrimitive``: the harness itself, by the engine. None of them ever hears the name of a
kind of fault, only the fault's own name (``lost-n1``), under which everything is found.

``says`` is for a person who looks at that node; ``lease`` says what heals the change when we are dead.
"""

from typing import ClassVar, Literal

import msgspec

from harness.units import show_planned_s, show_share

LEASE_S = 5.0  # no heartbeat for so long: an agent heals everything
KERNEL_LEASE_MARGIN_S = 2.0  # what the kernel's own time-out adds to a fault's planned length
KERNEL_SETTINGS = "/host/proc/sys/net"  # where an agent beside a node finds the namespace's settings, writable

Style = Literal["drop", "reject"]
Owner = Literal["node", "peer"]
_SILENT = f"the agent heals when it has heard nothing for {show_planned_s(LEASE_S)}"


class Primitive(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """``node``: whom it changes."""

    node: str

    def says(self) -> str:
        raise NotImplementedError

    def lease(self, for_s: float) -> str:
        return _SILENT


class Beside(Primitive, frozen=True):
    """What its container needs beside the node's processes, volumes and network: Linux ``capabilities``, the host's
    control groups (``/sys/fs/cgroup``, writable), the namespace's kernel settings (``/proc/sys/net``, writable)."""

    capabilities: ClassVar[tuple[str, ...]] = ()
    control_groups: ClassVar[bool] = False
    kernel_settings: ClassVar[bool] = False


def _kernel_lease(for_s: float) -> str:
    return f"{_SILENT}; the kernel forgets the rule {show_planned_s(for_s + KERNEL_LEASE_MARGIN_S)} after it was set"


def _connections(node: str, peer: str, port: int | None, port_of: Owner | None) -> str:
    return "" if port is None else f" of connections to {node if port_of == 'node' else peer}:{port}"


# --- in the pod's network namespace -----------------------------------------------------------------------------------


class Cut(Primitive, frozen=True):
    """Packets between ``node`` and ``peer`` end at ``node``, as they arrive (``in``) or as they leave (``out``).

    ``port`` None: every port. Else only connections to that port, which ``port_of`` owns (node or peer).
    ``reject`` answers with a reset or an unreachable, and resets established connections when it fires.
    """

    peer: str
    hook: Literal["in", "out"]
    style: Style
    port: int | None = None
    port_of: Owner | None = None

    def says(self) -> str:
        way = f"from {self.peer}, as they arrive," if self.hook == "in" else f"to {self.peer}, as they leave,"
        which = f"packets {way}{_connections(self.node, self.peer, self.port, self.port_of)}"
        return f"{self.node}: {which} are {'dropped' if self.style == 'drop' else 'rejected'}"

    def lease(self, for_s: float) -> str:
        return _kernel_lease(for_s)


class Disturb(Primitive, frozen=True):
    """What happens to packets from ``peer`` as they arrive at ``node``, in the kernel's packet queue.

    ``delay_s`` +- ``jitter_s`` (uniform); shares (0 to 1) of packets that are lost (``burst``: the mean number
    lost in a row; 1: independent), doubled, overtaken by later ones, or corrupted by one flipped bit (``silent``: with
    the checksum mended, so that the program gets it; else the kernel throws it away as on a bad wire).
    ``seed``: of every draw. ``port`` and ``port_of`` as in ``Cut``.
    """

    peer: str
    port: int | None = None
    port_of: Owner | None = None
    delay_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    burst: float = 1.0
    duplicate: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0
    silent: bool = False
    seed: int = 0

    def says(self) -> str:
        shares = {"lost": self.loss, "doubled": self.duplicate, "overtaken": self.reorder, "corrupted": self.corrupt}
        done = [f"held for {self.delay_s * 1000:g} ms" if self.delay_s else ""]
        done += [f"± {self.jitter_s * 1000:g} ms" if self.jitter_s else ""]
        done += [f"{show_share(share)} of them {what}" for what, share in shares.items() if share]
        done += [f"in bursts of {self.burst:g}" if self.burst > 1 else "", "silently" if self.silent else ""]
        which = f"packets from {self.peer}{_connections(self.node, self.peer, self.port, self.port_of)}"
        return f"{self.node}: {which} go through the packet queue: {' '.join(d for d in done if d) or 'unchanged'}"

    def lease(self, for_s: float) -> str:
        return f"{_kernel_lease(for_s)}; without the queue's program packets pass"


class Rate(Primitive, frozen=True):
    """What ``node`` sends to ``peer`` leaves at most at ``bits_per_s`` (shaped: it waits, it is not thrown away)."""

    peer: str
    bits_per_s: int
    port: int | None = None
    port_of: Owner | None = None

    def says(self) -> str:
        which = f"packets to {self.peer}{_connections(self.node, self.peer, self.port, self.port_of)}"
        return f"{self.node}: {which} leave at {self.bits_per_s / 1e6:g} Mbit/s at most"

    def lease(self, for_s: float) -> str:
        return _kernel_lease(for_s)


class Limit(Primitive, frozen=True):
    """``node`` takes at most ``connections`` TCP connections at a time on ``port`` from everyone; others are reset."""

    port: int
    connections: int

    def says(self) -> str:
        return f"{self.node}: at most {self.connections} connections at a time to port {self.port}"

    def lease(self, for_s: float) -> str:
        return _kernel_lease(for_s)


class Toxic(Primitive, frozen=True):
    """One Toxiproxy toxic on the proxied link ``node -> peer:port`` (and on that link's echo), in ``node``'s pod.

    ``attributes``: Toxiproxy's own names and whole numbers, such as ``(("latency", 200), ("jitter", 20))``, in ms.
    """

    peer: str
    port: int
    type: str
    stream: Literal["upstream", "downstream"]
    attributes: tuple[tuple[str, int], ...]

    def says(self) -> str:
        values = ", ".join(f"{name} {value}" for name, value in self.attributes)
        link = f"{self.node} -> {self.peer}:{self.port}"
        return f"{self.node}: toxic {self.type} ({values}) {self.stream} on {link}"

    def lease(self, for_s: float) -> str:
        return f"{_SILENT}; without the agent its supervisor stops Toxiproxy"


class Tamper(Primitive, frozen=True):
    """A proxy of ours changes what flows on connections from ``node`` to ``peer:port``, in ``node``'s namespace.

    ``how``: ``flip`` one bit, ``replace`` every ``find`` by ``put`` (same bytes or not), ``replay`` the chunk before in
    place of this one, ``truncate`` (half of the chunk, then the connection ends), ``forge`` (the chunk's body is
    ``put``, a template in which ``{n}`` counts). Of the chunks that have something to
    change, every ``every``-th, or ``share``.
    """

    peer: str
    port: int
    how: Literal["flip", "replace", "replay", "truncate", "forge"]
    stream: Literal["upstream", "downstream"] = "downstream"
    every: int | None = None
    share: float = 1.0
    find: str = ""
    put: str = ""
    seed: int = 0

    def says(self) -> str:
        often = f"one in {self.every}" if self.every else show_share(self.share)
        link = f"{self.node} -> {self.peer}:{self.port}"
        return f"{self.node}: a proxy of ours does '{self.how}' to {often} of the chunks {self.stream} on {link}"

    def lease(self, for_s: float) -> str:
        return _kernel_lease(for_s)


class Resolve(Primitive, frozen=True):
    """What ``node``'s programs hear when they ask for ``names`` (none: for any): a resolver of ours answers instead.

    ``answer``: ``nxdomain``, ``servfail``, ``address`` (always ``address``), ``delay`` (the true answer,
    ``delay_s`` later) or ``silence``. Names that are not named get the true answer.
    """

    names: tuple[str, ...]
    answer: Literal["nxdomain", "servfail", "address", "delay", "silence"]
    address: str | None = None
    delay_s: float = 0.0

    def says(self) -> str:
        what = f"{self.address}" if self.answer == "address" else self.answer
        late = f" {self.delay_s * 1000:g} ms" if self.answer == "delay" else ""
        return f"{self.node}: asked for {', '.join(self.names) or 'any name'}, DNS answers with {what}{late}"

    def lease(self, for_s: float) -> str:
        return _kernel_lease(for_s)


PodPrimitive = Cut | Disturb | Rate | Limit | Toxic | Tamper | Resolve


# --- beside the node --------------------------------------------------------------------------------------------------


class Ephemeral(Beside, frozen=True):
    """``node`` may open connections from ``count`` local ports only, from ``low`` on."""

    low: int
    count: int
    kernel_settings: ClassVar[bool] = True

    def says(self) -> str:
        return f"{self.node}: local ports {self.low} to {self.low + self.count - 1} only"


class Clock(Beside, frozen=True):
    """The wall clock that ``node``'s programs read is ``offset_s`` ahead, and gains ``drift`` seconds a second."""

    offset_s: float
    drift: float = 0.0
    capabilities: ClassVar[tuple[str, ...]] = ("SYS_PTRACE", "DAC_OVERRIDE")

    def says(self) -> str:
        return f"{self.node}: its processes read a wall clock {self.offset_s:+g} s, gaining {self.drift:+g} s a second"

    def lease(self, for_s: float) -> str:
        itself = f"the stub itself tells the true time {show_planned_s(for_s + KERNEL_LEASE_MARGIN_S)} after it was set"
        return f"{_SILENT}; {itself}"


class Signal(Beside, frozen=True):
    """Processes of ``node`` whose command line holds ``process`` get ``signal``, and ``undo`` (if any) at the end."""

    process: str
    signal: str
    undo: str | None = None
    capabilities: ClassVar[tuple[str, ...]] = ("KILL",)

    def says(self) -> str:
        return f"{self.node}: SIG{self.signal} to every process called '{self.process}'"


class Hog(Beside, frozen=True):
    """Work beside ``node``, inside its control groups: ``cpu`` (``workers`` busy loops) or ``memory`` (``size_bytes``).

    ``oom``: memory is taken, as files that no process maps, until the kernel kills one of the node's; then let go.
    """

    what: Literal["cpu", "memory", "oom"]
    workers: int = 1
    size_bytes: int = 0
    control_groups: ClassVar[bool] = True

    def says(self) -> str:
        amount = f"{self.workers} busy loops" if self.what == "cpu" else f"{self.size_bytes / 1e6:g} MB of memory"
        return f"{self.node}: {amount if self.what != 'oom' else 'memory until the kernel kills'}, in its control group"

    def lease(self, for_s: float) -> str:
        return (
            f"{_SILENT}; the workers end with their parent, and by themselves {show_planned_s(for_s)} after they began"
        )


class Fill(Beside, frozen=True):
    """The volume mounted at ``path`` in ``node`` is filled until ``leave_bytes`` are free."""

    path: str
    leave_bytes: int = 0
    capabilities: ClassVar[tuple[str, ...]] = ("DAC_OVERRIDE",)

    def says(self) -> str:
        return f"{self.node}: the volume at {self.path} is filled; {self.leave_bytes:,} bytes stay free"

    def lease(self, for_s: float) -> str:
        return f"{_SILENT}; the filler is a file without a name, so the space is free as soon as its process is gone"


class Throttle(Beside, frozen=True):
    """``node``'s reads and writes of the disk under ``path`` go at most at ``bytes_per_s``, by its control group."""

    path: str
    bytes_per_s: int
    capabilities: ClassVar[tuple[str, ...]] = ("DAC_OVERRIDE",)
    control_groups: ClassVar[bool] = True

    def says(self) -> str:
        return f"{self.node}: its disk under {self.path} takes {self.bytes_per_s / 1e6:g} MB/s at most"


class Syscalls(Beside, frozen=True):
    """``calls`` of ``node``'s processes on files under ``path`` fail, wait, or lie (say yes and do nothing).

    ``calls``: names of system calls. ``every``: of each thread's calls, every so manieth.
    """

    path: str
    calls: tuple[str, ...]
    error: str | None = None
    delay_s: float = 0.0
    lie: bool = False
    every: int = 1
    capabilities: ClassVar[tuple[str, ...]] = ("SYS_PTRACE", "DAC_READ_SEARCH")

    def says(self) -> str:
        what = "say yes and do nothing" if self.lie else f"fail with {self.error}" if self.error else "work"
        late = f", {self.delay_s * 1000:g} ms later" if self.delay_s else ""
        often = f", one in {self.every}" if self.every > 1 else ""
        return f"{self.node}: {', '.join(self.calls)} on {self.path} {what}{late}{often}"

    def lease(self, for_s: float) -> str:
        return f"{_SILENT}; the tracer ends with its parent, and the calls are then as they were"


class ReadOnly(Beside, frozen=True):
    """The file system mounted at ``path`` in ``node`` takes no writes."""

    path: str
    capabilities: ClassVar[tuple[str, ...]] = ("SYS_ADMIN", "SYS_PTRACE", "SYS_CHROOT", "DAC_OVERRIDE")

    def says(self) -> str:
        return f"{self.node}: {self.path} is mounted read-only"


class Descriptors(Beside, frozen=True):
    """Processes of ``node`` (whose command line holds ``process``; all if empty) may have ``limit`` open files."""

    limit: int
    process: str = ""
    capabilities: ClassVar[tuple[str, ...]] = ("SETUID", "SETGID", "SYS_PTRACE", "DAC_READ_SEARCH")

    def says(self) -> str:
        return f"{self.node}: {self.process or 'every process'} may hold {self.limit} open files"


class Flip(Beside, frozen=True):
    """``bits`` bits of the file at ``path`` in a volume of ``node`` are flipped, at places that ``seed`` draws.

    ``path`` may be a pattern (``*``, ``**``): of the files it matches, the largest.
    """

    path: str
    bits: int = 1
    seed: int = 0
    capabilities: ClassVar[tuple[str, ...]] = ("DAC_OVERRIDE",)

    def says(self) -> str:
        return f"{self.node}: {self.bits} bits of {self.path} are flipped"


BesidePrimitive = Ephemeral | Clock | Signal | Hog | Fill | Throttle | Syscalls | ReadOnly | Descriptors | Flip
AgentPrimitive = PodPrimitive | BesidePrimitive


# --- by the engine ----------------------------------------------------------------------------------------------------

_JOURNAL = "the guardian, from the journal on disk,"


class Ending(Primitive, frozen=True):
    """The node's container may be down because of it; undone by starting it."""

    def lease(self, for_s: float) -> str:
        return f"{_JOURNAL} starts the container when the run dies"


class Kill(Ending, frozen=True):
    """SIGKILL to the node's container."""

    def says(self) -> str:
        return f"{self.node}: SIGKILL to its container"


class Crash(Ending, frozen=True):
    """SIGKILL to the node's first process from outside, as a crash: the restart policy acts."""

    def says(self) -> str:
        return f"{self.node}: its first process dies, and its restart policy acts"


class Stop(Ending, frozen=True):
    """The container's stop signal, SIGKILL after ``grace_s``."""

    grace_s: float

    def says(self) -> str:
        return f"{self.node}: told to stop, killed after {self.grace_s:g} s"


class Restart(Ending, frozen=True):
    """Stop and start at once; nothing to undo but a container that did not come back."""

    grace_s: float

    def says(self) -> str:
        return f"{self.node}: restarted, killed if it has not stopped after {self.grace_s:g} s"


class Freeze(Primitive, frozen=True):
    """Every process of the node stands still (the cgroup freezer); undone by thawing."""

    def says(self) -> str:
        return f"{self.node}: frozen"

    def lease(self, for_s: float) -> str:
        return f"{_JOURNAL} thaws it when the run dies"


class Bound(Primitive, frozen=True):
    """The node's container may use so many ``cpus``, ``memory_bytes``, ``processes``; undone by its old limits."""

    cpus: float | None = None
    memory_bytes: int | None = None
    processes: int | None = None

    def says(self) -> str:
        bounds = [f"{self.cpus:g} CPU" if self.cpus else ""]
        bounds += [f"{self.memory_bytes / 1e6:g} MB of memory" if self.memory_bytes else ""]
        bounds += [f"{self.processes} processes" if self.processes else ""]
        return f"{self.node}: its container may use {', '.join(b for b in bounds if b)}"

    def lease(self, for_s: float) -> str:
        return f"{_JOURNAL} sets the old limits when the run dies"


class Revive(Ending, frozen=True):
    """Nothing of its own: should the rest of its fault end the node's first process, the node is started again."""

    def says(self) -> str:
        return f"{self.node}: started again, should it end of this"


class Discard(Primitive, frozen=True):
    """The node's container and its own volumes are removed; repaired by a new, empty one."""

    def says(self) -> str:
        return f"{self.node}: container and volumes are removed; a new, empty one takes its place at the end"

    def lease(self, for_s: float) -> str:
        return f"{_JOURNAL} removes what is left of the run"


class Replace(Primitive, frozen=True):
    """The file at ``path`` in the node's container gets ``text`` and the node is restarted; undone the same way."""

    path: str
    text: str
    restart: bool = True

    def says(self) -> str:
        return f"{self.node}: {self.path} is replaced{', and the node restarted' if self.restart else ''}"

    def lease(self, for_s: float) -> str:
        return f"{_JOURNAL} puts the old file back (it is in the record) when the run dies"


class Roll(Primitive, frozen=True):
    """One node after the other of ``node`` and ``others``: ``act``, ``down_s`` later back, and on when it is ready."""

    others: tuple[str, ...]
    act: Literal["restart", "stop", "kill", "freeze"]
    down_s: float
    grace_s: float

    def says(self) -> str:
        return f"{', '.join((self.node, *self.others))}: {self.act} one after the other, each when the last is ready"

    def lease(self, for_s: float) -> str:
        return f"{_JOURNAL} starts or thaws what is down when the run dies"


class Command(Primitive, frozen=True):
    """``command`` runs in the node's container; at the end ``undo``, if there is one."""

    command: tuple[str, ...]
    undo: tuple[str, ...] = ()

    def says(self) -> str:
        return f"{self.node}: runs {' '.join(self.command)}"

    def lease(self, for_s: float) -> str:
        return f"{_JOURNAL} runs its undo when the run dies" if self.undo else "none: it has no undo"


EnginePrimitive = Kill | Crash | Stop | Restart | Freeze | Bound | Revive | Discard | Replace | Roll | Command
AnyPrimitive = AgentPrimitive | EnginePrimitive
