"""What the runs of a series come to: a pass rate with what it proves, and each figure with its median."""

from collections.abc import Sequence
from math import floor, inf, isfinite
from statistics import median

from harness import errors
from harness.objectives import Outcome
from harness.objectives.base import Bound
from harness.repeat import Repeat
from harness.series.intervals import Interval, median_interval, pass_rate, runs_for_median
from harness.series.record import Concluded, Ended, FigureOver, Played
from harness.series.sample import Measure, Sample
from harness.series.sequential import decide
from harness.units import show_share

_EXIT: dict[Outcome, int] = {"held": errors.HELD, "violated": errors.VIOLATED, "inconclusive": errors.INCONCLUSIVE}


_ENDED: dict[Ended, int] = {"interrupted": errors.INTERRUPTED, "failed": errors.NO_VERDICT}


def passed(run: Played) -> bool | None:
    """None: inconclusive, which is neither. A broken twin passes where it is broken as its file expects."""
    return {errors.HELD: True, errors.VIOLATED: False}.get(run.exit_code)


def decisions(played: Sequence[Played]) -> list[bool]:
    """The runs that passed or failed, in their order."""
    return [result for run in played if (result := passed(run)) is not None]


def conclude(repeat: Repeat, played: Sequence[Played], ended: Ended, why: str = "") -> Concluded:
    """What the series comes to. Without a requirement every run must pass: one that fails is a violation, one that is
    inconclusive, or was never played, leaves the series inconclusive.
    """
    results = decisions(played)
    good, decided = sum(results), len(results)
    interval = None if repeat.test else pass_rate(good, decided, repeat.confidence)
    outcome, verdict = _tested(repeat, results) if interval is None else _proved(repeat, results, interval, played)
    reasons = [*_unplayed(repeat, played, ended, why), *_undecided(len(played) - decided, len(played))]
    return Concluded(
        outcome=outcome,
        exit_code=_ENDED.get(ended, _EXIT[outcome]),
        sentence=verdict,
        reasons=tuple(reasons),
        passed=good,
        failed=decided - good,
        inconclusive=len(played) - decided,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
    )


def _proved(repeat: Repeat, results: list[bool], interval: Interval, played: Sequence[Played]) -> tuple[Outcome, str]:
    said = _what_it_proves(results, interval)
    if repeat.pass_rate is not None:
        outcome = repeat.pass_rate.among(interval.low, interval.high)
        return outcome, f"{said}; {_against(repeat.pass_rate, outcome)}"
    if not all(results):
        return "violated", f"{said}; every run must pass"
    whole = len(results) == len(played) >= repeat.runs
    return ("held" if whole else "inconclusive"), said


def _what_it_proves(results: list[bool], interval: Interval) -> str:
    good, decided = sum(results), len(results)
    if not decided:
        return "no run was decided, so that nothing is known of the pass rate"
    count = f"{good:,} of {decided:,} run{'' if decided == 1 else 's'} passed"
    sure = f"{show_share(interval.confidence)} confidence, two-sided"
    if good == decided:
        return f"{count}, which proves only a pass rate of at least {_down(interval.low)} ({sure})"
    if good == 0:
        return f"{count}, which proves only a pass rate of at most {_up(interval.high)} ({sure})"
    return f"{count}: the pass rate is between {_down(interval.low)} and {_up(interval.high)} ({sure})"


def _against(wanted: Bound, outcome: Outcome) -> str:
    return {
        "held": f"that shows '{wanted.text}'",
        "violated": f"that rules out '{wanted.text}'",
        "inconclusive": f"that neither shows nor rules out '{wanted.text}'",
    }[outcome]


def _tested(repeat: Repeat, results: list[bool]) -> tuple[Outcome, str]:
    test = repeat.test
    if test is None:
        raise ValueError("no test was declared")
    count = f"{sum(results):,} of {len(results):,} run{'' if len(results) == 1 else 's'} passed"
    match decide(results, test):
        case "good enough":
            wrong = f"wrong in at most {show_share(test.alpha)} of cases"
            return "held", f"{count}: the pass rate is more than {show_share(test.p0)} (sequential test, {wrong})"
        case "not good enough":
            wrong = f"wrong in at most {show_share(test.beta)} of cases"
            return "violated", f"{count}: the pass rate is less than {show_share(test.p1)} (sequential test, {wrong})"
        case None:
            rates = f"{show_share(test.p0)} and {show_share(test.p1)}"
            return "inconclusive", f"{count}: the sequential test has not decided between {rates}"


def _unplayed(repeat: Repeat, played: Sequence[Played], ended: Ended, why: str) -> list[str]:
    count = f"{len(played):,} of {repeat.runs:,} runs were played"
    return {
        "playing": [f"{count}: it still plays, or was killed"],
        "finished": [],
        "decided": [f"{count}: the sequential test, declared beforehand, had decided"],
        "interrupted": [f"{count}: it was interrupted; what was played stands"],
        "failed": [f"{count}, then it failed: {why}"],
    }[ended]


def _undecided(count: int, of: int) -> list[str]:
    if not count:
        return []
    return [f"{count:,} of {of:,} runs {'was' if count == 1 else 'were'} inconclusive: neither passed nor failed"]


def _down(share: float) -> str:
    """Never more than was proved: 0.6915 is 69.1 %."""
    return show_share(floor(round(share * 1000, 6)) / 1000)


def _up(share: float) -> str:
    return show_share(1 - floor(round((1 - share) * 1000, 6)) / 1000)


def figures(sample: Sample, confidence: float) -> tuple[FigureOver, ...]:
    """Each objective's median over the runs, with its interval, in the order of the file."""
    return tuple(_over(measure, sample, confidence) for measure in sample.measures)


def _over(measure: Measure, sample: Sample, confidence: float) -> FigureOver:
    asked = [figure for run in sample.runs if (figure := run.figure(measure.objective)) is not None]
    # A bound that was broken for lack of a figure (never restored) was broken by more than any figure.
    worst = -inf if measure.comparison in (">=", ">") else inf
    values = sorted(
        worst if figure.measured is None else figure.measured
        for figure in asked
        if figure.counts and (figure.measured is not None or figure.outcome == "violated")
    )
    interval = median_interval(values, confidence)
    return FigureOver(
        objective=measure.objective,
        figure=measure.figure,
        unit=measure.unit,
        bound=measure.bound,
        asked=len(asked),
        held=sum(figure.outcome == "held" for figure in asked),
        runs=len(values),
        never=values.count(worst),
        median=_finite(median(values)) if values else None,
        low=_finite(interval.low) if interval else None,
        high=_finite(interval.high) if interval else None,
        confidence=interval.confidence if interval else None,
        more=0 if interval else runs_for_median(confidence) - len(values),
    )


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
