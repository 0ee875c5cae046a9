"""A suite is played: in order, on after a failure, within its time; what was not played is never a pass."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.errors import AgentError, EngineError, ImageError, ScenarioError, StartError, UnableError
from harness.loader.suite import Play
from harness.series.record import seed_of
from harness.signoff import pages, playing, record
from harness.signoff.folder import SuiteFolder
from harness.signoff.playing import Done
from harness.signoff.record import Played, Row, SuiteRecord
from tests.signoff.stories import BEGAN, BLIND, GOOD, LOST, Fake, Script, one, played, suite, ticking

UNABLE = UnableError("freeze-n1 cannot be injected here: cgroup.freeze does not work (EPERM).")


def words(done: SuiteRecord) -> list[tuple[str, int]]:
    return [(run.headword, run.exit_code) for row in done.rows for run in row.played]


def test_scenarios_are_played_in_order_and_as_often_as_is_said(tmp_path: Path) -> None:
    fake = Fake(tmp_path)
    plays = suite(one("partition"), one("kill", skip="broken gateway"), one("partition", repeats=2, RETRIES="0"))
    done = playing.play(plays, fake, ticking(), BEGAN, lambda *_: None)
    assert fake.asked == ["partition", "partition (RETRIES=0)", "partition (RETRIES=0)"]
    assert words(done) == [("HELD", 0), ("SKIPPED", 0), ("HELD", 0), ("HELD", 0)]
    assert (done.exit_code, done.ended) == (0, True)


def test_repeats_draw_anew_as_those_of_a_series_and_what_is_played_once_has_the_seed_of_its_file(
    tmp_path: Path,
) -> None:
    fake = Fake(tmp_path)
    plays = suite(one("partition", seed=7), one("kill", seed=7, repeats=3))
    playing.play(plays, fake, ticking(), BEGAN, lambda *_: None)
    assert fake.seeds == [7, seed_of(7, 1), seed_of(7, 2), seed_of(7, 3)]


def test_a_value_whose_name_says_that_it_is_a_secret_is_in_no_page_of_a_suite(tmp_path: Path) -> None:
    folder, done = played(tmp_path, one(API_TOKEN="hunter2", BALANCE="leastconn"))
    assert done.rows[0].variables == (("API_TOKEN", "(not recorded)"), ("BALANCE", "leastconn"))
    assert [file.name for file in folder.iterdir() if "hunter2" in file.read_text()] == []


@pytest.mark.parametrize(
    ("error", "headword", "code"),
    [
        (UNABLE, "SKIPPED", 3),
        (ImageError("the image chaos-harness/serf is not here."), "SKIPPED", 3),
        (StartError("n1 did not become ready in 60 s."), "SKIPPED", 3),
        (EngineError("no container engine answers."), "NO VERDICT", 4),
        (AgentError("the agent of n1 is gone."), "NO VERDICT", 3),
        (ScenarioError([]), "NO VERDICT", 2),
        (ZeroDivisionError("division by zero"), "NO VERDICT", 4),
    ],
)
def test_after_a_failure_the_rest_is_played_and_the_failure_is_no_pass(
    tmp_path: Path, error: Exception, headword: str, code: int
) -> None:
    _, done = played(tmp_path, one("kill", repeats=2), one("partition"), script={"kill": error})
    assert words(done)[0] == (headword, code)
    assert words(done)[-1] == ("HELD", 0)
    assert done.exit_code == code
    assert done.rows[0].good == 0


def test_what_this_engine_cannot_do_is_tried_once_and_skipped_with_its_reason(tmp_path: Path) -> None:
    fake = Fake(tmp_path, {"freeze": UNABLE})
    done = playing.play(suite(one("freeze", repeats=5)), fake, ticking(), BEGAN, lambda *_: None)
    assert fake.asked == ["freeze"]
    assert done.rows[0].played == (Played("skipped", 3, "SKIPPED", str(UNABLE), 1.0),)


def test_a_defect_of_ours_says_where_it_was(tmp_path: Path) -> None:
    _, done = played(tmp_path, one("kill"), script={"kill": ZeroDivisionError("division by zero")})
    (run,) = done.rows[0].played
    assert run.sentence.startswith("the harness itself failed: ZeroDivisionError in __call__, line ")


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ({"a": GOOD, "b": BLIND}, 3),
        ({"a": LOST, "b": BLIND}, 1),
        ({"a": EngineError("x"), "b": BLIND}, 4),
        ({"a": EngineError("x"), "b": LOST}, 1),
        ({"a": LOST, "b": KeyboardInterrupt()}, 130),
    ],
)
def test_the_exit_code_is_the_worst(tmp_path: Path, script: Script, code: int) -> None:
    scripted = {f"partition (X={name})": story for name, story in script.items()}
    _, done = played(tmp_path, one(X="a"), one(X="b"), script=scripted)
    assert done.exit_code == code


def test_a_suite_of_which_nothing_was_played_is_inconclusive(tmp_path: Path) -> None:
    _, done = played(tmp_path, one(skip="not today"))
    assert done.exit_code == 3


def test_interrupted_the_rest_is_not_begun(tmp_path: Path) -> None:
    _, done = played(tmp_path, one("kill"), one("partition"), script={"kill": KeyboardInterrupt()})
    assert words(done) == [("INTERRUPTED", 130), ("NOT PLAYED", 4)]


def test_what_does_not_fit_into_the_time_that_is_left_is_not_begun(tmp_path: Path) -> None:
    plays = suite(one(X="a"), one(X="b"), one(X="c"), time_limit_s=125.0)
    fake = Fake(tmp_path)
    done = playing.play(plays, fake, ticking(30.0), BEGAN, lambda *_: None)
    assert fake.asked == ["partition (X=a)"]  # it began at 30 s; the next would begin at 90 s and last 60 s
    assert words(done) == [("HELD", 0), ("NOT PLAYED", 4), ("NOT PLAYED", 4)]
    assert done.rows[1].played[0].sentence == "its phases last 60 s, and of the suite's time 35.0 s were left."


def test_the_folder_is_whole_after_every_run(tmp_path: Path) -> None:
    folder = SuiteFolder(tmp_path, "signoff", "t1", b"suite: signoff\n")
    seen: list[tuple[int, bool]] = []

    def tell(now: SuiteRecord, *_: object) -> None:
        folder.write(now)
        back = record.decode((folder.path / "suite.json").read_bytes(), "suite.json")
        assert back == now
        seen.append((sum(len(row.played) for row in back.rows), back.ended))

    playing.play(suite(one(X="a"), one(X="b")), Fake(tmp_path), ticking(), BEGAN, tell)
    assert seen == [(1, False), (2, False)]
    assert sorted(file.name for file in folder.path.iterdir()) == [
        "index.html", "junit.xml", "suite.json", "suite.yaml", "summary.md",
    ]  # fmt: skip


def test_the_page_leads_to_every_report_and_to_the_suites_before(tmp_path: Path) -> None:
    played(tmp_path, one(), script={"partition": LOST}, name="2026-11-20T00-00-00-aaaaa")
    (tmp_path / "suites" / "signoff" / "2026-11-20T01-00-00-bad").mkdir()
    (tmp_path / "suites" / "signoff" / "2026-11-20T01-00-00-bad" / "suite.json").write_text("{")
    plays = (one(), one("kill", skip="why not"))
    path, done = played(tmp_path, *plays, name="2026-11-21T00-00-00-aaaaa", kept=True)
    page = (path / "index.html").read_text()
    run = done.rows[0].played[0].run
    assert f'href="../../../{run}/report.html"' in page
    assert (path / f"../../../{run}/report.html").is_file()
    assert 'href="../2026-11-20T00-00-00-aaaaa/index.html" title="2026-11-21T09:30:12+00:00: VIOLATED"' in page
    assert "why not" in page
    assert "<script" not in page


def test_what_comes_from_outside_cannot_become_part_of_a_page() -> None:
    evil = "<script>alert(1)</script> | [x](http://x) `y`"
    row = Row("kill", (("X", evil),), 1, "", (Played("none", 4, "NO VERDICT", evil, 1.0, run='a"b/<c>'),))
    done = SuiteRecord(1, "nightly", evil, BEGAN, 1.0, None, "0.1.0", True, (row,))
    page, summary = pages.index(done, ()), pages.summary(done)
    assert "<script" not in page
    assert 'href="../../../a%22b/%3Cc%3E/report.html"' in page
    assert "<script" not in summary.replace(r"\<", "")
    assert r"\| \[x\](http://x) \`y\`" in summary


def test_the_summary_has_the_worst_first(tmp_path: Path) -> None:
    path, _ = played(tmp_path, one(), one("kill", skip="later"), one(X="b"), script={"partition (X=b)": LOST})
    lines = (path / "summary.md").read_text().splitlines()
    assert lines[0] == "## ✘ signoff: 1 of 2 runs came out as they should; 1 was not played."
    assert [line.split("|")[1:4] for line in lines if line.startswith("| ") and "scenario" not in line] == [
        [" ✘ ", " partition (X=b) ", " VIOLATED "],
        [" ? ", " kill ", " SKIPPED "],
        [" ✔ ", " partition ", " HELD "],
    ]


def test_in_junit_a_skip_is_a_skip_and_whatever_else_did_not_pass_is_red(tmp_path: Path) -> None:
    plays = (one(repeats=2), one("kill", skip="later"), one(X="b"), one(X="c"), one(X="d"))
    script: Script = {"partition (X=b)": LOST, "partition (X=c)": BLIND, "partition (X=d)": EngineError("gone")}
    path, _ = played(tmp_path, *plays, script=script)
    tree = ET.parse(path / "junit.xml").getroot()
    assert {case.attrib["name"]: case[0].tag for case in tree} == {
        "partition #1": "system-out",
        "partition #2": "system-out",
        "kill": "skipped",
        "partition (X=b)": "failure",
        "partition (X=c)": "error",
        "partition (X=d)": "error",
    }
    assert [tree.attrib[key] for key in ("tests", "failures", "errors", "skipped")] == ["6", "1", "2", "1"]


def test_a_run_that_was_never_reached_is_an_error_for_the_build_server() -> None:
    done = SuiteRecord(1, "nightly", "x", BEGAN, 1.0, None, "0.1.0", False, (Row("kill", (), 1, ""),))
    assert b"<error message=" in pages.junit(done)
    assert json.loads(record.encode(done))["ended"] is False


def test_a_run_that_is_interrupted_keeps_its_verdict_and_ends_the_suite(tmp_path: Path) -> None:
    fake = Fake(tmp_path)

    def player(play: Play, /) -> Done:
        return replace(fake(play), interrupted=True)

    done = playing.play(suite(one(), one(X="b")), player, ticking(), BEGAN, lambda *_: None)
    assert words(done) == [("HELD", 130), ("NOT PLAYED", 4)]
    assert done.rows[0].good == 0
