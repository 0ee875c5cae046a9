"""A run is held against saved figures: which, from where, and what is refused."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from harness.cli import baselines
from harness.cli.bound import Bound, Overrides, load
from harness.cli.places import scenario
from harness.errors import RecordingError
from harness.recording import folder
from harness.recording.events import Baseline
from harness.recording.folder import Recorder
from harness.series import sample as samples
from harness.series.experiment import parts
from harness.series.sample import Figure, RunFigures, Sample

SHIPPED = scenario("partition").resolve()
RELATIVE = ('restored: "<= 3s"', 'restored: "<= 1.2 x baseline"')


def saved(file: Path, **changes: object) -> Path:
    """A baseline of three runs of partition, in which users waited 1, 2 and 4 s; one more does not count."""
    runs = tuple(
        RunFigures(f"r{number}", 7, "held", 0, "", (Figure("recovery", "held", value, 0.02, counts),))
        for number, (value, counts) in enumerate([(1.0, True), (2.0, True), (4.0, True), (9.0, False)])
    )
    text = SHIPPED.read_bytes()
    sample = Sample(samples.SCHEMA, "partition", False, parts(text, "x"), (), (), runs)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(samples.encode(msgspec.structs.replace(sample, **changes)))
    return file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def bound(home: Path, *words: tuple[str, str]) -> Bound:
    text = SHIPPED.read_text()
    for old, new in words:
        assert old in text
        text = text.replace(old, new)
    file = home / "scenarios" / "partition.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return load(str(file), Overrides())


def figures(found: Baseline | None) -> Mapping[str, float] | None:
    return dict(found.figures) if found else None


def test_a_run_is_held_against_the_medians_of_the_runs_that_count(home: Path) -> None:
    file = saved(home / "baselines" / "good.json")
    found = baselines.given(bound(home, RELATIVE), "good", without_faults=False)
    assert found is not None and (found.name, found.runs, found.figures) == ("good", 4, (("recovery", 2.0),))
    assert figures(baselines.given(bound(home, RELATIVE), str(file), without_faults=False)) == {"recovery": 2.0}


def test_a_scenario_may_name_its_baseline_and_is_played_without_it_as_long_as_there_is_none(home: Path) -> None:
    named = bound(home, RELATIVE, ("seed: 7", "seed: 7\nbaseline: good"))
    assert baselines.given(named, None, without_faults=False) is None
    saved(home / "baselines" / "good.json")
    assert figures(baselines.given(named, None, without_faults=False)) == {"recovery": 2.0}


def test_a_baseline_that_was_asked_for_and_is_not_there_is_said_with_how_to_make_it(home: Path) -> None:
    words = r"baselines/good\.json: there is no such baseline; keep one with --save-baseline good\."
    with pytest.raises(RecordingError, match=words):
        baselines.given(bound(home), "good", without_faults=False)


@pytest.mark.parametrize(
    ("changes", "without_faults", "said"),
    [
        ({"scenario": "kill"}, False, "runs of kill"),
        ({"parts": (("phases", "x"), ("traffic", "y"))}, False, "phases, traffic, faults"),
        ({}, True, "whether faults were injected"),
    ],
)
def test_figures_of_another_experiment_are_refused(
    home: Path, changes: dict[str, object], without_faults: bool, said: str
) -> None:
    saved(home / "baselines" / "good.json", **changes)
    with pytest.raises(RecordingError, match=rf"is of another experiment \({said}\): save it anew\."):
        baselines.given(bound(home), "good", without_faults=without_faults)


def test_what_a_run_was_held_against_is_in_its_record_so_that_judging_again_needs_no_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run")
    recorder.event(Baseline(1, "good", 4, (("recovery", 2.0),)))
    recorder.close()
    assert folder.read(tmp_path / "run").baseline == {"recovery": 2.0}
