"""How something went on through the whole run, as Prometheus saw it: a value for every step, and how late it may be."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from harness.clock import to_ns
from harness.recording.evidence import WALL, Evidence, Window

RULES = "harness_alert_rules"  # what every evaluation of the alert rules leaves behind, whether one fires or not
# How old, at any instant, the oldest of the last looks at each target was: what a Prometheus that was frozen, that was
# restarted or that missed scrapes cannot have small.
UNSEEN = f'time() - min(timestamp({{__name__=~"up|{RULES}"}}))'


@dataclass(frozen=True, slots=True)
class Course:
    """``values[i]`` is what Prometheus had at ``start_ns + i * step_ns``; None: nothing.

    ``late_s``: what is seen at a step had come to be at most so long before it, for it is seen in steps, and each of
    them shows the last scrape. ``error_s``: how far the wall clock, by which Prometheus goes, moved against ours.
    """

    start_ns: int
    step_ns: int
    values: tuple[float | None, ...]
    late_s: float
    error_s: float = 0.0

    def at_ns(self, step: int) -> int:
        return self.start_ns + step * self.step_ns

    def first_from(self, at_ns: int) -> int:
        """The first step at that instant or after it."""
        return max(0, -((self.start_ns - at_ns) // self.step_ns))

    def known_s(self, window: Window) -> tuple[float, float]:
        """For how long in the window there was a value, and for how long there was none."""
        inside = self.values[self.first_from(window.start_ns) : self.first_from(window.end_ns)]
        missing = sum(value is None for value in inside)
        return (len(inside) - missing) * self.step_ns / 1e9, missing * self.step_ns / 1e9

    def spells(self) -> Iterator[tuple[float | None, int, int]]:
        """Runs of equal values: (value, when it came to be at the latest, when it had gone at the latest)."""
        edges = [i for i, (old, new) in enumerate(pairwise(self.values), start=1) if old != new]
        for first, after in pairwise((0, *edges, len(self.values))):
            yield self.values[first], self.at_ns(first), self.at_ns(after)


def course(evidence: Evidence, query: str) -> Course | str:
    """The course of ``query``; or the sentence that says why there is none, or none that says anything."""
    return evidence.once(("course", query), lambda: _course(evidence, query))


def unseen(evidence: Evidence) -> tuple[float, float] | None:
    """The longest that Prometheus went without a look at one of its targets, and when that ended (since the warm-up).

    None: nobody asked it that.
    """
    asked = evidence.sampled(UNSEEN)
    if asked is None or not asked.values:
        return None
    ages = [inf if value is None else value for value in asked.values]
    worst = max(range(len(ages)), key=lambda step: (ages[step], -step))
    return ages[worst], evidence.since_s(asked.start_ns + worst * to_ns(asked.step_s))


def _course(evidence: Evidence, query: str) -> Course | str:
    asked, oldest = evidence.sampled(query), unseen(evidence)
    if asked is None:
        return "Prometheus was never asked for its course"
    if asked.error is not None:
        return f"Prometheus had no course of it: {asked.error}"
    if oldest is None or oldest[0] == inf:
        return "nothing shows how often Prometheus looked"
    looks = [look.offset_ns for look in evidence.clocks().get(WALL, ())]
    moved_s = (max(looks) - min(looks)) / 1e9 if looks else 0.0
    return Course(asked.start_ns, to_ns(asked.step_s), asked.values, oldest[0] + asked.step_s, moved_s)
