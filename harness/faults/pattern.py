"""Faults that come and go while they last, and when that was: read back from what the agents said as they did it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from harness.clock import to_ns
from harness.faults.base import Fault
from harness.recording.events import Probed, Read
from harness.recording.evidence import Evidence, Window
from harness.units import show_planned_s
from harness.words import DURATION, word

SHORTEST_S = 0.1  # a turn takes some milliseconds to be made and read back
EDGE_S = 0.05  # what begins or ends so near to a turn belongs to neither side
ANSWERED = 0.9  # of the echoes between two spells: a busy machine loses one now and then


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterned(Fault):
    """``on`` and ``off``: both, or none (then it is there all the time)."""

    on_s: float | None = field(default=None, metadata=word("on", DURATION, "how long it is there each time"))
    off_s: float | None = field(default=None, metadata=word("off", DURATION, "how long it is away in between"))

    def pattern(self) -> tuple[float, float] | None:
        return None if self.on_s is None or self.off_s is None else (self.on_s, self.off_s)

    def pattern_problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong with ``on`` and ``off``, as ``check`` says it."""
        given = {"on": self.on_s, "off": self.off_s}
        for key, length_s in given.items():
            other = "off" if key == "on" else "on"
            if length_s is None and given[other] is not None:
                yield other, f"is given without '{key}': write both, or none for a fault that stays"
            elif length_s is not None and length_s < SHORTEST_S:
                yield key, f"is {show_planned_s(length_s)}: a turn takes some milliseconds, write at least 100ms"
        if self.on_s is not None and self.on_s >= self.for_s:
            text = f"is {show_planned_s(self.on_s)}, and the fault lasts {show_planned_s(self.for_s)}"
            yield "on", f"{text}: it would never go; write less"

    def rhythm(self) -> str:
        """The end of what ``describe`` says; empty for a fault that stays."""
        if self.on_s is None or self.off_s is None:
            return ""
        return f", {show_planned_s(self.on_s)} on and {show_planned_s(self.off_s)} off"


@dataclass(frozen=True, slots=True)
class Turns:
    """When a fault was there on every node (``on``), and when on none (``off``), in order."""

    on: tuple[Window, ...]
    off: tuple[Window, ...]

    def says(self) -> str:
        """The beginning of a witness's words; empty for one that stayed."""
        return f"on {len(self.on)} times, off {len(self.off)} times; " if self.off else ""


def turns(readings: Sequence[Read], inside: Window) -> Turns:
    """From the readings ``on`` (1 as a spell begins on a node, 0 as it ends) within the time it was in force.

    A node that said nothing had it all the time. Spells that are on here and off there are in neither list.
    """
    by_node: dict[str, list[Read]] = {}
    for read in readings:
        by_node.setdefault(read.node, []).append(read)
    on: tuple[Window, ...] = (inside,)
    off: tuple[Window, ...] = (inside,)
    for reads in by_node.values():
        spells = tuple(_spells(reads, inside))
        on, off = _both(on, spells), _both(off, tuple(_between(spells, inside)))
    return Turns(on, off if by_node else ())


def turns_of(fault: str, evidence: Evidence, inside: Window) -> Turns:
    return turns(evidence.readings(fault, "on", "during"), inside)


def sent_in(windows: Iterable[Window], pairs: Collection[tuple[str, str]], evidence: Evidence) -> tuple[Probed, ...]:
    """The echoes that were sent on these links within these windows."""
    ordered = sorted(pairs)
    return tuple(p for window in windows for pair in ordered for p in evidence.probes_between(*pair, window))


def answered_within(probe: Probed, end_ns: int) -> bool:
    return probe.rtt_s is not None and probe.sent_ns + to_ns(probe.rtt_s) < end_ns


def inner(windows: Iterable[Window], *, start_s: float = EDGE_S, end_s: float = EDGE_S) -> tuple[Window, ...]:
    """Without their edges; those that are nothing but edge are left out."""
    shrunk = (Window(w.start_ns + to_ns(start_s), w.end_ns - to_ns(end_s)) for w in windows)
    return tuple(window for window in shrunk if window.start_ns < window.end_ns)


def _spells(reads: Iterable[Read], inside: Window) -> Iterator[Window]:
    start_ns: int | None = None
    for read in sorted(reads, key=lambda read: read.read_ns):
        if read.value and start_ns is None:
            start_ns = read.read_ns
        elif not read.value and start_ns is not None:
            yield from _clipped(Window(start_ns, read.read_ns), inside)
            start_ns = None
    if start_ns is not None:
        yield from _clipped(Window(start_ns, inside.end_ns), inside)


def _between(spells: Sequence[Window], inside: Window) -> Iterator[Window]:
    edges = [inside.start_ns, *(edge for spell in spells for edge in (spell.start_ns, spell.end_ns)), inside.end_ns]
    for start_ns, end_ns in zip(edges[::2], edges[1::2], strict=True):
        yield from _clipped(Window(start_ns, end_ns), inside)


def _both(some: Iterable[Window], others: Sequence[Window]) -> tuple[Window, ...]:
    return tuple(both for one in some for other in others for both in _clipped(one, other))


def _clipped(window: Window, inside: Window) -> Iterator[Window]:
    both = Window(max(window.start_ns, inside.start_ns), min(window.end_ns, inside.end_ns))
    if both.start_ns < both.end_ns:
        yield both
