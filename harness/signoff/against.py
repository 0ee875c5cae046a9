"""A suite's figures against those of the last runs that came out as they should: what became worse. Pure.

One run a night proves little: only where the intervals of ``compare`` say so a figure *became worse*. It *looks worse*
where it is worse than in every run of the baseline, by more than the threshold than their middle, errors counted:
worth a look, and no verdict.
"""

from collections.abc import Sequence
from statistics import median
from typing import Literal

import msgspec

from harness.report import figures
from harness.series import sample as samples
from harness.series.badness import badness, unfit
from harness.series.compare import CONFIDENCE, THRESHOLD, Change, compare, refusal
from harness.series.sample import Figure, Measure, Sample

RUNS_MAX = 10  # of a baseline: what is older was another machine, or another time of the year
_SMALL = 0.2  # of a bound: where the baseline is 0, anything is infinitely worse

Answer = Literal["worse", "looks worse"]


class Worse(msgspec.Struct, frozen=True):
    """One objective; ``before``, ``now``: the middle of what counts, for a person."""

    objective: str
    answer: Answer
    before: str
    now: str
    limit: str


class Against(msgspec.Struct, frozen=True):
    """One row of a suite. ``runs``: of its baseline; ``compared``: how many figures; ``why``: none could be."""

    label: str
    runs: int
    compared: int
    worse: tuple[Worse, ...]
    why: str = ""

    @property
    def told_worse(self) -> bool:
        return any(one.answer == "worse" for one in self.worse)


class Compared(msgspec.Struct, frozen=True):
    """A suite against ``baseline``; ``rows`` in its order, without broken twins, which are to be bad."""

    baseline: str
    threshold: float
    rows: tuple[Against, ...]

    @property
    def told_worse(self) -> bool:
        return any(row.told_worse for row in self.rows)


def against(label: str, before: Sample | None, now: Sample, threshold: float = THRESHOLD) -> Against:
    """``before`` None: there is no baseline of it yet."""
    if before is None:
        return Against(label, 0, 0, (), "it has no baseline yet")
    if why := refusal(before, now):
        return Against(label, len(before.runs), 0, (), f"its baseline is not comparable: {why}")
    comparison = compare(before, now, threshold, CONFIDENCE)
    found = [_worse(change, before, now, threshold) for change in comparison.changes]
    return Against(label, len(before.runs), len(found), tuple(one for one in found if one))


def kept(before: Sample | None, now: Sample) -> Sample:
    """The baseline from now on: the newest runs, of the experiment as it is now."""
    if before is None or refusal(before, now):
        return now
    both = samples.together([before, now])
    return msgspec.structs.replace(both, runs=both.runs[-RUNS_MAX:])


def _worse(change: Change, before: Sample, now: Sample, threshold: float) -> Worse | None:
    measure = next(measure for measure in now.measures if measure.objective == change.objective)
    then, there = (_counted(sample, measure.objective) for sample in (before, now))
    answer: Answer | None = "worse" if change.answer == "worse" else None
    comparable = then and there and not unfit((then, there), measure)
    if answer is None and comparable and _looks_worse(then, there, measure, threshold):
        answer = "looks worse"
    if answer is None:
        return None
    return Worse(measure.objective, answer, _shown(then, measure), _shown(there, measure), measure.bound)


def _looks_worse(before: Sequence[Figure], now: Sequence[Figure], measure: Measure, threshold: float) -> bool:
    """Even the best of now is beyond the worst of before, and far beyond the middle of it."""
    then = [span.high for figure in before if (span := badness(figure, measure))]
    best = min(span.low for figure in now if (span := badness(figure, measure)))
    floor = _SMALL * measure.limit if measure.limit and not any(then) else 0.0
    return best > max(then) and best > (1 + threshold) * median(then) and best > floor


def _counted(sample: Sample, objective: str) -> list[Figure]:
    found = (run.figure(objective) for run in sample.runs)
    return [figure for figure in found if figure is not None and figure.counts]


def _shown(side: Sequence[Figure], measure: Measure) -> str:
    values = [figure.measured for figure in side if figure.measured is not None]
    if not values:
        return "never" if side else "no figure"
    return f"{measure.figure} {figures.figure(median(values), measure.unit)}".strip()
