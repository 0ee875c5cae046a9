"""Two samples of runs: what became better, what stayed the same, what became worse, and what cannot be told.

An answer is given only where the whole interval of the ratio says so, and the intervals are wide enough for all the
objectives together (Bonferroni: each has ``1 - (1 - confidence) / objectives``): in 95 of 100 comparisons of which
nothing is known beforehand every answer is right. Holm's steps would decide a little more often; but then what decides
is no longer the interval that is shown.
"""

from collections.abc import Iterator, Sequence
from math import inf
from statistics import median
from typing import Literal

import msgspec

from harness import errors
from harness.series.badness import MORE_IS_BETTER, Of, badness, of, raised, turned, unfit
from harness.series.experiment import DECISIVE, SAID
from harness.series.intervals import Interval, Span, ratio_interval, ratios, runs_to_tell
from harness.series.sample import INJECTED, Figure, Measure, Sample, differing
from harness.units import show_share

Answer = Literal["better", "same", "worse", "cannot tell"]

# In the order in which they are said.
_SAID: dict[Answer, str] = {
    "worse": "became worse",
    "cannot tell": "cannot be told",
    "better": "became better",
    "same": "stayed the same",
}

THRESHOLD, CONFIDENCE = 0.2, 0.95


class Side(msgspec.Struct, frozen=True):
    """``runs``: whose figure counts, of ``asked``; ``median`` of those, None: there is none, or it is "never"."""

    asked: int
    runs: int
    never: int
    median: float | None


class Change(msgspec.Struct, frozen=True):
    """One objective in both. ``ratio``: of B to A, of what ``of`` says; with its interval; None is without end.

    ``confidence`` None: there is no interval. ``more``: about how many more runs of each would tell; None where it is
    told, or where no number would. ``why``: what is to be known beside the answer.
    """

    objective: str
    figure: str
    unit: str
    bound: str
    of: Of
    before: Side
    after: Side
    ratio: float | None
    low: float | None
    high: float | None
    confidence: float | None
    answer: Answer
    more: int | None
    why: str


class Comparison(msgspec.Struct, frozen=True):
    """``differences``: between the two that are not what was measured; ``left_out``: objectives of one side only."""

    scenario: str
    before: str
    after: str
    threshold: float
    confidence: float
    answer: Answer
    exit_code: int
    sentence: str
    changes: tuple[Change, ...]
    differences: tuple[str, ...]
    left_out: tuple[str, ...]


def refusal(before: Sample, after: Sample) -> str | None:
    """Why the figures of these two do not belong beside each other; None: they do."""
    if before.scenario != after.scenario:
        return f"one is of scenario {before.scenario}, the other of {after.scenario}"
    for name, sample in (("first", before), ("second", after)):
        if parts := _decisive(sample.mixed):
            return f"the runs of the {name} are not all of one scenario: they differ in {_listed(parts)}"
    if parts := _decisive(differing(before, after)):
        return f"they are not of the same scenario: they differ in {_listed(parts)}"
    if shared := sorted({run.run for run in before.runs} & {run.run for run in after.runs}):
        return f"both have run {shared[0]}{f' and {len(shared) - 1} more' if len(shared) > 1 else ''} in them"
    return None


def _decisive(parts: Sequence[str]) -> list[str]:
    return [part for part in parts if part not in SAID]


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def compare(
    before: Sample,
    after: Sample,
    threshold: float = THRESHOLD,
    confidence: float = CONFIDENCE,
    names: tuple[str, str] = ("A", "B"),
) -> Comparison:
    """What changed from ``before`` (A) to ``after`` (B). A factor of ``1 + threshold`` either way is still the same.

    ``names``: what the two are, for a person: the words they were asked for by.
    """
    shared = [measure for measure in after.measures if _comparable(measure, before.measure(measure.objective))]
    each = 1 - (1 - confidence) / max(1, len(shared))
    changes = tuple(_change(measure, before, after, 1 + threshold, each) for measure in shared)
    answer = _worst([change.answer for change in changes])
    named = [*dict.fromkeys(measure.objective for sample in (before, after) for measure in sample.measures)]
    return Comparison(
        scenario=after.scenario,
        before=names[0],
        after=names[1],
        threshold=threshold,
        confidence=confidence,
        answer=answer,
        exit_code={"worse": errors.VIOLATED, "cannot tell": errors.INCONCLUSIVE}.get(answer, errors.HELD),
        sentence=_sentence(changes),
        changes=changes,
        differences=tuple(_differences(before, after)),
        left_out=tuple(name for name in named if name not in {measure.objective for measure in shared}),
    )


def _comparable(measure: Measure, other: Measure | None) -> bool:
    """The same figure in the same unit, of which the same is better."""
    return other is not None and (measure.figure, measure.unit, of(measure), measure.comparison in MORE_IS_BETTER) == (
        other.figure,
        other.unit,
        of(other),
        other.comparison in MORE_IS_BETTER,
    )


def _worst(answers: Sequence[Answer]) -> Answer:
    """Worse is said before anything else; then what is not known. Of nothing at all nothing is known."""
    return min(answers, key=list(_SAID).index, default="cannot tell")


