"""What an operator does: a command in a node, at a time, and another one that takes it back."""

import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Fault, Sighting, some_nodes
from harness.faults.ending import arrivals
from harness.primitives import AnyPrimitive
from harness.primitives import Command as RunCommand
from harness.recording.events import Ran
from harness.recording.evidence import Evidence, InForce
from harness.words import NODE, TEXT, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Fault):
    """``command`` runs in the containers of ``nodes``; after ``for`` its ``back`` does."""

    kind: ClassVar[str] = "command"
    about: ClassVar[str] = "a command runs in a node, and later the one that takes it back"
    works: ClassVar[str] = (
        "The engine runs the command in the node's container, as its own user and without a shell; at the end "
        "the command 'back'."
    )
    bites: ClassVar[str] = (
        "When the command has ended; to begin one takes the engine 50 ms (median; 103 ms at the worst). What it "
        "does, and when that bites, only it knows."
    )
    witness: ClassVar[str] = (
        "In force: the command ended with 0 on every node. That it did what was meant nobody looks at: name an "
        "objective for it. Exercised: packets came for the cluster meanwhile. Gone: the command 'back' was run, "
        "and its exit code."
    )
    page: ClassVar[str] = (
        "Write sh -c '...' for a shell. It has 60 s, and never longer than 'for'; what ends with another code "
        "than 0 was not injected. What it wrote is in the journal. Without 'back' nothing is undone. When the "
        "harness dies the guardian runs 'back'."
    )
    replaces: ClassVar[str] = "docker exec in a script beside the test."
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {
        "nodes": ("n1",),
        "command": "touch /data/maintenance",
        "back": "rm -f /data/maintenance",
    }

    nodes: tuple[str, ...] = field(metadata=word("nodes", NODE, "in which", many=True))
    command: str = field(metadata=word("command", TEXT, "the command, as in a shell, quotes too"))
    back: str = field(default="", metadata=word("back", TEXT, "the command that takes it back"))

    @property
    def via(self) -> str:
        return "the engine"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from some_nodes(self.nodes, cluster)
        for key, text in (("command", self.command), ("back", self.back)):
            try:
                words = shlex.split(text)
            except ValueError:
                yield key, f"is {text}: one of its quotes is never closed"
            else:
                if key == "command" and not words:
                    yield key, "is empty: write what is to be run"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        command, back = tuple(shlex.split(self.command)), tuple(shlex.split(self.back))
        return tuple(RunCommand(name, command, back) for name in self.nodes)

    def describe(self) -> str:
        return f"{', '.join(self.nodes)}: {self.command}"

    def undo(self) -> str:
        return f"by the command {self.back}" if self.back else "not at all: it has no 'back'"

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        ran = [event for event in evidence.of(Ran) if event.fault == self.name]
        command = tuple(shlex.split(self.command))
        done = {event.node for event in ran if event.command == command and not event.exit_code}
        codes = ", ".join(f"{event.node} {event.command[0]} {event.exit_code}" for event in ran) or "none"
        met = arrivals(evidence, cluster, cluster.names(), in_force.window)
        words = f"{len(done)} of {len(self.nodes)} ran (exit codes: {codes}); {met:,} packets came for the cluster"
        return Sighting(done >= set(self.nodes), met > 0, words)
