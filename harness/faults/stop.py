"""A node is told to end, as an operator or a scheduler does it: with time to tidy up."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.ending import Ending
from harness.primitives import AnyPrimitive
from harness.primitives import Stop as StopNode
from harness.units import show_planned_s
from harness.words import DURATION, word

GRACE_S_MAX = 300.0


def grace_problems(grace_s: float) -> Iterator[tuple[str, str]]:
    if grace_s > GRACE_S_MAX or grace_s != round(grace_s):
        yield "grace", f"is {show_planned_s(grace_s)}: write whole seconds from 0s to {GRACE_S_MAX:g}s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Ending):
    """The container's stop signal to ``nodes``, SIGKILL to who has not ended after ``grace``; started after ``for``."""

    kind: ClassVar[str] = "stop"
    about: ClassVar[str] = "a node is asked to end, and stays down until the schedule starts it"
    works: ClassVar[str] = (
        "The engine sends the container's stop signal to its first process, and SIGKILL after 'grace'; after "
        "'for' it is told to start the same container again."
    )
    bites: ClassVar[str] = (
        "In force when the process has ended, which may take the whole grace time: that is the node's own "
        "figure. Stamped by the engine's own word."
    )
    witness: ClassVar[str] = (
        "In force: the engine says that each container died, and none that it started before its time. "
        "Exercised: packets came for its port meanwhile, counted in its pod, which lives on. Gone: the engine "
        "says that each has started."
    )
    page: ClassVar[str] = (
        "The signal is the image's own STOPSIGNAL (TERM where it names none), to the first process only. Give "
        "'for' more than the grace time. Restart policies do not act."
    )
    replaces: ClassVar[str] = "docker stop, Pumba stop, kubectl delete pod."
    limits: ClassVar[Mapping[str, str]] = {"grace": "from 0s to 300s in whole seconds, and less than 'for'"}
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "grace": "5s"}

    grace_s: float = field(default=10.0, metadata=word("grace", DURATION, "how long it may take to end by itself"))

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from Ending.check(self, cluster)
        yield from grace_problems(self.grace_s)
        if self.grace_s >= self.for_s:
            grace, length = show_planned_s(self.grace_s), show_planned_s(self.for_s)
            yield "grace", f"is {grace}, not less than the {length} that the fault lasts: it may never be in force"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(StopNode(name, self.grace_s) for name in self.nodes)

    def describe(self) -> str:
        return f"{', '.join(self.nodes)} stopped (grace {show_planned_s(self.grace_s)})"

    def undo(self) -> str:
        return "the schedule starts the container again"
