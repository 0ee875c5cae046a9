"""What control runs are counted as, and what they prove; without an engine."""

from pathlib import Path

import pytest

from harness.cli.bound import Overrides, load
from harness.judge.verdict import encode
from selfchaos import controls
from selfchaos.controls import Control
from tests.report.recordings import HELD


def _controls(**counts: int) -> list[Control]:
    outcomes = [outcome for outcome, count in counts.items() for _ in range(count)]
    return [Control(number, outcome, f"control/{number}", 17.0) for number, outcome in enumerate(outcomes, start=1)]


def test_what_is_played_is_a_scenario_with_a_fault_that_is_left_out() -> None:
    scenario = load(str(controls.SCENARIO), Overrides()).scenario
    assert [fault.kind for fault in scenario.faults] == ["partition"]
    assert scenario.phases.total_s * 50 < 15 * 60


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"held": 50}, "0 of 50 false alarms: proves a rate below 6 % (95 %)."),
        ({"held": 49, "violated": 1}, "1 of 50 false alarms: proves a rate below 10 % (95 %)."),
        (
            {"held": 48, "inconclusive": 2},
            "0 of 48 false alarms: proves a rate below 7 % (95 %); 2 more came to no word and count for nothing.",
        ),
        ({"none": 3}, "No run came to a word: nothing is known of false alarms."),
    ],
)
def test_what_the_runs_prove_is_said(counts: dict[str, int], said: str) -> None:
    assert controls.proof(_controls(**counts)) == said


def test_the_table_has_every_outcome_and_the_reason_of_each_run_that_did_not_hold() -> None:
    found = [*_controls(held=2), Control(3, "inconclusive", "control/3", 18.0, ("it was late", "x"))]
    assert controls.table(found).splitlines() == [
        "| outcome | runs | each took |",
        "|---|---|---|",
        "| held | 2 | 17.0 s (median) |",
        "| violated | 0 | - |",
        "| inconclusive | 1 | 18.0 s (median) |",
        "| none | 0 | - |",
        "",
        "* 3 inconclusive (control/3): it was late; x",
        "0 of 2 false alarms: proves a rate below 78 % (95 %); 1 more came to no word and counts for nothing.",
    ]


def test_results_are_kept_line_by_line_and_one_that_was_cut_off_is_played_again(tmp_path: Path) -> None:
    file = tmp_path / "runs" / "controls.jsonl"
    assert controls.read(file) == []
    first, second, third = _controls(held=2, violated=1)
    for control in (first, second):
        controls.append(file, control)
    with file.open("ab") as out:
        out.write(b'{"number":9,"out')
    assert controls.read(file) == [first, second]
    controls.append(file, third)
    assert controls.read(file) == [first, second, third]


def test_a_run_is_what_its_verdict_says_and_without_one_its_last_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    class Done:
        returncode, stdout, stderr = 0, encode(HELD), b""

    monkeypatch.setattr("selfchaos.controls.subprocess.run", lambda *_, **__: Done)
    held = controls.play(4, Path("runs"))
    assert (held.number, held.outcome, held.run, held.reasons) == (4, "held", HELD.run, HELD.reasons)
    Done.returncode, Done.stdout, Done.stderr = 4, b"", b"starting\nno container engine answers.\n"
    assert controls.play(5, Path("runs")).outcome == "none"
    assert controls.play(5, Path("runs")).reasons == ("no container engine answers.",)
    Done.returncode = 130
    with pytest.raises(KeyboardInterrupt):
        controls.play(6, Path("runs"))
