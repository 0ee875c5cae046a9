"""The same figures for every window of a run: its phases and each fault's time in force."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isinf

from harness.judge.verdict import Verdict
from harness.operations import Operation, Outcome
from harness.recording.evidence import Evidence
from harness.report import figures
from harness.stats import latencies, quantile, samples_needed, succeeded
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


def _figures(window: str, traffic: str, operations: Sequence[Operation]) -> WindowFigures:
    bad = Counter(op.outcome for op in operations if op.outcome is not Outcome.OK)
    named = ", ".join(f"{kind.name.lower().replace('_', '-')} {count:,}" for kind, count in sorted(bad.items()))
    ordered = latencies(operations)
    right = [wait_s for wait_s in ordered if not isinf(wait_s)]
    return WindowFigures(
        window,
        traffic,
        len(operations),
        show_share(succeeded(operations) / len(operations)),
        named or "none",
        tuple(_quantile(ordered, share) for share in _QUANTILES),
        show_s(right[-1]) if right else "-",
    )


def _quantile(ordered: Sequence[float], share: Fraction) -> str:
    if len(ordered) < samples_needed(share):
        return "too few"
    value_s = quantile(ordered, share)
    return "never" if isinf(value_s) else show_s(value_s)
