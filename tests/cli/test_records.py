"""Old runs are judged again from their folder alone."""

import json
from pathlib import Path

import pytest

import harness.cli.places
from harness.operations import pack
from harness.recording.folder import Recorder
from tests.cli.conftest import Harness, Said
from tests.recording.builder import Harm, Story

SHIPPED = harness.cli.places.scenario("partition").resolve()
GOOD = Story(answers={"excluded": 2.0, "whole-again": 3.0})


def record(folder: Path, story: Story) -> Path:
    recorder, told = Recorder(folder), story.evidence()
    recorder.text("scenario.yaml", SHIPPED.read_bytes())
    for event in told.events:
        recorder.event(event)
    for probe in told.probes:
        recorder.probe(probe)
    recorder.operations("chat", pack(told.operations["chat"]))
    recorder.close()
    return folder


def test_a_record_is_judged_and_its_verdict_written_beside_it(harness: Harness, home: Path) -> None:
    folder = record(home / "runs" / "partition" / "1", GOOD)
    said = harness("judge", "partition/1")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("HELD   partition: ")
    assert json.loads((folder / "verdict.json").read_text())["outcome"] == "held"
    assert (folder / "report.html").is_file() and (folder / "junit.xml").is_file()


def test_judged_again_it_is_the_same_byte_for_byte(harness: Harness, home: Path) -> None:
    folder = record(home / "runs" / "partition" / "1", GOOD)
    first = harness("judge", str(folder), "--json")
    assert first == harness("judge", str(folder), "--json")
    assert first == Said(0, (folder / "verdict.json").read_text(), "")


@pytest.mark.parametrize(
    ("story", "code"),
    [
        (GOOD.but(harms=(Harm(20, 25),)), 1),
        (GOOD.but(late_s=0.5), 3),
    ],
)
def test_the_exit_code_is_the_verdict(harness: Harness, home: Path, story: Story, code: int) -> None:
    assert harness("judge", str(record(home / "run", story))).code == code


def test_a_verdict_that_is_not_the_recorded_one_is_said_with_what_differs(harness: Harness, home: Path) -> None:
    folder = record(home / "run", GOOD)
    harness("judge", str(folder))
    verdict = (folder / "verdict.json").read_text()
    (folder / "verdict.json").write_text(verdict.replace('"held"', '"violated"', 1))
    said = harness("judge", str(folder))
    assert said.code == 3
    assert said.err.startswith("the recorded verdict differs:\n  ")
    assert "violated" in said.err


@pytest.mark.parametrize("name", ["latest", "partition/nope", "/nowhere"])
def test_what_is_no_record_is_said_so(harness: Harness, name: str) -> None:
    words = f"{name}: there is no record there, nor under runs; name a folder with a journal.jsonl.\n"
    assert harness("judge", name) == Said(4, "", words)


def test_a_record_without_a_beginning_cannot_be_judged(harness: Harness, home: Path) -> None:
    Recorder(home / "run").close()
    words = f"{home}/run: the journal has no beginning: nothing was recorded that could be judged.\n"
    assert harness("judge", str(home / "run")) == Said(4, "", words)


def test_a_damaged_record_is_named_by_file_and_line(harness: Harness, home: Path) -> None:
    folder = record(home / "run", GOOD)
    with (folder / "journal.jsonl").open("a") as journal:
        journal.write("gibberish\n")
    said = harness("judge", str(folder))
    lines = len((folder / "journal.jsonl").read_text().splitlines())
    assert said.code == 4
    assert said.err.startswith(f"journal.jsonl:{lines}: not a line of a journal (")