def _sentence(changes: Sequence[Change]) -> str:
    if not changes:
        return "A and B have no objective in common"
    found = {answer: [change.objective for change in changes if change.answer == answer] for answer in _SAID}
    return "; ".join(f"{', '.join(names)} {_SAID[answer]}" for answer, names in found.items() if names)


def _change(measure: Measure, before: Sample, after: Sample, factor: float, confidence: float) -> Change:
    sides = [_figures(sample, measure.objective) for sample in (before, after)]
    interval = centre = more = None
    problem = unfit(sides, measure)
    if not problem:
        # The bounds of the two may differ where --anyway was said: distances are from the limit of ``after``.
        ours, theirs = ([span for figure in side if (span := badness(figure, measure))] for side in sides)
        interval, centre = ratio_interval(ours, theirs, confidence), _centre(ours, theirs)
        if _answer(interval, factor) == "cannot tell":
            more = runs_to_tell(ours, theirs, confidence, factor)
            problem = "" if more else "the figures' own errors are wider than that: more runs would not tell"
    low, high = (interval.low, interval.high) if interval else (None, None)
    if turned(measure):
        low, high, centre = _inverse(high), _inverse(low), _inverse(centre)
    return Change(
        objective=measure.objective,
        figure=measure.figure,
        unit=measure.unit,
        bound=measure.bound,
        of=of(measure),
        before=_side(sides[0], measure),
        after=_side(sides[1], measure),
        ratio=_finite(centre),
        low=low,
        high=_finite(high),
        confidence=interval.confidence if interval else None,
        answer=_answer(interval, factor),
        more=more,
        why="; ".join(filter(None, (problem, *raised(sides, measure), *_not_counted(sides)))),
    )


def _answer(interval: Interval | None, factor: float) -> Answer:
    """By the ratio of what is bad: above 1 is worse."""
    if interval is None:
        return "cannot tell"
    if interval.low > factor:
        return "worse"
    if interval.high < 1 / factor:
        return "better"
    return "same" if 1 / factor <= interval.low and interval.high <= factor else "cannot tell"


def _figures(sample: Sample, objective: str) -> list[Figure]:
    return [figure for run in sample.runs if (figure := run.figure(objective)) is not None]


def _not_counted(sides: Sequence[Sequence[Figure]]) -> Iterator[str]:
    """What was left out, and what counts as anything or as never: who reads the answer must know of it."""
    for name, side in zip("AB", sides, strict=True):
        out = [figure for figure in side if not figure.counts]
        if out:
            yield f"{len(out)} of {len(side)} runs of {name} do not count ({out[0].why})"
        unknown = sum(figure.counts and figure.measured is None and figure.outcome != "violated" for figure in side)
        if unknown:
            yield f"{unknown} of {len(side)} runs of {name} have no figure, which may have been any"


def _side(figures: Sequence[Figure], measure: Measure) -> Side:
    worst = 0.0 if measure.comparison in MORE_IS_BETTER else inf
    counted = [figure for figure in figures if figure.counts]
    never = sum(figure.measured is None and figure.outcome == "violated" for figure in counted)
    values = [figure.measured for figure in counted if figure.measured is not None]
    known = [*values, *[worst] * never]
    middle = median(known) if known else None
    return Side(len(figures), len(counted), never, None if not values else _finite(middle))


def _centre(before: Sequence[Span], after: Sequence[Span]) -> float | None:
    """The median ratio of a run of ``after`` to a run of ``before``, where their figures say one."""
    if not before or not after:
        return None
    low, high = (median(side) for side in ratios(before, after))
    return low if low == high else (low * high) ** 0.5 if low > 0 and high < inf else None


def _inverse(value: float | None) -> float | None:
    if value is None:
        return None
    return inf if value == 0 else 0.0 if value == inf else 1 / value


def _finite(value: float | None) -> float | None:
    return None if value == inf else value


def _differences(before: Sample, after: Sample) -> Iterator[str]:
    """What else is not the same: a change may be theirs."""
    parts = differing(before, after)
    for part in (part for part in (*DECISIVE, *SAID) if part in parts):
        yield f"{part}: what the scenario says is not the same"
    if INJECTED in parts:
        yield f"faults: {'B' if after.without_faults else 'A'} was played without them"
    ours, theirs = dict(before.facts), dict(after.facts)
    for what in ours | theirs:
        was, became = (set(facts.get(what, ())) for facts in (ours, theirs))
        if was != became:
            yield f"{what}: {_values(was - became, was)} in A, {_values(became - was, became)} in B"


def _values(only: set[str], every: set[str]) -> str:
    shown = sorted(only) or (["no other"] if every else ["not said"])
    return ", ".join(shown)


def describe(comparison: Comparison) -> str:
    """What the answers mean, in a sentence."""
    factor = 1 + comparison.threshold
    return (
        f"same: within a factor of {factor:g} either way; all answers together are right with "
        f"{show_share(comparison.confidence)} confidence"
    )
