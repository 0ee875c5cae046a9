"""The same figures for every window of a run: its phases and each fault's time in force."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from harness.columns import Operations
from harness.judge.verdict import Verdict
from harness.operations import Outcome
from harness.recording.evidence import Evidence
from harness.report import figures
from harness.stats import rank, samples_needed
from harness.units import show_s, show_share

_QUANTILES = (Fraction(1, 2), Fraction(95, 100), Fraction(99, 100))


@dataclass(frozen=True, slots=True)
class WindowFigures:
    """One traffic in one window, in words. ``quantiles``: p50, p95, p99; ``slowest`` of the right answers."""

    window: str
    traffic: str
    due: int
    success: str
    failures: str
    quantiles: tuple[str, ...]
    slowest: str


def windows(evidence: Evidence, verdict: Verdict) -> tuple[WindowFigures, ...]:
    """Phases in their order, then faults, then the whole run."""
    names = [*(name for name in evidence.phases if name != "all"), *(fault.name for fault in verdict.faults), "all"]
    return tuple(row for name in names for row in _rows(name, evidence))


def _rows(name: str, evidence: Evidence) -> Iterator[WindowFigures]:
    window = evidence.window(name)
    if window is None:
        return
    for traffic in evidence.operations:
        operations = evidence.due_in(traffic, window)
        if operations:
            yield _figures("the whole run" if name == "all" else figures.phase(name), traffic, operations)


def _figures(window: str, traffic: str, operations: Operations) -> WindowFigures:
    waits_ns = np.sort(operations.latency_ns[operations.ok]).tolist()
    failures = [(kind, count) for kind, count in operations.counts().items() if kind is not Outcome.OK]
    return WindowFigures(
        window,
        traffic,
        len(operations),
        show_share(len(waits_ns) / len(operations)),
        ", ".join(f"{kind.name.lower().replace('_', '-')} {count:,}" for kind, count in failures) or "none",
        tuple(_quantile(waits_ns, len(operations), share) for share in _QUANTILES),
        show_s(waits_ns[-1] / 1e9) if waits_ns else "-",
    )


def _quantile(waits_ns: Sequence[int], operations: int, share: Fraction) -> str:
    """By nearest rank among all operations; those without a right answer rank as the slowest."""
    if operations < samples_needed(share):
        return "too few"
    at = rank(operations, share)
    return show_s(waits_ns[at - 1] / 1e9) if at <= len(waits_ns) else "never"
