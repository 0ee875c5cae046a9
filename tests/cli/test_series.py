"""Repeats, baselines and comparisons from the command line; the runs are recordings that are only told of."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

import harness.cli.places
from harness.cli import experiment, results
from harness.cli.bound import Overrides
from harness.cli.experiment import Identity, Result
from harness.errors import StartError
from harness.judge import verdict as verdicts
from harness.judge.judge import judge
from harness.operations import pack
from harness.recording.events import Began
from harness.recording.folder import VERDICT, Recorder
from harness.report.live import Live
from harness.runner.play import Options
from harness.series.record import seed_of
from tests.cli.conftest import Harness
from tests.recording.builder import Harm, Story

SHIPPED = harness.cli.places.scenario("partition").resolve()
GOOD = Story(answers={"excluded": 2.0, "whole-again": 3.0})
BROKEN = GOOD.but(harms=(Harm(20, 25),))
LATE = GOOD.but(late_s=0.5)


def back_after(seconds: float) -> Story:
    """A run in which users got no answer for so long after the cut."""
    return GOOD.but(harms=(Harm(15, 15 + seconds),))


@dataclass
class Plays:
    """What the next runs will be: a story, or an error. ``interrupted``: the number of the run that is."""

    stories: Iterator[Story | BaseException]
    interrupted: int = 0
    seeds: list[int | None] = field(default_factory=list)

    def run(self, name: str, overrides: Overrides, options: Options, runs: Path, live: Live) -> Result:
        story = next(self.stories)
        self.seeds.append(overrides.seed)
        if isinstance(story, BaseException):
            raise story
        identity = Identity.new(name, runs)
        recorder, told = Recorder(identity.folder), story.evidence()
        recorder.text("scenario.yaml", SHIPPED.read_bytes())
        for event in told.events:
            known = isinstance(event, Began)
            recorder.event(replace(event, run=identity.run, seed=overrides.seed or 7) if known else event)
        for probe in told.probes:
            recorder.probe(probe)
        recorder.operations("chat", pack(told.operations["chat"]))
        recorder.close()
        verdict = judge(*results.load(identity.folder))
        (identity.folder / VERDICT).write_bytes(verdicts.encode(verdict))
        interrupted = len(self.seeds) == self.interrupted
        return Result(verdict, identity.folder, identity.project, interrupted, took_s=61.5)


@pytest.fixture
def plays(home: Path, monkeypatch: pytest.MonkeyPatch) -> Plays:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    found = Plays(iter(()))
    monkeypatch.setattr(experiment, "run", found.run)
    return found


def series_of(home: Path) -> dict[str, object]:
    (file,) = home.glob("runs/partition/series-*/series.json")
    return dict(json.loads(file.read_text()))


def declaring(home: Path, repeat: str) -> None:
    text = SHIPPED.read_text().replace("\nphases:", f"\nrepeat: {repeat}\nphases:")
    (home / "scenarios" / "partition.yaml").write_text(text)


def test_a_scenario_is_played_n_times_with_a_line_for_each_run_and_a_table_at_the_end(
    harness: Harness, plays: Plays, home: Path
) -> None:
    plays.stories = iter([GOOD, GOOD, GOOD])
    said = harness("run", "partition", "--repeat", "3")
    assert said.code == 0
    lines = said.out.splitlines()
    assert [line[:20] for line in lines[:3]] == ["run 1 of 3  held  pa", "run 2 of 3  held  pa", "run 3 of 3  held  pa"]
    assert lines[3].startswith("HELD   partition: 3 of 3 runs passed, which proves only a pass rate of at least 29.2 %")
    assert any("too few runs for an interval (3 more)" in line for line in lines)
    assert lines[-1].startswith("series  runs/partition/series-")
    series = series_of(home)
    assert {one["run"] for one in series["played"]} == {  # type: ignore[attr-defined]
        f"partition/{path.parent.name}" for path in home.glob("runs/partition/*/journal.jsonl")
    }
    assert series["ended"] == "finished"


def test_each_run_of_a_series_draws_anew_from_the_scenarios_seed(harness: Harness, plays: Plays) -> None:
    plays.stories = iter([GOOD] * 4)
    harness("run", "partition", "--repeat", "2")
    harness("run", "partition", "--repeat", "2", "--seed", "8")
    assert plays.seeds == [seed_of(7, 1), seed_of(7, 2), seed_of(8, 1), seed_of(8, 2)]


@pytest.mark.parametrize(
    ("stories", "code"),
    [([GOOD, BROKEN, GOOD], 1), ([GOOD, LATE, GOOD], 3), ([LATE, BROKEN, GOOD], 1), ([GOOD, GOOD, GOOD], 0)],
)
def test_any_run_that_is_violated_violates_the_series_and_else_any_inconclusive_one_leaves_it_open(
    harness: Harness, plays: Plays, stories: list[Story], code: int
) -> None:
    plays.stories = iter(stories)
    assert harness("run", "partition", "--repeat", "3").code == code


def test_what_was_played_before_a_failure_stands(harness: Harness, plays: Plays, home: Path) -> None:
    plays.stories = iter([GOOD, StartError("n1 did not become ready.")])
    said = harness("run", "partition", "--repeat", "5")
    assert said.code == 4
    assert "1 of 5 runs were played, then it failed: n1 did not become ready." in said.out
    series = series_of(home)
    assert (series["ended"], len(series["played"])) == ("failed", 1)  # type: ignore[arg-type]


def test_a_failure_of_the_first_run_is_the_usual_one(harness: Harness, plays: Plays, home: Path) -> None:
    plays.stories = iter([StartError("n1 did not become ready.")])
    said = harness("run", "partition", "--repeat", "5")
    assert (said.code, said.out, said.err) == (4, "", "n1 did not become ready.\n")
    assert not list(home.glob("runs/partition/series-*"))


def test_what_was_played_before_an_interruption_stands(harness: Harness, plays: Plays, home: Path) -> None:
    plays.stories, plays.interrupted = iter([GOOD, GOOD]), 2
    said = harness("run", "partition", "--repeat", "5")
    assert said.code == 130
    assert "2 of 5 runs were played: it was interrupted; what was played stands" in said.out
    assert len(series_of(home)["played"]) == 2  # type: ignore[arg-type]


def test_a_scenario_may_say_itself_how_often_it_is_played(harness: Harness, plays: Plays, home: Path) -> None:
    declaring(home, "{runs: 2, confidence: 90%}")
    plays.stories = iter([GOOD] * 4)
    assert "(90 % confidence, two-sided)" in harness("run", "partition").out
    assert len(plays.seeds) == 2
    assert "HELD   partition: users lost" in harness("run", "partition", "--seed", "5").out
    assert "HELD   partition: users lost" in harness("run", "partition", "--repeat", "1").out
    assert plays.seeds[2:] == [5, None]


def test_a_declared_sequential_test_ends_the_series_early(harness: Harness, plays: Plays, home: Path) -> None:
    declaring(home, "{runs: 9, stop: sequential, p0: 20%, p1: 90%}")
    plays.stories = iter([GOOD] * 9)
    said = harness("run", "partition")
    assert (said.code, len(plays.seeds)) == (0, 2)
    assert "HELD   partition: 2 of 2 runs passed: the pass rate is more than 20 %" in said.out
    assert "2 of 9 runs were played: the sequential test, declared beforehand, had decided" in said.out


def test_a_number_of_runs_that_can_prove_nothing_is_refused(harness: Harness, plays: Plays, home: Path) -> None:
    declaring(home, '{runs: 20, pass_rate: ">= 80%"}')
    said = harness("run", "partition", "--repeat", "5")
    assert said.code == 2
    assert said.err.startswith("--repeat: 'pass_rate' is '>= 80%', and 5 runs that all pass prove only 47.8 %")
    assert harness("run", "partition", "--repeat", "0").code == 2


def test_a_cluster_cannot_be_kept_between_runs(harness: Harness, plays: Plays) -> None:
    said = harness("run", "partition", "--repeat", "2", "--keep")
    assert said.code == 2
    assert "--keep leaves a cluster up where the next run needs its place: add --repeat 1" in said.err


def test_as_json_a_series_is_its_own_file_and_nothing_else(harness: Harness, plays: Plays, home: Path) -> None:
    plays.stories = iter([GOOD, GOOD])
    said = harness("run", "partition", "--repeat", "2", "--json")
    assert json.loads(said.out) == series_of(home)
    assert "run 2 of 2  held" in said.err


def test_runs_are_compared_with_a_baseline(harness: Harness, plays: Plays, home: Path) -> None:
    plays.stories = iter([back_after(1 + 0.02 * number) for number in range(6)])
    said = harness("run", "partition", "--repeat", "6", "--save-baseline", "good")
    assert said.err.splitlines()[-1] == (
        "saved   baselines/good.json (6 runs of partition); compare with: harness compare good RUNS"
    )
    plays.stories = iter([back_after(2.5 + 0.02 * number) for number in range(6)])
    harness("run", "partition", "--repeat", "6", "--runs", "later")
    said = harness("compare", "good", "later/partition")
    assert said.code == 1
    head, before, after, *_ = said.out.splitlines()
    assert head.startswith("WORSE   partition: ")
    assert "recovery" in head.split(" became worse")[0]
    assert (before, after) == ("  A  good (6 runs of partition)", "  B  later/partition (6 runs of partition)")
    turned = harness("compare", "later/partition", "good")
    assert (turned.code, turned.out[:20]) == (0, "BETTER   partition: ")
    told = json.loads(harness("compare", "good", "later/partition", "--json").out)
    assert (told["answer"], told["exit_code"], told["threshold"]) == ("worse", 1, 0.2)
    assert "| recovery |" in harness("compare", "good", "later/partition", "--markdown").out


def test_a_single_run_is_a_baseline_too_and_says_how_many_more_it_takes(
    harness: Harness, plays: Plays, home: Path
) -> None:
    plays.stories = iter([GOOD, GOOD])
    assert harness("run", "partition", "--save-baseline", "mine.json").code == 0
    assert harness("run", "partition", "--runs", "later").code == 0
    said = harness("compare", "mine.json", "later/partition")
    assert said.code == 3
    assert "more runs of each needed)" in said.out


def test_a_run_is_not_compared_with_itself_nor_with_one_of_another_scenario(
    harness: Harness, plays: Plays, home: Path
) -> None:
    plays.stories = iter([GOOD, GOOD])
    harness("run", "partition", "--save-baseline", "mine")
    said = harness("compare", "mine", "partition")
    assert said.code == 2
    assert "Error: both have run partition/" in said.err
    assert said.err.endswith("in them; add --anyway if that is meant\n")
    assert harness("compare", "mine", "partition", "--anyway").code == 3


def test_what_is_not_there_cannot_be_compared(harness: Harness) -> None:
    said = harness("compare", "nope", "latest")
    words = "nope: there is no run, folder of runs, series or baseline there, nor under runs or baselines.\n"
    assert (said.code, said.out, said.err) == (4, "", words)


@pytest.mark.parametrize("threshold", ["20", "0%", "100%", "much"])
def test_a_threshold_is_a_percentage(harness: Harness, threshold: str) -> None:
    said = harness("compare", "a", "b", "--threshold", threshold)
    assert said.code == 2
    assert "Invalid value for '--threshold'" in said.err
