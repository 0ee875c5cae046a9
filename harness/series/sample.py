"""What is kept of several runs of one scenario: each objective's figure in each run. A baseline file is one of these.

Only the run is a unit. A run of 3,000 operations is one figure per objective here, not 3,000.
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

import msgspec

from harness.errors import RecordingError
from harness.judge.verdict import FaultRecord, Verdict
from harness.objectives import Bound, Outcome
from harness.recording.events import Began

SCHEMA = 1
INJECTED = "whether faults were injected"


class Measure(msgspec.Struct, frozen=True):
    """What one objective measures. ``figure``, ``unit``, ``bound``: as in its findings.

    ``limit``: of the bound; None where it is a multiple of another figure.
    """

    objective: str
    figure: str
    unit: str
    bound: str
    comparison: str
    limit: float | None


class Figure(msgspec.Struct, frozen=True):
    """One objective in one run. ``counts``: False where the run or the measurement was in doubt; ``why`` says how."""

    objective: str
    outcome: Outcome
    measured: float | None
    error: float | None
    counts: bool
    why: str = ""


class RunFigures(msgspec.Struct, frozen=True):
    run: str
    seed: int
    outcome: Outcome
    exit_code: int
    sentence: str
    figures: tuple[Figure, ...]

    def figure(self, objective: str) -> Figure | None:
        return next((figure for figure in self.figures if figure.objective == objective), None)


class Sample(msgspec.Struct, frozen=True):
    """``parts``: digests of what was played; ``mixed``: the parts in which its own runs differ (it should have none).

    ``facts``: engine, kernel, images, versions, as (what, every value that a run had).
    """

    schema: int
    scenario: str
    without_faults: bool
    parts: tuple[tuple[str, str], ...]
    measures: tuple[Measure, ...]
    facts: tuple[tuple[str, tuple[str, ...]], ...]
    runs: tuple[RunFigures, ...]
    mixed: tuple[str, ...] = ()

    def measure(self, objective: str) -> Measure | None:
        return next((measure for measure in self.measures if measure.objective == objective), None)


def of_run(verdict: Verdict, began: Began, parts: tuple[tuple[str, str], ...], bounds: Mapping[str, Bound]) -> Sample:
    """The sample that is one run. ``bounds``: of its objectives, by name."""
    spoiled = _spoiled(verdict)
    figures = tuple(
        Figure(
            objective=finding.objective,
            outcome=finding.outcome,
            measured=finding.measured,
            error=finding.error,
            counts=not (spoiled or finding.doubted),
            why=spoiled or (finding.reason if finding.doubted else ""),
        )
        for finding in verdict.findings
    )
    measures = tuple(
        Measure(
            objective=finding.objective,
            figure=finding.figure,
            unit=finding.unit,
            bound=finding.bound,
            comparison=bounds[finding.objective].comparison,
            limit=None if bounds[finding.objective].control else bounds[finding.objective].limit,
        )
        for finding in verdict.findings
    )
    facts = [*began.facts, ("judge", verdict.judge), ("nodes", str(len(began.cluster.nodes)))]
    run = RunFigures(verdict.run, verdict.seed, verdict.outcome, verdict.exit_code, verdict.sentence, figures)
    return Sample(SCHEMA, began.scenario, began.without_faults, parts, measures, _gathered(facts), (run,))


def together(samples: Sequence[Sample]) -> Sample:
    """Several samples as one, in their order, no run twice; at least one. Raises ``RecordingError``: two scenarios."""
    newest = samples[-1]
    names = sorted({sample.scenario for sample in samples})
    if len(names) > 1:
        raise RecordingError(f"these are runs of {len(names)} scenarios ({', '.join(names)}): name the runs of one.")
    runs = {run.run: run for sample in samples for run in sample.runs}
    mixed = {name for sample in samples for name in (*sample.mixed, *differing(sample, newest))}
    return Sample(
        schema=SCHEMA,
        scenario=newest.scenario,
        without_faults=newest.without_faults,
        parts=newest.parts,
        measures=newest.measures,
        facts=_gathered((what, value) for sample in samples for what, values in sample.facts for value in values),
        runs=tuple(runs.values()),
        mixed=tuple(sorted(mixed)),
    )


def differing(one: Sample, other: Sample) -> tuple[str, ...]:
    """The parts of the experiment in which two samples differ, ``INJECTED`` among them where only one was a control."""
    ours, theirs = dict(one.parts), dict(other.parts)
    found = [part for part in ours | theirs if ours.get(part, "") != theirs.get(part, "")]
    return (*found, *[INJECTED] * (one.without_faults != other.without_faults))


def medians(sample: Sample) -> Mapping[str, float]:
    """objective -> the median of the figures that count: what a bound such as ``<= 1.2 x baseline`` is held against."""
    found: dict[str, list[float]] = {}
    for run in sample.runs:
        for figure in run.figures:
            if figure.counts and figure.measured is not None:
                found.setdefault(figure.objective, []).append(figure.measured)
    return {objective: median(values) for objective, values in found.items()}


def encode(sample: Sample) -> bytes:
    return msgspec.json.format(msgspec.json.encode(sample), indent=2) + b"\n"


def decode(data: bytes, where: str) -> Sample:
    """Raises ``RecordingError``, which names ``where``."""
    try:
        sample = msgspec.json.decode(data, type=Sample)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordingError(f"{where} is no baseline ({error}): write one with --save-baseline.") from error
    if sample.schema != SCHEMA:
        raise RecordingError(f"{where} is a baseline of another version ({sample.schema}): write it anew.")
    if not sample.runs:
        raise RecordingError(f"{where} is a baseline without a run: write it anew.")
    return sample


def _spoiled(verdict: Verdict) -> str:
    """Why no figure of a run counts; "" where they do. A figure under a fault that was not there is of another run."""
    return next((f"{fault.name} was {said}" for fault in verdict.faults if (said := _doubt(fault))), "")


def _doubt(fault: FaultRecord) -> str:
    found = (
        (fault.seen, "not seen"),
        (fault.exercised, "met by no traffic"),
        (fault.healed, "not healed"),
        (fault.unharmed, "not alone: other links changed too"),
    )
    return next((text for well, text in found if not well), "")


def _gathered(facts: Iterable[tuple[str, str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found: dict[str, set[str]] = {}
    for what, value in facts:
        found.setdefault(what, set()).add(value)
    return tuple((what, tuple(sorted(values))) for what, values in found.items())
