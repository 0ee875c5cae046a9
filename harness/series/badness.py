"""How bad a figure is, by what its bound calls better: one scale from 0 to infinity, on which ratios mean something."""

from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Literal

from harness.series.intervals import Span
from harness.series.sample import Figure, Measure
from harness.units import show_share

# What the ratio is taken of.
Of = Literal["figure", "lost share", "distance from the limit"]

MORE_IS_BETTER = (">=", ">")
_SMALL = 0.2  # of what a bound allows to be lost; shares below count as this much


def of(measure: Measure) -> Of:
    """What is compared: 99.9 % and 99.5 % are nearly the same share kept, and five times the share lost."""
    if measure.comparison == "==":
        return "distance from the limit"
    return "lost share" if measure.comparison in MORE_IS_BETTER and measure.unit == "share" else "figure"


def turned(measure: Measure) -> bool:
    """Whether more of the figure is better, so that the ratio of what is bad is that of the figures upside down."""
    return measure.comparison in MORE_IS_BETTER and measure.unit != "share"


def badness(figure: Figure, measure: Measure) -> Span | None:
    """How bad it was, from 0 to infinity; None: it does not count. A bound broken for lack of a figure is infinitely
    bad; a figure that is merely not known may have been anything.
    """
    if not figure.counts:
        return None
    if figure.measured is None:
        return Span(inf, inf) if figure.outcome == "violated" else Span(0.0, inf)
    error = figure.error or 0.0
    low, high = max(0.0, figure.measured - error), figure.measured + error
    return _SCALES[of(measure), turned(measure)](low, high, measure.limit)


def _kept(low: float, high: float, _: float | None) -> Span:
    return Span(1 / high if high > 0 else inf, 1 / low if low > 0 else inf)


def _lost(low: float, high: float, limit: float | None) -> Span:
    floor = _floor(limit)
    return Span(max(floor, round(1 - high, 9)), max(floor, round(1 - low, 9)))


def _floor(limit: float | None) -> float:
    """Of 99.5 % it is 0.1 %: two lost answers are twice as many as one, and nobody's concern."""
    return 0.0 if limit is None else round(_SMALL * max(0.0, 1 - limit), 9)


def _distance(low: float, high: float, limit: float | None) -> Span:
    if limit is None:
        raise ValueError("there is no limit to be distant from: 'unfit' says so")
    far = (abs(low - limit), abs(high - limit))
    return Span(0.0 if low <= limit <= high else min(far), max(far))


_SCALES: dict[tuple[Of, bool], Callable[[float, float, float | None], Span]] = {
    ("figure", False): lambda low, high, _: Span(low, high),
    ("figure", True): _kept,
    ("lost share", False): _lost,
    ("distance from the limit", False): _distance,
}


def raised(sides: Sequence[Sequence[Figure]], measure: Measure) -> Iterator[str]:
    """What is said where shares too small to matter were taken for larger ones."""
    floor = _floor(measure.limit)
    lost = [1 - figure.measured for side in sides for figure in side if figure.counts and figure.measured is not None]
    if of(measure) == "lost share" and any(round(share, 9) < floor for share in lost):
        yield f"less than {show_share(floor)}, a fifth of what may be lost, counts as {show_share(floor)}"


def unfit(sides: Sequence[Sequence[Figure]], measure: Measure) -> str:
    """Why these figures have no ratio; "": they have."""
    if any((figure.measured or 0.0) < 0 for side in sides for figure in side if figure.counts):
        return "some figures are below zero, and such have no ratio"
    if measure.comparison == "==" and measure.limit is None:
        return "its bound is a multiple that must be met exactly, which is neither more nor less"
    return ""
