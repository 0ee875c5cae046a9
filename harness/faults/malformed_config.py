"""Somebody rolled out a broken file: a node starts with it, or does not."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Sighting
from harness.faults.ending import Ending, arrivals
from harness.primitives import AnyPrimitive, Replace
from harness.recording.evidence import Evidence, InForce, Window
from harness.words import TEXT, word


@dataclass(frozen=True, slots=True, kw_only=True)
class MalformedConfig(Ending):
    """The file ``path`` of ``nodes`` gets ``text`` and they are restarted; the old one comes back the same way."""

    kind: ClassVar[str] = "malformed-config"
    about: ClassVar[str] = "a file of a node is replaced and the node restarted with it; then the old file comes back"
    works: ClassVar[str] = (
        "The engine copies the file out of the container, into the run's record, puts the text in its place and "
        "restarts the node; at the end the old file goes back with its owner and mode, and the node is restarted "
        "again."
    )
    bites: ClassVar[str] = (
        "When the node has started with it, which is after it has heeded its stop signal (or 10 s): the node's "
        "own figure. Stamped by the engine's word that it started."
    )
    witness: ClassVar[str] = (
        "In force: the engine says that each node started again with the file in its place. Exercised: packets "
        "came for it meanwhile. Gone: the engine says that it started with the old one. How often it ended "
        "meanwhile, and with which exit codes, is said too."
    )
    page: ClassVar[str] = (
        "The file must be the container's own or in a volume: what is mounted from the host (a bind mount, "
        "compose's 'configs' and 'secrets' too) is refused, since a fault never writes there. The old file waits "
        "in the run's record, for our eyes only, until it is back. Seen is that the node was restarted with the "
        "file in its place, not that it read it. A node that does not heed its stop signal is killed after 10 s, "
        "so that it bites late; with a restart policy one that refuses the file starts over and over."
    )
    replaces: ClassVar[str] = "docker cp and docker restart by hand, a bad roll-out of Ansible or Puppet."
    limits: ClassVar[Mapping[str, str]] = {"path": "a file's whole path; none in /proc, /sys or /dev"}
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {
        "nodes": ("gateway",),
        "path": "/etc/app/app.conf",
        "text": "this is not what it expects",
    }

    path: str = field(metadata=word("path", TEXT, "which file, from the root of the container"))
    text: str = field(metadata=word("text", TEXT, "what stands in it instead"))

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from Ending.check(self, cluster)
        path = PurePosixPath(self.path)
        if not path.is_absolute() or ".." in path.parts or not path.name:
            yield "path", f"is '{self.path}': write a file's whole path, such as /etc/app/app.conf"
        elif path.parts[1] in ("proc", "sys", "dev"):
            yield "path", f"is '{self.path}', which is the kernel's and no file: name one of the node's own"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(Replace(name, self.path, self.text) for name in self.nodes)

    def describe(self) -> str:
        return f"{', '.join(self.nodes)} restarted with another {self.path}"

    def undo(self) -> str:
        return "the old file, with its owner and mode, is put back and the node restarted"

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        window = Window(in_force.window.start_ns - 2_000_000_000, in_force.window.end_ns)
        changes = {node: evidence.container_changes(node, window) for node in self.nodes}
        started = [node for node in self.nodes if any(event.action == "start" for event in changes[node])]
        inside = in_force.window
        ends = [e.exit_code for node in started for e in changes[node] if e.action == "die" and inside.holds(e.at_ns)]
        met = arrivals(evidence, cluster, self.nodes, inside)
        words = f"{len(started)} of {len(self.nodes)} started with it; {met:,} packets came for them; "
        # The last end is ours: the restart with the old file.
        words += f"they ended {len(ends)} times meanwhile (exit codes {sorted({code or 0 for code in ends})})"
        return Sighting(len(started) == len(self.nodes), met > 0, words)
