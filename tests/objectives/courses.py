"""Courses for small recordings, told by their changes."""

from harness.objectives.courses import UNSEEN
from harness.recording.events import Sampled
from tests.recording.builder import at

STEP_S = 0.1
STEPS = 600  # the 60 s of a story


def sampled(query: str, *changes: tuple[float, float | None]) -> Sampled:
    """``changes``: from when on, in seconds since the warm-up, it has which value; the first from 0."""
    values = [[value for from_s, value in changes if from_s <= step * STEP_S + 1e-9][-1] for step in range(STEPS)]
    return Sampled(at(61), query, at(0), STEP_S, tuple(values))


def looked(worst_s: float = 0.25, from_s: float = 20.0, to_s: float = 20.3) -> Sampled:
    """Prometheus looked at every target at most 0.25 s ago, but for once."""
    return sampled(UNSEEN, (0.0, 0.2), (from_s, worst_s), (to_s, 0.2))
