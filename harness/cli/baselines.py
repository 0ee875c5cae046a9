"""Saved figures of earlier runs: where they are, and what a run that is about to begin is held against."""

from pathlib import Path

from harness.cli import places
from harness.cli.bound import Bound
from harness.clock import monotonic_ns
from harness.errors import RecordingError
from harness.objectives.base import BASELINE
from harness.recording import events
from harness.series import gather
from harness.series import sample as samples
from harness.series.experiment import DECISIVE, parts
from harness.series.sample import INJECTED, Sample

BASELINES = Path("baselines")


def file_of(word: str) -> Path:
    """A baseline by its name, or by its file."""
    return Path(word) if word.endswith(".json") else BASELINES / f"{word}.json"


def given(bound: Bound, word: str | None, *, without_faults: bool) -> events.Baseline | None:
    """The figures that a run is held against; None: it has none, and what is a multiple of them cannot be decided.

    ``word``: from the command line, which goes before the scenario's own. Raises ``RecordingError``: what was asked for
    on the command line is not there, or it is of another experiment.
    """
    scenario = bound.scenario
    named = word or scenario.baseline
    if named is None or not (word or any(one.bound.control == BASELINE for one in scenario.objectives)):
        return None
    file = file_of(named)
    if not file.is_file():
        if word is None:
            return None  # the scenario's own: its first runs are those of which the baseline is to be made
        raise RecordingError(f"{places.shown(file)}: there is no such baseline; keep one with --save-baseline {word}.")
    sample = gather.gather(file)
    if differs := _differing(sample, bound, without_faults=without_faults):
        raise RecordingError(f"{places.shown(file)} is of another experiment ({', '.join(differs)}): save it anew.")
    figures = tuple(sorted(samples.medians(sample).items()))
    return events.Baseline(monotonic_ns(), file.stem, len(sample.runs), figures)


def _differing(sample: Sample, bound: Bound, *, without_faults: bool) -> tuple[str, ...]:
    """In what its runs were not this one. Its objectives may be others: a bound may have become a multiple since."""
    ours = dict(parts(bound.text, bound.name))
    theirs = dict(sample.parts)
    found = [part for part in DECISIVE if part != "objectives" and ours[part] != theirs.get(part, "")]
    other = [f"runs of {sample.scenario}"] * (sample.scenario != bound.name)
    return (*other, *found, *[INJECTED] * (sample.without_faults != without_faults))
