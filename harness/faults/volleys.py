"""What the witness of the packet queue read: numbered datagrams, and what became of them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

from harness.recording.events import FaultFired, Read
from harness.recording.evidence import Evidence, InForce
from harness.wire import When

PER_S = 40  # datagrams of the witness, for each peer
WANTED = 5  # so many must be expected to have met their fate, or seeing none would say nothing
_BOUND = 4.0  # standard deviations on either side of what was asked for ...
_SLACK = 2.0  # ... and so many datagrams


@dataclass(frozen=True, slots=True)
class Volleys:
    """Of one node in one stretch of time. ``round_trips_s``: a median for each reading."""

    datagrams: float = 0
    lost: float = 0
    doubled: float = 0
    overtaken: float = 0
    corrupted: float = 0
    checksum_errors: float = 0
    round_trips_s: tuple[float, ...] = ()

    @property
    def came(self) -> float:
        return self.datagrams - self.lost


def volleys(evidence: Evidence, fault: str, when: When, node: str) -> Volleys:
    """The sum of a node's readings; what was read while a pattern had the fault off is left out."""

    def read(name: str) -> list[Read]:
        return [r for r in evidence.readings(fault, name, when) if r.node == node]

    turns = read("on")
    names = ("datagrams", "lost_share", "doubled_share", "overtaken_share", "corrupted_share", "checksum_errors")
    rows = [row for row in zip(*(read(name) for name in names), strict=False) if is_on(turns, row[0].read_ns)]
    counts = [row[0].value for row in rows]

    def total(column: int) -> float:
        return sum((row[column].value * n for row, n in zip(rows, counts, strict=True)), 0.0)

    return Volleys(
        sum(counts), total(1), total(2), total(3), total(4), sum(row[5].value for row in rows),
        tuple(r.value for r in read("round_trip_s") if is_on(turns, r.read_ns)),
    )  # fmt: skip


def is_on(turns: Sequence[Read], at_ns: int) -> bool:
    """Had a pattern the fault on at that instant? Without turns it was on all the time."""
    before = [turn for turn in turns if turn.read_ns <= at_ns]
    return not before or before[-1].value > 0


def alone(evidence: Evidence, fault: str, in_force: InForce) -> bool:
    """No other fault was in force meanwhile; with others there may be more than this one asked for."""
    window = in_force.window
    others = {event.fault for event in evidence.of(FaultFired)} - {fault}
    spells = (evidence.in_force(other) for other in others)
    return not any(s and s.window.start_ns < window.end_ns and window.start_ns < s.window.end_ns for s in spells)


def as_asked(seen: float, of: float, share: float, *, spread: float = 1.0, at_most: bool = True) -> bool:
    """Is this count of what was asked for, by the binomial distribution; ``spread`` widens it (losses in a row).

    At least one must be there. ``at_most``: too many are as wrong as too few.
    """
    margin = _BOUND * sqrt(spread * of * share * (1 - share)) + _SLACK
    return seen >= 1 and of * share - margin <= seen and (not at_most or seen <= of * share + margin)


def slower_s(before: Volleys, during: Volleys) -> tuple[float, float] | None:
    """By how much round trips grew: the least and the median of all readings; None where there are too few."""
    if not before.round_trips_s or not during.round_trips_s:
        return None
    zero_s = median(before.round_trips_s)
    return min(during.round_trips_s) - zero_s, median(during.round_trips_s) - zero_s
