"""From the disk to a sample, and what is said where there is none."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.errors import RecordingError
from harness.judge.verdict import Verdict, encode
from harness.recording import events
from harness.recording.folder import Recorder
from harness.series import record, sample
from harness.series.experiment import parts
from harness.series.gather import gather, there
from harness.series.record import Declared, Played, Series
from harness.series.sample import Figure
from tests.report.recordings import HELD, recording

SCENARIO = Path(__file__).parents[2] / "scenarios" / "partition.yaml"
TEXT = SCENARIO.read_text()


def run(folder: Path, verdict: Verdict = HELD, text: str = TEXT, **changes: object) -> Path:
    """A run's folder as far as it is read here; ``changes``: of how it began."""
    recorder, began = Recorder(folder), recording().began
    assert began is not None
    recorder.event(replace(began, **changes))
    recorder.text("scenario.yaml", text)
    recorder.text("verdict.json", encode(replace(verdict, run=f"partition/{folder.name}")))
    recorder.close()
    return folder


def test_a_run_is_a_sample_of_one(tmp_path: Path) -> None:
    found = gather(run(tmp_path / "1"))
    (one,) = found.runs
    assert (found.scenario, one.run, one.outcome) == ("partition", "partition/1", "held")
    assert one.figure("recovery") == Figure("recovery", "held", 1.84, 0.03, True)
    measure = found.measure("recovery")
    assert measure is not None and (measure.comparison, measure.limit, measure.unit) == ("<=", 3.0, "s")
    assert dict(found.facts)["judge"] == (HELD.judge,)


def test_a_folder_of_runs_is_a_sample_of_all_that_have_a_verdict(tmp_path: Path) -> None:
    for name in ("2", "1", "3"):
        run(tmp_path / "partition" / name)
    (tmp_path / "partition" / "running").mkdir()
    (tmp_path / "partition" / "latest").symlink_to("1")
    assert [one.run for one in gather(tmp_path / "partition").runs] == ["partition/1", "partition/2", "partition/3"]


def test_a_series_is_a_sample_of_its_own_runs_only(tmp_path: Path) -> None:
    for name in ("1", "2", "3"):
        run(tmp_path / "partition" / name)
    played = tuple(Played(f"partition/{name}", 1, "held", 0, 1.0, "") for name in ("3", "1"))
    folder = tmp_path / "partition" / "series-1"
    series = Series(1, "partition/series-1", "partition", 7, Declared(2, 0.95, "", None), "finished", "", played)
    record.write(folder, series)
    assert record.read(folder) == series
    for path in (folder, folder / "series.json"):
        assert there(path)
        assert [one.run for one in gather(path).runs] == ["partition/3", "partition/1"]
    (tmp_path / "partition" / "1").rename(tmp_path / "gone")
    with pytest.raises(RecordingError, match=r"series\.json names the run 1, which is not beside it any more"):
        gather(folder)


def test_a_baseline_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = gather(run(tmp_path / "1"))
    (tmp_path / "b.json").write_bytes(sample.encode(found))
    assert gather(tmp_path / "b.json") == found


def test_the_figures_of_a_baseline_are_the_medians_of_its_runs(tmp_path: Path) -> None:
    (first, recovery, *rest) = HELD.findings
    for name, measured in (("1", 1.0), ("2", 2.0), ("3", 9.0)):
        run(tmp_path / name, replace(HELD, findings=(first, replace(recovery, measured=measured), *rest)))
    run(tmp_path / "4", replace(HELD, findings=(first, replace(recovery, measured=99.0, doubted=True), *rest)))
    assert sample.medians(gather(tmp_path))["recovery"] == 2.0


def test_nothing_counts_of_a_run_whose_fault_was_not_seen(tmp_path: Path) -> None:
    unseen = replace(HELD, faults=(replace(HELD.faults[0], seen=False),))
    (one,) = gather(run(tmp_path / "1", unseen)).runs
    assert {(figure.counts, figure.why) for figure in one.figures} == {(False, "lost-n1 was not seen")}


def test_a_scenario_that_was_changed_between_two_runs_is_noticed(tmp_path: Path) -> None:
    run(tmp_path / "1")
    run(tmp_path / "2", text=TEXT.replace("rate: 50/s", "rate: 60/s"))
    run(tmp_path / "3", without_faults=True)
    assert gather(tmp_path).mixed == ("traffic", "whether faults were injected")


def test_comments_order_and_seed_make_no_other_scenario() -> None:
    other = TEXT.replace("cluster: ollama", "# as ever\ncluster: ollama").replace("seed: 7", "seed: 8")
    other = other.replace("{warmup: 10s, faults: 30s", "{faults: 30s, warmup: 10s")
    assert other.count("{faults: 30s, warmup: 10s") == 1
    assert parts(other.encode(), "a") == parts(TEXT.encode(), "b")


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("rate: 50/s", "rate: 51/s", "traffic"),
        ("<= 3s", "<= 4s", "objectives"),
        ("faults: 30s", "faults: 31s", "phases"),
    ],
)
def test_what_is_measured_or_done_differently_is_another_scenario(old: str, new: str, part: str) -> None:
    one, other = dict(parts(TEXT.encode(), "a")), dict(parts(TEXT.replace(old, new, 1).encode(), "b"))
    assert [name for name in one if one[name] != other[name]] == [part]


def test_what_is_no_run_series_or_baseline_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no run with a verdict; name a run, a folder of runs"):
        gather(tmp_path)
    assert not there(tmp_path)
    (tmp_path / "x.json").write_text('{"schema": 1}')
    with pytest.raises(RecordingError, match=r"x\.json is no baseline \(.*\): write one with --save-baseline\."):
        gather(tmp_path / "x.json")
    found = gather(run(tmp_path / "1"))
    (tmp_path / "y.json").write_bytes(sample.encode(replace(found, schema=9)))
    with pytest.raises(RecordingError, match=r"y\.json is a baseline of another version \(9\)"):
        gather(tmp_path / "y.json")


def test_a_run_without_a_verdict_is_to_be_judged_first(tmp_path: Path) -> None:
    (run(tmp_path / "1") / "verdict.json").unlink()
    with pytest.raises(RecordingError, match=r"has no verdict: judge it with 'harness judge .*1' first"):
        gather(tmp_path / "1")


def test_runs_of_two_scenarios_are_no_sample(tmp_path: Path) -> None:
    run(tmp_path / "1")
    run(tmp_path / "2", scenario="broken/partition")
    with pytest.raises(RecordingError, match="these are runs of 2 scenarios"):
        gather(tmp_path)


def test_a_journal_that_does_not_begin_is_named(tmp_path: Path) -> None:
    folder = run(tmp_path / "1")
    (folder / "journal.jsonl").write_bytes(events.encode(events.TornDown(1, 0.1, False)))
    with pytest.raises(RecordingError, match=r"journal\.jsonl:1: the journal has no beginning"):
        gather(folder)
