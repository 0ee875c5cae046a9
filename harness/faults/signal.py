"""A process inside a node, found by its name, gets a signal."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Sighting
from harness.faults.inside import Inside, gone
from harness.primitives import AnyPrimitive, Signal
from harness.recording.evidence import Evidence, InForce
from harness.words import TEXT, choice, word

_SIGNALS = ("STOP", "KILL", "TERM", "INT", "QUIT", "HUP", "ABRT", "SEGV", "USR1", "USR2")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalProcess(Inside):
    """Every process of ``nodes`` whose name is ``process``, or whose command line holds it, gets ``signal``."""

    kind: ClassVar[str] = "signal"
    about: ClassVar[str] = "a process inside a node, such as one worker, is stopped, killed or signalled"
    works: ClassVar[str] = (
        "kill(2), from a container of ours in the node's process namespace, to every process of that name (or "
        "with it in its command line) that is there; STOP is undone by CONT."
    )
    bites: ClassVar[str] = "3 to 6 ms after its instant, until it was sent to all and looked at."
    witness: ClassVar[str] = (
        "In force: with STOP every process of that name is seen to stand still in /proc at every look; with "
        "another signal at least one has ended, or has taken the signal into its handler. Exercised: packets "
        "came for the node meanwhile. Gone: none of them stands still any more; what was ended does not come "
        "back by us."
    )
    page: ClassVar[str] = (
        "Only processes that are there when it fires; nothing but STOP is undone: a worker that was killed comes "
        "back only if something in the node starts it again. The node's first process gets, from inside, only "
        "what it has a handler for, so STOP and KILL never reach it: use freeze, kill or crash for that. A "
        "process that stands still keeps its sockets: the kernel goes on accepting connections for it. Of a "
        "signal that a program handles it is seen that the handler got it, not what it did."
    )
    replaces: ClassVar[str] = (
        "docker exec with pkill (which needs both in the image), ChaosBlade's process stop and kill."
    )
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {
        "nodes": ("n1",),
        "process": "llama-server",
        "signal": "STOP",
    }

    process: str = field(metadata=word("process", TEXT, "a process's name, or a part of its command line"))
    signal: str = field(default="STOP", metadata=word("signal", choice(*_SIGNALS), "which signal, without SIG"))

    @property
    def via(self) -> str:
        return "kill(2) in the node's PID namespace"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from self.unknown_nodes(cluster)
        if not self.process.strip():
            yield "process", "is empty: write the process's name, or a part of its command line"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        undo = "CONT" if self.signal == "STOP" else None
        return tuple(Signal(node, self.process, self.signal, undo) for node in self.nodes)

    def describe(self) -> str:
        return f"SIG{self.signal} to '{self.process}' in {', '.join(self.nodes)}"

    def undo(self) -> str:
        return "SIGCONT" if self.signal == "STOP" else "nothing: what was signalled is not put back by us"

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return self.alone("processes")

    def shakes(self, cluster: Cluster) -> frozenset[str]:
        return frozenset(map(cluster.pod_of, self.nodes))

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        exercised, met = self.arrivals(evidence, cluster, in_force)
        if self.signal == "STOP":
            matching, stopped = (self.read(evidence, name, "during") for name in ("matching", "stopped"))
            seen = [n for n in self.nodes if stopped[n] and min(stopped[n]) > 0 and stopped[n] == matching[n]]
            after = [value for n in self.nodes if (value := self.last(evidence, "stopped", n)) is not None]
            words = f"every '{self.process}' stood still at every look on {len(seen)} of {len(self.nodes)}"
            ended = gone(sum(value == 0 for value in after), len(after))
        else:
            ends, handled = (self.read(evidence, name, "during") for name in ("gone", "handled"))
            seen = [n for n in self.nodes if max((*ends[n], *handled[n]), default=0) > 0]
            ended_count = sum(int(max(ends[n], default=0)) for n in self.nodes)
            handled_count = sum(int(max(handled[n], default=0)) for n in self.nodes)
            words = f"{ended_count} processes ended, {handled_count} have handled it"
            ended = "gone: there is nothing to undo"
        return Sighting(len(seen) == len(self.nodes), exercised, f"{words}; {met}; {ended}")
