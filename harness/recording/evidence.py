"""Questions a judge asks of a recording. Pure: the same recording gives the same answers, with no cluster."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any, TypeVar

from harness.columns import Integers, Mask, Operations, columns
from harness.operations import Operation
from harness.recording.events import (
    AnyEvent,
    Asked,
    Began,
    ClockSeen,
    ContainerChanged,
    Counted,
    Ended,
    FaultFailed,
    FaultFired,
    FaultHealed,
    PhaseBegan,
    Probed,
    Read,
    Sampled,
    Scraped,
    Trouble,
)
from harness.wire import When

WALL = "wall"  # what ``ClockSeen`` calls the clock on the wall, which is not any pod's

_E = TypeVar("_E")
_T = TypeVar("_T")
_sent_ns = attrgetter("sent_ns")


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

    def holding(self, instants_ns: Integers) -> Mask:
        """Which of them it holds."""
        return (self.start_ns <= instants_ns) & (instants_ns < self.end_ns)


@dataclass(frozen=True, slots=True)
class InForce:
    """When a fault was in force everywhere: from the last node that got it to the last that lost it.

    ``start_error_s``: between the earliest and the latest instant at which it may have begun (bracket and skew);
    ``end_error_s``: the same of its end. ``skew_s``: between the first and the last node to get it.
    ``healed``: every node that fired has said it is gone.
    """

    window: Window
    start_error_s: float
    skew_s: float
    healed: bool
    end_error_s: float = 0.0


@dataclass(frozen=True)
class Evidence:
    """``operations``: by traffic, ordered by due time. ``events``: in the order they were written.

    ``placebos``: when faults would have been in force, in a run without faults; ``hit``: the nodes that a fault hits,
    as one traffic sees it, by (fault, traffic). The judge knows both from the scenario. ``logs``: the text of each
    container's log by its file's name, such as ``n1.node.log``. ``baseline``: figures of earlier runs, by objective.
    ``histories``: the lines of what clients did to registers and were told (docs/linearizable.md), or of what members
    say of themselves (docs/consensus.md), by traffic.
    ``witnessed``: the faults that were seen and met by traffic, as the judge finds them.
    """

    events: tuple[AnyEvent, ...]
    operations: Mapping[str, Sequence[Operation]]
    probes: tuple[Probed, ...]
    placebos: Mapping[str, Window] = field(default_factory=dict)
    hit: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    logs: Mapping[str, str] = field(default_factory=dict)
    baseline: Mapping[str, float] = field(default_factory=dict)
    histories: Mapping[str, bytes] = field(default_factory=dict)
    witnessed: frozenset[str] = frozenset()
    _known: dict[tuple[object, ...], Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def once(self, what: tuple[object, ...], compute: Callable[[], _T]) -> _T:
        """What a pure function makes of this evidence, computed when it is first asked for; ``what`` is its name."""
        if what not in self._known:
            self._known[what] = compute()
        found: _T = self._known[what]
        return found

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
        """warmup, faults, recovery (those that began; the last runs to the last thing that was seen) and ``all``.

        A phase counts from its planned instant, as the due times of the load do: whoever wrote the event down was a
        little late, and the first operation of the phase was not. Only an end can come before its plan.
        """
        began = self.of(PhaseBegan)
        if not began:
            return {}
        starts = [min(phase.planned_ns, phase.at_ns) for phase in began]
        last_ns = max((op.due_ns + 1 for ops in self.operations.values() for op in ops[-1:]), default=starts[-1])
        ends = [*starts[1:], max(last_ns, starts[-1])]
        spans = map(Window, starts, ends)
        windows = {p.phase: span for p, span in zip(began, spans, strict=True) if p.phase != "end"}
        return {**windows, "all": Window(starts[0], max((w.end_ns for w in windows.values()), default=starts[0]))}

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
        by_node: dict[str, int] = {}  # when the last part of it was there
        for event in fired:
            by_node[event.node] = max(event.after_ns, by_node.get(event.node, 0))
        start_ns = max(by_node.values())
        # A node may have had several parts of one fault: as many must be gone.
        complete = Counter(event.node for event in fired) <= Counter(event.node for event in healed)
        last_seen_ns = max((event.at_ns for event in self.events), default=start_ns)
        end_ns = max((event.after_ns for event in healed), default=last_seen_ns) if complete else last_seen_ns
        return InForce(
            window=Window(start_ns, max(start_ns, end_ns)),
            start_error_s=(start_ns - min(event.before_ns for event in fired)) / 1e9,
            skew_s=(start_ns - min(by_node.values())) / 1e9,
            healed=complete,
            end_error_s=(end_ns - min((event.before_ns for event in healed), default=end_ns)) / 1e9
            if complete
            else 0.0,
        )

    def spell(self, fault: str) -> InForce | None:
        """As ``in_force``; in a run without faults the time in which it would have been."""
        placebo = self.placebos.get(fault)
        if placebo is not None:
            return InForce(placebo, start_error_s=0.0, skew_s=0.0, healed=True)
        return self.in_force(fault)

    def window(self, name: str) -> Window | None:
        """A phase's window, ``all``, or a fault's (from in force to healed); None if there was no such time."""
        if name in self.phases:
            return self.phases[name]
        spell = self.spell(name)
        return spell.window if spell else None

    def of_traffic(self, traffic: str) -> Operations:
        """All operations of one traffic, in the order of their due times."""
        return self.once(("columns", traffic), lambda: columns(self.operations.get(traffic, ())))

    def due_in(self, traffic: str, window: Window) -> Operations:
        """The operations of one traffic that fell due in the window, in that order."""
        operations = self.of_traffic(traffic)
        first = operations.due_before(window.start_ns)
        return operations[first : max(first, operations.due_before(window.end_ns))]

    @cached_property
    def _probes_by_pair(self) -> Mapping[tuple[str, str], tuple[Probed, ...]]:
        found: dict[tuple[str, str], list[Probed]] = {}
        for probe in sorted(self.probes, key=_sent_ns):
            found.setdefault((probe.node, probe.peer), []).append(probe)
        return {pair: tuple(found[pair]) for pair in sorted(found)}

    def clocks(self) -> Mapping[str, tuple[ClockSeen, ...]]:
        """How each pod's clock, and the one on the ``WALL``, compared with ours, in order."""
        found: dict[str, list[ClockSeen]] = {}
        for event in self.of(ClockSeen):
            found.setdefault(event.node, []).append(event)
        return {node: tuple(found[node]) for node in sorted(found)}

    def clock_error_s(self) -> float:
        """What is not known of the clocks: of each pod its best look, of those the worst."""
        return max((min(seen.error_ns for seen in looks) for looks in self.clocks().values()), default=0) / 1e9

    def probes_between(self, node: str, peer: str, window: Window) -> tuple[Probed, ...]:
        """Echo round trips begun in the window, in order."""
        probes = self._probes_by_pair.get((node, peer), ())
        first = bisect_left(probes, window.start_ns, key=_sent_ns)
        return probes[first : bisect_left(probes, window.end_ns, lo=first, key=_sent_ns)]

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every directed link that was ever probed, sorted."""
        return tuple(self._probes_by_pair)

    def counted(self, node: str) -> tuple[Counted, ...]:
        return tuple(event for event in self.of(Counted) if event.node == node)

    def container_changes(self, node: str, window: Window) -> tuple[ContainerChanged, ...]:
        return tuple(e for e in self.of(ContainerChanged) if e.node == node and window.holds(e.at_ns))

    @cached_property
    def _readings(self) -> Mapping[tuple[str, str, str], tuple[Read, ...]]:
        found: dict[tuple[str, str, str], list[Read]] = {}
        for event in self.of(Read):
            found.setdefault((event.fault, event.name, event.when), []).append(event)
        return {key: tuple(events) for key, events in found.items()}

    def readings(self, fault: str, name: str, when: When) -> tuple[Read, ...]:
        """What the witnesses of one fault read under one name, of all its nodes, in order."""
        return self._readings.get((fault, name, when), ())

    def arrivals(self, node: str, window: Window) -> int:
        """Packets that came for the own ports of ``node``'s pod, between the first and the last count in the window."""
        counts = [
            sum(port.packets for port in event.counters.ports)
            for event in self.counted(node)
            if window.holds(event.counters.now_ns)
        ]
        return counts[-1] - counts[0] if len(counts) > 1 else 0

    def asked(self, objective: str) -> Asked | None:
        return next((event for event in self.of(Asked) if event.objective == objective), None)

    def sampled(self, query: str) -> Sampled | None:
        return next((event for event in self.of(Sampled) if event.query == query), None)

    def scraped(self) -> tuple[Scraped, ...]:
        return self.of(Scraped)

    def troubles(self) -> tuple[Trouble, ...]:
        return self.of(Trouble)
