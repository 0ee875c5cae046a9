"""Whether all members of the store hold the same: what each hashes to at the same revision."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from harness.clock import to_ns
from harness.members import Hashed
from harness.objectives.aftermath import start_of
from harness.objectives.base import Bound, Finding
from harness.objectives.told import Told, told
from harness.objectives.when import MOMENT, Moment, unknown
from harness.objectives.yes import yes
from harness.recording.evidence import Evidence
from harness.words import word

_BOUND = yes("==", 0.0)
_COMPARED_MIN = 3  # revisions at which every member answered

_Point = tuple[int, int]  # revision, and what was compacted


@dataclass(frozen=True, slots=True, kw_only=True)
class SameData(Told):
    """The hash of every member's whole store at the same revision is the same, at any time of the run.

    It is held only where every member answered for at least three revisions since ``after``: a member that was away
    must have come back and caught up for that. Only hashes of stores that were compacted alike are compared.
    """

    key: ClassVar[str] = "same-data"
    about: ClassVar[str] = "whether all members have the same data at the same revision, once all are back"
    unit: ClassVar[str] = "revisions that differ"

    after: Moment | None = field(
        default=None, metadata=word("after", MOMENT, "since when all must have been compared; else in the whole run")
    )
    bound: Bound = field(metadata=word("same-data", _BOUND, "yes"))

    @property
    def source(self) -> str:
        since = f", by all of them after {self.after}" if self.after else ""
        return f"the hash of its store that each member named when {self.traffic} asked it{since}"

    def check(self, traffic: Collection[str], faults: Collection[str]) -> Iterator[tuple[str, str]]:
        if self.after and self.after.fault is None:
            yield "after", "is 'end': nothing comes after that; write 'end of' and a fault's name"
        elif self.after:
            yield from unknown("after", self.after.fault, faults, "fault")
        yield from super(SameData, self).check(traffic, faults)

    def faults(self) -> frozenset[str]:
        return frozenset(name for name in (self.needs, self.after and self.after.fault) if name)

    def take(self, evidence: Evidence) -> Finding:
        found, since_ns = told(evidence, self.traffic), self._since_ns(evidence)
        if isinstance(found, str) or isinstance(since_ns, str):
            return self.finding("inconclusive", found if isinstance(found, str) else str(since_ns))
        nodes = sorted({one.node for one in found})
        hashes = [one for one in found if isinstance(one, Hashed) and one.revision and not one.error]
        points = _points(hashes)
        differ = [point for point, its in points.items() if len({one.hash for one in its}) > 1]
        compared = [len({one.node for one in its}) > 1 for its in points.values()].count(True)
        by_all = sum({one.node for one in its if one.at_ns >= since_ns} == set(nodes) for its in points.values())
        details = tuple(_details(compared, by_all, hashes))
        if differ:
            return self.finding("violated", _broken(points, min(differ)), float(len(differ)), details=details)
        since = f" after {self.after}" if self.after else ""
        if by_all < _COMPARED_MIN:
            lacking = _lacking(nodes, hashes, since_ns)
            reason = f"all {len(nodes)} members could be compared at {by_all} revisions{since}, which must be "
            return self.finding("inconclusive", f"{reason}{_COMPARED_MIN} at least{lacking}", 0.0, details=details)
        reason = f"the same hash in all {len(nodes)} members at each of {by_all:,} revisions{since}"
        return self.finding("held", reason, 0.0, details=details)

    def _since_ns(self, evidence: Evidence) -> int | str:
        if self.after is None:
            return 0
        start = start_of(evidence, self.after)
        return start if isinstance(start, str) else start.begin_ns + to_ns(start.bracket_s)


def _points(hashes: Sequence[Hashed]) -> Mapping[_Point, Sequence[Hashed]]:
    found: dict[_Point, list[Hashed]] = defaultdict(list)
    for one in hashes:
        found[one.revision, one.compacted].append(one)
    return found


def _broken(points: Mapping[_Point, Sequence[Hashed]], point: _Point) -> str:
    """Who holds what at that revision."""
    holders: dict[int, set[str]] = defaultdict(set)
    for one in points[point]:
        holders[one.hash].add(one.node)
    said = sorted(f"{', '.join(sorted(nodes))} {value:08x}" for value, nodes in holders.items())
    return f"at revision {point[0]:,} the stores differ: {' and '.join(said)}"


def _lacking(nodes: Sequence[str], hashes: Sequence[Hashed], since_ns: int) -> str:
    """Who never answered."""
    answered = {one.node for one in hashes if one.at_ns >= since_ns}
    silent = [node for node in nodes if node not in answered]
    return f"; {', '.join(silent)} never answered" if silent else ""


def _details(compared: int, by_all: int, hashes: Sequence[Hashed]) -> Iterator[tuple[str, str]]:
    yield "revisions compared", f"{compared:,}, of all members {by_all:,}"
    if hashes:
        yield "revisions", f"{min(one.revision for one in hashes):,} to {max(one.revision for one in hashes):,}"
