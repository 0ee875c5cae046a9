"""A node whose wall clock is wrong: it jumps, it runs too fast or too slow, or both."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness import units
from harness.cluster import Cluster, Link
from harness.faults.base import Fault, Sighting, some_nodes
from harness.primitives import AnyPrimitive, Clock
from harness.recording.events import Read
from harness.recording.evidence import Evidence, InForce
from harness.words import NODE, Reader, word

OFFSET_MAX_S = 365 * 86_400.0
DRIFT_MAX = 1.0
LEAST_S = 0.010  # what a clock must be wrong by, sooner or later, to be told from a reading's own error
_READING_ERROR_S = 0.002
_OFFSET = re.compile(rf"([+-]?)({units.DURATION.pattern})", re.ASCII)
_DRIFT = re.compile(rf"([+-]?)({units.DURATION.pattern})/s", re.ASCII)


def offset_s(text: str) -> float:
    """``-30s`` -> -30.0; without a sign, or with ``+``: the clock is ahead."""
    if found := _OFFSET.fullmatch(text):
        return _signed(found[1], found[2])
    raise ValueError(f"is '{text}': write how far ahead the clock is, such as 30s, or how far behind, such as -250ms")


def drift(text: str) -> float:
    """``-5ms/s`` -> -0.005: what the clock gains, or loses, in every second."""
    if found := _DRIFT.fullmatch(text):
        return _signed(found[1], found[2])
    raise ValueError(f"is '{text}': write what the clock gains in a second, such as 10ms/s, or loses, such as -10ms/s")


def _signed(sign: str, duration: str) -> float:
    return -units.duration_s(duration) if sign == "-" else units.duration_s(duration)


OFFSET = Reader("signed duration", "-30s", offset_s, pattern=_OFFSET.pattern)
DRIFT = Reader("drift", "10ms/s", drift, pattern=_DRIFT.pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSkew(Fault):
    """The wall clock of every process of ``nodes`` jumps by ``offset``, then gains ``drift``; at the end it jumps back.

    CLOCK_REALTIME, its coarse sister, CLOCK_TAI, ``gettimeofday`` and ``time``; CLOCK_MONOTONIC stays true.
    """

    kind: ClassVar[str] = "clock-skew"
    about: ClassVar[str] = "a node's wall clock jumps, or runs too fast or too slow"
    works: ClassVar[str] = (
        "A stub in the vDSO of each of the node's processes answers for CLOCK_REALTIME, CLOCK_TAI, gettimeofday "
        "and time, in any unmodified x86_64 program, static Go included. It is put there when the fault is "
        "armed, while the threads of a process are held for a few milliseconds (a blocking call may end in "
        "EINTR, as after SIGSTOP and SIGCONT), and tells the true time until the fault fires. Its lease is "
        "inside of it: past that it tells the true time, whoever is dead."
    )
    bites: ClassVar[str] = (
        "Within 1 ms of its instant: firing writes a few words into each process, which stops nothing, and they "
        "are read back. A call costs 1 ns more while armed, 4 ns with an offset, 6 ns with a drift (measured)."
    )
    witness: ClassVar[str] = (
        "In force: a reader of ours runs the very bytes of the node's own vDSO, stub and parameters and all, and "
        "must read the time that was asked for, every time; and at most looks all of the node's processes went "
        "by the stub. Exercised: packets came for the node meanwhile, so that it worked by that clock (who read "
        "it is not known). Gone: the reader reads the true time."
    )
    page: ClassVar[str] = (
        "Not skewed: CLOCK_MONOTONIC, programs that make the system call themselves, the kernel's own stamps "
        "(mtimes, packets), and waits until an instant on the wall clock (pthread_cond_timedwait, absolute "
        "timers), which the kernel ends by the true time: a program that is behind does not wait at all and may "
        "spin, one that is ahead waits too long. A program that is started by exec reads the true time until it "
        "is found, 0.1 s at most as a rule, so that one which lives shorter (date in a shell script) never reads "
        "another; a fork has its parent's clock at once. A node that restarts comes back with the true time. "
        "Refused: programs of 32 bits, processes that a debugger traces or that have a time namespace, "
        "containers that are paused. Not found: a process of the node with a mount namespace of its own (it "
        "takes a privileged container)."
    )
    replaces: ClassVar[str] = (
        "libfaketime (dynamic programs only, and through the node's environment), Chaos Mesh's TimeChaos, "
        "Jepsen's clock nemesis (which moves the whole host); time namespaces cannot move the wall clock."
    )
    limits: ClassVar[Mapping[str, str]] = {
        "offset": "from -8760h to 8760h (a year); at least 10ms, or a drift",
        "drift": "from -1s/s (it stands still) to 1s/s",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "offset": "-30s", "drift": "10ms/s"}

    nodes: tuple[str, ...] = field(metadata=word("nodes", NODE, "whose clock", many=True))
    offset_s: float = field(default=0.0, metadata=word("offset", OFFSET, "how far it jumps ahead, or back"))
    drift: float = field(default=0.0, metadata=word("drift", DRIFT, "what it then gains in every second, or loses"))

    @property
    def via(self) -> str:
        return "the vDSO"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from some_nodes(self.nodes, cluster)
        if abs(self.offset_s) > OFFSET_MAX_S:
            yield "offset", f"is {self.offset_s:,.15g} s: write one from -8760h to 8760h (a year)"
        if abs(self.drift) > DRIFT_MAX:
            yield "drift", f"is {self.drift:g} s a second: write one from -1s/s (the clock stands still) to 1s/s"
        if abs(self.offset_s) < LEAST_S and not self.drift:
            yield (
                "offset",
                f"is {self.offset_s * 1000:g} ms and there is no drift: write one of at least 10ms, or a drift",
            )
        elif self.drift and (most_s := max(abs(self.offset_s), abs(self._ahead_s(self.for_s)))) < LEAST_S:
            wrong = f"{most_s * 1000:g} ms in {self.for_s:g} s"
            yield "drift", f"makes it wrong by {wrong}, too little to be seen: 10 ms is the least"

    def _ahead_s(self, since_s: float) -> float:
        """How far ahead the clock is, so long after it was skewed."""
        return self.offset_s + self.drift * since_s

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(Clock(name, self.offset_s, self.drift) for name in self.nodes)

    def describe(self) -> str:
        drifts = f"{self.drift * 1000:+g} ms a second" if self.drift else ""
        jumps = f"{self.offset_s:+g} s" if self.offset_s or not drifts else ""
        return f"wall clock of {', '.join(self.nodes)} {' and '.join(filter(None, (jumps, drifts)))}"

    def undo(self) -> str:
        return "the stub tells the true time again, and the kernel's own clock is put back in its place"

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return frozenset(("clock", name) for name in self.nodes)

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        fired_ns = {event.node: (event.before_ns, event.after_ns) for event in evidence.fired(self.name)}
        during = evidence.readings(self.name, "offset_s", "during")
        right = {
            node: [self._right(read, *fired_ns[node]) for read in during if read.node == node and node in fired_ns]
            for node in self.nodes
        }
        whole = self._whole(evidence)
        before = _worst_s(evidence.readings(self.name, "offset_s", "before"))
        after = _worst_s(evidence.readings(self.name, "offset_s", "after"))
        pods = {cluster.pod_of(node) for node in self.nodes}
        met = {pod: evidence.arrivals(pod, in_force.window) for pod in pods}
        looks = [look for node_looks in right.values() for look in node_looks]
        last = f", {during[-1].value:+.3f} s at the last" if during else ""
        gone = f"gone: {after:+.3f} s" if after is not None else "gone: not seen"
        words = (
            f"{sum(looks)} of {len(looks)} readings through the node's own stub right{last}; {whole} of "
            f"{len(self.nodes)} nodes had it in every process; {sum(met.values()):,} packets came for them; {gone}"
        )
        seen = all(node_looks and all(node_looks) for node_looks in right.values()) and whole == len(self.nodes)
        told = all(self._told(evidence, node) for node in self.nodes)
        honest = before is None or abs(before) <= _READING_ERROR_S
        return Sighting(seen and told and honest, all(met.values()), words)

    def _told(self, evidence: Evidence, node: str) -> bool:
        """At least once the clock was far enough from the true one to be told from it: a drift begins with nothing."""
        reads = evidence.readings(self.name, "offset_s", "during")
        return any(abs(read.value) >= LEAST_S / 2 for read in reads if read.node == node)

    def _right(self, read: Read, before_ns: int, after_ns: int) -> bool:
        """Within what is not known: when exactly the drift began, and the reading's own error."""
        expected_s = self._ahead_s((read.read_ns - after_ns) / 1e9)
        unsure_s = _READING_ERROR_S + abs(self.drift) * ((after_ns - before_ns) / 1e9 + 0.3)
        return abs(read.value - expected_s) <= unsure_s

    def _whole(self, evidence: Evidence) -> int:
        """Nodes whose every process went by the skewed stub at most looks (a program just started is found later)."""
        skewed = evidence.readings(self.name, "processes", "during")
        there = evidence.readings(self.name, "processes_all", "during")
        count = 0
        for node in self.nodes:
            ours = [read.value for read in skewed if read.node == node]
            alls = [read.value for read in there if read.node == node]
            full = sum(0 < one >= all_ for one, all_ in zip(ours, alls, strict=False))
            count += bool(alls) and 2 * full > len(alls)
        return count


def _worst_s(reads: Collection[Read]) -> float | None:
    return max((read.value for read in reads), key=abs, default=None)
