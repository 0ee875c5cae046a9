"""When the service was well again as Prometheus saw it, from what the load exports of settled operations.

Each scrape shows how many operations had fallen due before some instant, how many of them failed, and how many were
answered in time, all by due time. Between two scrapes nothing is known; so the answer is the first start of a hold that
may have been well, and the first that must have been, whatever happened between.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.objectives.aftermath import Milestone, start_of
from harness.objectives.courses import course
from harness.objectives.when import Moment
from harness.operations import LATENCY_BOUNDS_S
from harness.recording.evidence import Evidence
from harness.units import show_planned_s


@dataclass(frozen=True, slots=True)
class _Scrape:
    """All that fell due before ``until_s``, counted from the moment that is asked about."""

    until_s: float
    due: float
    failed: float
    slow: float  # without a right answer in time; what failed is among them


def queries(traffic: str, well_s: float) -> tuple[str, ...]:
    """What must be asked; nothing where ``well_s`` is none of the bounds that the load counts by."""
    if well_s not in LATENCY_BOUNDS_S:
        return ()
    label = f'traffic="{traffic}"'
    return (
        f"harness_settled_until_seconds{{{label}}}",
        f'harness_settled_seconds_bucket{{{label},le="+Inf"}}',
        f"harness_settled_failed_total{{{label}}}",
        f'harness_settled_seconds_bucket{{{label},le="{well_s}"}}',
    )


def restored(evidence: Evidence, traffic: str, moment: Moment, hold_s: float, well_s: float | None) -> Milestone:
    """The middle of the earliest and the latest start of the first hold that was well, give or take a half."""
    asked = queries(traffic, well_s or 0.0)
    if well_s is None or not asked:
        said = "nobody says what is well" if well_s is None else f"it does not count by {show_planned_s(well_s)}"
        return Milestone(None, why=f"Prometheus has no such figure: {said}")
    start, scrapes = start_of(evidence, moment), _scrapes(evidence, asked)
    if isinstance(start, str) or isinstance(scrapes, str):
        return Milestone(None, why=start if isinstance(start, str) else str(scrapes))
    began_s = start.begin_ns / 1e9
    error_s = start.bracket_s + evidence.clock_error_s()
    seen = [_Scrape(one.until_s - began_s, one.due, one.failed, one.slow) for one in scrapes]
    earliest_s = latest_s = None
    for from_s, to_s, may, must in _starts(seen, hold_s):
        earliest_s = from_s if may and earliest_s is None else earliest_s
        if must:
            latest_s = to_s
            break
    if earliest_s is None or latest_s is None:
        return Milestone(None, why="Prometheus saw no hold that was well for sure")
    return Milestone((earliest_s + latest_s) / 2, (latest_s - earliest_s) / 2 + error_s)


def _scrapes(evidence: Evidence, asked: Sequence[str]) -> list[_Scrape] | str:
    """One for each scrape that settled anything, in order."""
    courses = []
    for query in asked:
        one = course(evidence, query)
        if isinstance(one, str):
            return one
        courses.append(one.values)
    found: dict[float, _Scrape] = {}
    for until_s, due, failed, quick in zip(*courses, strict=True):
        if until_s is not None and due is not None and failed is not None and quick is not None:
            found[until_s] = _Scrape(until_s, due, failed, due - quick)
    return [found[until_s] for until_s in sorted(found)]


def _starts(seen: Sequence[_Scrape], hold_s: float) -> Iterator[tuple[float, float, bool, bool]]:
    """For what lies between each scrape and the next: from, to, whether a hold from there may have been, and must have
    been well. Those that end after the last scrape are not known."""
    ends = [one.until_s for one in seen]
    for at, (before, after) in enumerate(pairwise(seen)):
        if after.until_s <= 0 or after.due == before.due:
            continue
        outer = bisect_right(ends, after.until_s + hold_s - 1e-9)
        if outer == len(seen):
            return
        inner = seen[max(at + 1, bisect_right(ends, before.until_s + hold_s + 1e-9) - 1)]
        least_due, most_due = inner.due - after.due, seen[outer].due - before.due
        may = _well(inner.failed - after.failed, inner.slow - after.slow, most_due)
        must = _well(seen[outer].failed - before.failed, seen[outer].slow - before.slow, least_due)
        at_once = must and before.until_s <= 0
        yield max(0.0, before.until_s), 0.0 if at_once else after.until_s, may, must


def _well(failed: float, slow: float, due: float) -> bool:
    return due > 0 and failed * 100 <= due and slow * 20 <= due
