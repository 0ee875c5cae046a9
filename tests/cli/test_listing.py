"""``harness list runs``: every record, and what became of it."""

from pathlib import Path

import pytest

from harness.cli import results
from harness.runner import alive
from tests.cli.conftest import Harness
from tests.cli.test_records import GOOD, record
from tests.recording.builder import Harm, Story


def _judged(folder: Path, story: Story = GOOD) -> Path:
    record(folder, story)
    results.conclude(folder)
    return folder


def _rows(harness: Harness, *more: str) -> list[list[str]]:
    rows, _, _ = harness("list", "runs", *more).out.partition("\n\n")
    return [line.split(maxsplit=1) for line in rows.splitlines()]


def test_every_run_is_listed_the_newest_first_with_verdict_begin_and_length(harness: Harness, home: Path) -> None:
    _judged(home / "runs" / "partition" / "2026-11-21T09-00-00-aaaaa")
    _judged(home / "runs" / "broken" / "kill" / "2026-11-21T10-00-00-bbbbb", GOOD.but(harms=(Harm(20, 25),)))
    (home / "runs" / "latest").symlink_to("partition/2026-11-21T09-00-00-aaaaa")
    said = harness("list", "runs")
    assert (said.code, said.err) == (0, "")
    (newest, violated), (oldest, held) = _rows(harness)
    assert (newest, oldest) == ("broken/kill/2026-11-21T10-00-00-bbbbb", "partition/2026-11-21T09-00-00-aaaaa")
    assert violated.startswith("violated  2026-") and held.startswith("held      2026-")
    assert violated.endswith(" s")


def test_a_damaged_record_is_named_with_the_file_that_is_damaged(harness: Harness, home: Path) -> None:
    folders = [_judged(home / "runs" / "partition" / name) for name in ("1", "2", "3", "4")]
    (folders[0] / "verdict.json").write_text('{"schema": 1')
    (folders[1] / "journal.jsonl").write_text("gibberish\n")
    (folders[2] / "journal.jsonl").write_text("")
    assert [(name, said[:45]) for name, said in _rows(harness)][1:] == [
        ("partition/3", "damaged  journal.jsonl has no whole line"),
        ("partition/2", "damaged  journal.jsonl:1: not a line of a jou"),
        ("partition/1", "damaged  verdict.json cannot be read (Input d"),
    ]


def test_a_run_without_a_verdict_is_still_running_or_was_never_judged(harness: Harness, home: Path) -> None:
    record(home / "runs" / "a" / "1", GOOD)
    running = record(home / "runs" / "a" / "2", GOOD)
    lock = alive.hold(running)
    try:
        rows = _rows(harness)
    finally:
        alive.release(lock)
    assert [(name, " ".join(said.split()[:2])) for name, said in rows] == [
        ("a/2", "still running"),
        ("a/1", "not judged"),
    ]


def test_where_nothing_ever_ran_that_is_said(harness: Harness) -> None:
    assert harness("list", "runs").out == "none\n"
    assert harness("list", "runs", "--runs", "elsewhere").out == "none\n"


def test_a_run_leaves_a_summary_that_a_ci_job_can_show(
    harness: Harness, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, said, job = _judged(home / "runs" / "a"), list[str](), home / "job.md"
    summary = (folder / "summary.md").read_text()
    assert summary.startswith("## ✔ HELD\n\n**partition: ")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    results.announce(folder, said.append)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job))
    results.announce(folder, said.append)
    results.announce(folder, said.append)
    assert job.read_text() == f"{summary}\n{summary}\n"
    assert said == []


def test_a_summary_that_cannot_be_shown_costs_a_sentence_and_no_verdict(
    harness: Harness, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, said = _judged(home / "runs" / "a"), list[str]()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(home))
    results.announce(folder, said.append)
    assert said == [f"{home} cannot be written (Is a directory): the job's summary lacks {folder}/summary.md."]
