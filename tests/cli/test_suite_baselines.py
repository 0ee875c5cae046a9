"""`suite --baseline --save-baseline`, night after night, on runs that were never played."""

from pathlib import Path

import pytest

from harness.cli import suite as suites
from harness.cli import suite_baselines
from harness.cli.baselines import BASELINES
from harness.errors import HELD, VIOLATED
from harness.operations import Outcome
from harness.signoff.against import Worse
from harness.signoff.record import SuiteRecord
from tests.recording.builder import Harm
from tests.signoff.stories import GOOD, LOST, Fake, Script, one, suite

SLOWER = GOOD.but(harms=(Harm(0, 60, latency_s=0.1, outcome=Outcome.OK),))


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def night(number: int, runs: Path, script: Script | None = None) -> tuple[SuiteRecord, str]:
    """What it came to, and its summary."""
    fake = Fake(runs, script or {}, kept=True, stem=f"night-{number}")
    plays = suite(one("partition"), one("broken/partition"))
    folder, record = suites.play(plays, b"suite: nightly\n", runs, fake, lambda text: None, "nightly")
    suite_baselines.save("nightly", record, runs)
    return record, (folder / "summary.md").read_text()


def test_the_first_night_is_the_baseline_the_next_is_held_against_it_and_twins_are_left_out(runs: Path) -> None:
    first, told = night(1, runs)
    assert first.rows[0].exit_code == HELD and "* partition: it has no baseline yet" in told
    assert [file.name for file in (BASELINES / "nightly").iterdir()] == ["partition.json"]
    _, told = night(2, runs)
    assert "### Against baseline nightly: of 7 figures none became worse." in told
    third, told = night(3, runs, {"partition": SLOWER})
    assert third.compared and [row.label for row in third.compared.rows] == ["partition"]
    (row,) = third.compared.rows
    assert row.runs == 2 and {(one.objective, one.answer) for one in row.worse} == {
        ("slow", "looks worse"),
        ("tail", "looks worse"),
    }
    assert Worse("tail", "looks worse", "p95 10 ms", "p95 100 ms", "<= 250ms") in row.worse
    assert "| partition | tail | p95 10 ms | p95 100 ms |" in told
    assert third.rows[0].exit_code == HELD


def test_a_night_that_did_not_pass_is_no_baseline(runs: Path) -> None:
    night(1, runs)
    before = (BASELINES / "nightly" / "partition.json").read_bytes()
    record, _ = night(2, runs, {"partition": LOST})
    assert record.exit_code == VIOLATED
    assert (BASELINES / "nightly" / "partition.json").read_bytes() == before


def test_a_damaged_baseline_is_said_and_replaced(runs: Path) -> None:
    night(1, runs)
    file = BASELINES / "nightly" / "partition.json"
    file.write_bytes(file.read_bytes()[:100])
    _, told = night(2, runs)
    assert "is no baseline" in told
    _, told = night(3, runs)
    assert "of 7 figures none became worse" in told
