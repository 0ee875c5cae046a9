"""Questions a judge asks of a recording. Pure: the same recording gives the same answers, with no cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from harness.operations import Operation
from harness.recording.events import (
    AnyEvent,
    Asked,
    Began,
    ContainerChanged,
    Counted,
    Ended,
    FaultFailed,
    FaultFired,
    FaultHealed,
    PhaseBegan,
    Probed,
    Scraped,
    Trouble,
)

_E = TypeVar("_E")


@dataclass(frozen=True, slots=True)
class Window:
    """From ``start_ns`` (in) to ``end_ns`` (out), CLOCK_MONOTONIC."""

    start_ns: int
    end_ns: int

    @property
    def length_s(self) -> float:
        return (self.end_ns - self.start_ns) / 1e9

    def holds(self, at_ns: int) -> bool:
        return self.start_ns <= at_ns < self.end_ns


@dataclass(frozen=True, slots=True)
class InForce:
    """When a fault was in force everywhere: from the last node that got it to the last that lost it.

    ``start_error_s``: between the earliest and the latest instant at which it may have begun (bracket and skew).
    ``skew_s``: between the first and the last node. ``healed``: every node that fired has said it is gone.
    ``late_s``: planned start to in force.
    """

    window: Window
    start_error_s: float
    skew_s: float
    healed: bool


@dataclass(frozen=True)
class Evidence:
    """``operations``: by traffic, ordered by due time. ``events``: in the order they were written."""

    events: tuple[AnyEvent, ...]
    operations: Mapping[str, tuple[Operation, ...]]
    probes: tuple[Probed, ...]

    def of(self, kind: type[_E]) -> tuple[_E, ...]:
        return tuple(event for event in self.events if isinstance(event, kind))

    @cached_property
    def began(self) -> Began | None:
        return next(iter(self.of(Began)), None)

    @cached_property
    def ended(self) -> Ended | None:
        return next(iter(self.of(Ended)), None)

    @cached_property
    def phases(self) -> Mapping[str, Window]:
        """warmup, faults, recovery (those that began; the last runs to the last thing that was seen) and ``all``."""
        began = self.of(PhaseBegan)
        if not began:
            return {}
        last_ns = max((op.due_ns + 1 for ops in self.operations.values() for op in ops[-1:]), default=began[-1].at_ns)
        ends = [phase.at_ns for phase in began[1:]] + [max(last_ns, began[-1].at_ns)]
        windows = {p.phase: Window(p.at_ns, end) for p, end in zip(began, ends, strict=True) if p.phase != "end"}
        return {**windows, "all": Window(began[0].at_ns, max(w.end_ns for w in windows.values()))}

    @cached_property
    def origin_ns(self) -> int:
        """The beginning of the warm-up: the zero of every time in a report."""
        return self.phases["all"].start_ns if self.phases else 0

    def since_s(self, at_ns: int) -> float:
        return (at_ns - self.origin_ns) / 1e9

    def fired(self, fault: str) -> tuple[FaultFired, ...]:
        return tuple(event for event in self.of(FaultFired) if event.fault == fault)

    def healed(self, fault: str) -> tuple[FaultHealed, ...]:
        return tuple(event for event in self.of(FaultHealed) if event.fault == fault)

    def failed(self, fault: str) -> tuple[FaultFailed, ...]:
        return tuple(event for event in self.of(FaultFailed) if event.fault == fault)

    def in_force(self, fault: str) -> InForce | None:
        """None if it never came into force anywhere."""
        fired, healed = self.fired(fault), self.healed(fault)
        if not fired:
            return None
        start_ns = max(event.after_ns for event in fired)
        complete = {event.node for event in fired} <= {event.node for event in healed}
        last_seen_ns = max((event.at_ns for event in self.events), default=start_ns)
        end_ns = max((event.after_ns for event in healed), default=last_seen_ns) if complete else last_seen_ns
        return InForce(
            window=Window(start_ns, max(start_ns, end_ns)),
            start_error_s=(start_ns - min(event.before_ns for event in fired)) / 1e9,
            skew_s=(start_ns - min(event.after_ns for event in fired)) / 1e9,
            healed=complete,
        )

    def probes_between(self, node: str, peer: str, window: Window) -> tuple[Probed, ...]:
        """Echo round trips begun in the window, in order."""
        return tuple(p for p in self.probes if p.node == node and p.peer == peer and window.holds(p.sent_ns))

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every directed link that was ever probed, sorted."""
        return tuple(sorted({(p.node, p.peer) for p in self.probes}))

    def counted(self, node: str) -> tuple[Counted, ...]:
        return tuple(event for event in self.of(Counted) if event.node == node)

    def container_changes(self, node: str, window: Window) -> tuple[ContainerChanged, ...]:
        return tuple(e for e in self.of(ContainerChanged) if e.node == node and window.holds(e.at_ns))

    def asked(self, objective: str) -> Asked | None:
        return next((event for event in self.of(Asked) if event.objective == objective), None)

    def scraped(self) -> tuple[Scraped, ...]:
        return self.of(Scraped)

    def troubles(self) -> tuple[Trouble, ...]:
        return self.of(Trouble)
