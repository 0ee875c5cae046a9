"""How fast a figure grows, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

NEEDED = 30  # looks
_STRETCHES = 20  # looks that follow each other are much alike; medians of stretches hardly are
_UNSURE = 0.05


@dataclass(frozen=True, slots=True)
class Slope:
    """``low_per_s`` to ``high_per_s``: its interval of confidence. ``length_s``: of what it was taken from."""

    per_s: float
    low_per_s: float
    high_per_s: float
    length_s: float


def slope(points: Sequence[tuple[float, float]], together: int = 1) -> Slope | None:
    """Theil's and Sen's, of (seconds, figure) in order; None: fewer points than ``NEEDED``.

    The interval is so wide that ``together`` of them hold at once in 95 of 100 cases (Bonferroni).
    """
    if len(points) < NEEDED:
        return None
    from scipy import stats  # it takes its time to load, and most runs ask for no slope

    edges = [round(at * len(points) / _STRETCHES) for at in range(_STRETCHES + 1)]
    stretches = [points[first:last] for first, last in pairwise(edges)]
    times = [median(at_s for at_s, _ in stretch) - points[0][0] for stretch in stretches]
    figures = [median(value for _, value in stretch) for stretch in stretches]
    found = stats.theilslopes(figures, times, alpha=1 - _UNSURE / max(1, together))
    length_s = points[-1][0] - points[0][0]
    return Slope(float(found[0]), float(found[2]), float(found[3]), length_s)
