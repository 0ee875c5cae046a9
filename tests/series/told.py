"""Samples told by their figures: ``sample(recovery=[1.8, 1.9])`` is two runs with one objective."""

from collections.abc import Mapping, Sequence

from harness.objectives import Outcome
from harness.series.sample import SCHEMA, Figure, Measure, RunFigures, Sample

PARTS = tuple((part, "1") for part in ("phases", "traffic", "faults", "objectives", "cluster", "with"))
MEASURES = {
    "recovery": Measure("recovery", "", "s", "<= 3s", "<=", 3.0),
    "slow": Measure("slow", "p99", "s", "<= 1s", "<=", 1.0),
    "answers": Measure("answers", "", "share", ">= 99.5%", ">=", 0.995),
    "share": Measure("share", "", "share", ">= 0.99 x warmup", ">=", None),
    "exact": Measure("exact", "", "s", "== 1 x warmup", "==", None),
    "pace": Measure("pace", "", "/s", ">= 40/s", ">=", 40.0),
    "truth": Measure("truth", "", "wrong", "== 0", "==", 0.0),
    "nodes": Measure("nodes", "", "", "== 3", "==", 3.0),
}


def figure(
    objective: str,
    measured: float | None,
    outcome: Outcome = "held",
    *,
    error: float | None = None,
    counts: bool = True,
    why: str = "",
) -> Figure:
    return Figure(objective, outcome, measured, error, counts, why)


def of(
    figures: Mapping[str, Sequence[Figure]],
    *,
    prefix: str = "a",
    parts: tuple[tuple[str, str], ...] = PARTS,
    facts: tuple[tuple[str, tuple[str, ...]], ...] = (),
    scenario: str = "partition",
    without_faults: bool = False,
    mixed: tuple[str, ...] = (),
) -> Sample:
    runs = tuple(
        RunFigures(f"partition/{prefix}{number}", number, "held", 0, "all was well", row)
        for number, row in enumerate(zip(*figures.values(), strict=True))
    )
    measures = tuple(MEASURES[objective] for objective in figures)
    return Sample(SCHEMA, scenario, without_faults, parts, measures, facts, runs, mixed)


def sample(prefix: str = "a", **figures: Sequence[float | None]) -> Sample:
    """Figures of runs that all count; None is one that was never reached."""
    told = {
        name: [figure(name, value, "held" if value is not None else "violated") for value in values]
        for name, values in figures.items()
    }
    return of(told, prefix=prefix)
