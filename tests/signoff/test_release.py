"""Ready, not ready, or cannot tell."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.errors import EngineError, UnableError
from harness.judge.verdict import JUDGE, Verdict
from harness.loader.suite import Play
from harness.objectives import Finding, Outcome
from harness.signoff import playing
from harness.signoff.playing import Done
from harness.signoff.release import Case, Reason, Release, decide
from harness.signoff.waivers import Waiver
from tests.report.recordings import FAULT, HELD, finding
from tests.signoff.stories import BEGAN, one, suite, ticking

TODAY = date(2026, 11, 21)


def waiver(objective: str = "tail", scenario: str = "partition", until: date = TODAY) -> Waiver:
    return Waiver(scenario=scenario, objective=objective, who="Ada", why="known", until=until)


def verdict(*findings: Finding, outcome: Outcome = "held", code: int = 0) -> Verdict:
    return replace(HELD, findings=findings, outcome=outcome, exit_code=code, sentence=f"it was {outcome}")


TAIL = finding("tail", 0.3, "<= 250ms", "s", outcome="violated", figure="p95", reason="p95 was 300 ms")
LOST = finding("answers", 0.9, ">= 99.5%", "share", outcome="violated")
UNSURE = finding("slow", None, "<= 1s", "s", outcome="inconclusive", reason="too few answers")
GOOD = verdict(finding("tail", 0.2, "<= 250ms", "s"))
SLOW = verdict(TAIL, outcome="violated", code=1)
BLIND = verdict(UNSURE, outcome="inconclusive", code=3)


def decided(*told: Verdict | Exception, waivers: tuple[Waiver, ...] = (), plays: tuple[Play, ...] = ()) -> Release:
    """Of a suite whose runs end so, one after the other."""
    verdicts: dict[str, Verdict] = {}
    endings = iter(told)

    def player(play: Play, /) -> Done:
        ending = next(endings)
        if isinstance(ending, Exception):
            raise ending
        verdicts[run := f"{play.scenario}/{len(verdicts)}"] = ending
        return Done(ending, run, False)

    plays = plays or tuple(one(X=str(number)) for number in range(len(told)))
    record = playing.play(suite(*plays), player, ticking(), BEGAN, lambda *_: None)
    return decide(Case("v1.2.3", TODAY, "runs/suites/signoff/t1", record, verdicts, waivers), JUDGE)


def test_where_all_came_out_as_it_should_it_is_ready() -> None:
    release = decided(GOOD, GOOD)
    assert (release.answer, release.reasons) == ("ready", ())
    assert release.sentence == "v1.2.3 is ready: all 2 scenarios came out as they should."


def test_a_violation_that_nobody_accepted_makes_it_not_ready() -> None:
    release = decided(GOOD, SLOW)
    assert release.answer == "not ready"
    assert release.sentence == "v1.2.3 is not ready: 1 of 2 scenarios broke what nobody accepted."
    assert release.reasons == (Reason("harm", "partition (X=1)", "tail: p95 300 ms, and the limit is ≤ 250 ms."),)


@pytest.mark.parametrize("until", [TODAY, date(2027, 1, 1)])
def test_a_violation_that_is_accepted_is_said_and_does_not_count(until: date) -> None:
    release = decided(GOOD, SLOW, waivers=(waiver(until=until),))
    assert release.answer == "ready"
    assert release.sentence.endswith("; 1 violation is accepted by a waiver.")
    said = "tail: p95 300 ms, and the limit is ≤ 250 ms. Accepted by Ada."
    assert release.reasons == (Reason("waived", "partition (X=1)", said),)
    assert [one.use for one in release.waivers] == ["used"]


@pytest.mark.parametrize(
    ("given_", "use"),
    [
        (waiver(until=date(2026, 11, 20)), "expired"),
        (waiver(objective="answers"), "not needed"),
        (waiver(scenario="kill"), "not needed"),
    ],
)
def test_a_waiver_that_is_over_or_is_of_something_else_does_not_count_and_is_said(given_: Waiver, use: str) -> None:
    release = decided(SLOW, waivers=(given_,))
    assert release.answer == "not ready"
    assert [one.use for one in release.waivers] == [use]


def test_a_violation_without_a_figure_is_said_in_its_own_words() -> None:
    never = finding("recovery", None, "<= 3s", "s", outcome="violated", reason="chat was not restored while we looked")
    release = decided(verdict(never, outcome="violated", code=1))
    assert [reason.text for reason in release.reasons] == ["recovery: chat was not restored while we looked."]


def test_of_two_violations_one_that_is_accepted_is_not_enough() -> None:
    assert decided(verdict(TAIL, LOST, outcome="violated", code=1), waivers=(waiver(),)).answer == "not ready"


def test_a_waiver_hides_no_doubt_that_stands_beside_what_it_accepts() -> None:
    both = verdict(TAIL, UNSURE, outcome="violated", code=1)
    assert decided(both, waivers=(waiver(),)).answer == "cannot tell"
    unseen = replace(SLOW, faults=(replace(FAULT, seen=False),))
    release = decided(unseen, waivers=(waiver(),))
    assert release.answer == "cannot tell"
    assert release.reasons[0] == Reason("doubt", "partition (X=0)", "lost-n1: not seen.")


def test_a_run_that_cannot_be_told_makes_a_release_that_cannot() -> None:
    release = decided(GOOD, BLIND)
    assert release.answer == "cannot tell"
    assert release.sentence == "Whether v1.2.3 is ready cannot be told: 1 of 2 scenarios did not show it."


@pytest.mark.parametrize("error", [UnableError("no freezer."), EngineError("gone."), ZeroDivisionError()])
def test_what_was_not_played_makes_a_release_that_cannot_be_told(error: Exception) -> None:
    assert decided(GOOD, error).answer == "cannot tell"


def test_a_skip_that_the_suite_itself_asks_for_leaves_it_open_as_well() -> None:
    release = decided(GOOD, plays=(one(), one("kill", skip="needs two hosts")))
    assert release.answer == "cannot tell"
    assert release.reasons == (Reason("doubt", "kill", "was skipped: needs two hosts"),)


def test_harm_is_said_before_doubt_and_outweighs_it() -> None:
    release = decided(BLIND, SLOW)
    assert release.answer == "not ready"
    assert release.sentence.endswith("broke what nobody accepted, and of 1 it cannot be told.")
    assert [reason.kind for reason in release.reasons] == ["harm", "doubt", "doubt"]


def test_a_twin_that_is_broken_as_its_file_expects_is_as_it_should_be() -> None:
    assert decided(replace(SLOW, as_expected=True, exit_code=0)).answer == "ready"


@pytest.mark.parametrize(("code", "answer"), [(1, "not ready"), (3, "cannot tell")])
def test_a_twin_that_is_not_broken_as_expected_counts_and_no_waiver_helps(code: int, answer: str) -> None:
    twin = replace(SLOW, as_expected=False, exit_code=code)
    assert decided(twin, waivers=(waiver(),)).answer == answer


def test_what_several_runs_say_is_said_once_with_how_many() -> None:
    release = decided(SLOW, SLOW, GOOD, plays=(one(repeats=3),))
    said = "tail: p95 300 ms, and the limit is ≤ 250 ms. (in 2 runs)"
    assert release.reasons == (Reason("harm", "partition", said),)


@pytest.mark.parametrize(("runs", "proves"), [(1, None), (3, 0.29), (10, 0.69)])
def test_how_little_a_few_good_runs_prove_is_said(runs: int, proves: float | None) -> None:
    assert [result.proves for result in decided(*[GOOD] * runs, plays=(one(repeats=runs),)).results] == [proves]


def test_of_a_suite_that_was_cut_off_it_cannot_be_told() -> None:
    record = playing.play(suite(one()), lambda play: Done(GOOD, "r", False), ticking(), BEGAN, lambda *_: None)
    case = Case("v1", TODAY, "f", replace(record, ended=False), {"r": GOOD}, ())
    assert decide(case, JUDGE).answer == "cannot tell"
    missing = Case("v1", TODAY, "f", record, {}, ())
    assert decide(missing, JUDGE).answer == "cannot tell"
    none = Case("v1", TODAY, "f", replace(record, rows=()), {}, ())
    assert decide(none, JUDGE).answer == "cannot tell"


ENDINGS = st.sampled_from(
    [GOOD, SLOW, BLIND, verdict(LOST, outcome="violated", code=1), UnableError("x"), EngineError("y")]
)


@given(st.lists(ENDINGS, min_size=1, max_size=6), st.sets(st.sampled_from(["tail", "answers"])))
def test_ready_means_that_every_run_held_or_broke_only_what_is_accepted(
    told: list[Verdict | Exception], accepted: set[str]
) -> None:
    release = decided(*told, waivers=tuple(waiver(objective) for objective in sorted(accepted)))

    def fine(ending: Verdict | Exception) -> bool:
        return isinstance(ending, Verdict) and all(
            one.outcome == "held" or (one.outcome == "violated" and one.objective in accepted)
            for one in ending.findings
        )

    assert (release.answer == "ready") == all(map(fine, told))
