"""What a series comes to: its sentence, its exit code, its figures."""

import pytest

from harness.objectives.base import Bound
from harness.repeat import Repeat
from harness.series.conclude import conclude, figures
from harness.series.record import Ended, FigureOver, Played, seed_of
from tests.series.told import figure, of, sample

TEN = Repeat(runs=10)
PASSED = Played("partition/1", 1, "held", 0, 60.0, "all was well")
FAILED = Played("partition/2", 2, "violated", 1, 60.0, "users lost 9 of 10")
UNCLEAR = Played("partition/3", 3, "inconclusive", 3, 60.0, "the load generator was late")
TWIN = Played("broken/partition/4", 4, "violated", 0, 60.0, "as expected")


def test_ten_passes_of_ten_hold_and_say_what_little_that_proves() -> None:
    found = conclude(TEN, [PASSED] * 10, "finished")
    assert (found.outcome, found.exit_code, found.reasons) == ("held", 0, ())
    assert found.sentence == (
        "10 of 10 runs passed, which proves only a pass rate of at least 69.1 % (95 % confidence, two-sided)"
    )


def test_one_failure_is_a_violation_whatever_else_was_seen() -> None:
    found = conclude(TEN, [*[PASSED] * 8, UNCLEAR, FAILED], "finished")
    assert (found.outcome, found.exit_code) == ("violated", 1)
    assert found.sentence == (
        "8 of 9 runs passed: the pass rate is between 51.7 % and 99.8 % (95 % confidence, two-sided); "
        "every run must pass"
    )


def test_an_inconclusive_run_is_neither_a_pass_nor_a_failure() -> None:
    found = conclude(TEN, [*[PASSED] * 8, UNCLEAR, UNCLEAR], "finished")
    assert (found.outcome, found.exit_code) == ("inconclusive", 3)
    assert (found.passed, found.failed, found.inconclusive) == (8, 0, 2)
    assert found.reasons == ("2 of 10 runs were inconclusive: neither passed nor failed",)
    assert found.sentence.startswith("8 of 8 runs passed, which proves only a pass rate of at least 63 %")


def test_a_broken_twin_passes_where_it_is_broken_as_expected() -> None:
    assert conclude(TEN, [TWIN] * 10, "finished").passed == 10


def test_no_decided_run_is_nothing_known() -> None:
    found = conclude(TEN, [UNCLEAR], "finished")
    assert (found.outcome, found.low, found.high) == ("inconclusive", 0.0, 1.0)
    assert found.sentence == "no run was decided, so that nothing is known of the pass rate"


@pytest.mark.parametrize(
    ("runs", "outcome", "code"),
    [
        ([PASSED] * 20, "held", 0),
        ([*[PASSED] * 19, FAILED], "inconclusive", 3),
        ([FAILED] * 10, "violated", 1),
        ([*[PASSED] * 18, UNCLEAR, UNCLEAR], "held", 0),
    ],
)
def test_a_pass_rate_is_held_only_where_its_whole_interval_says_so(runs: list[Played], outcome: str, code: int) -> None:
    repeat = Repeat(runs=20, pass_rate=Bound(">=", 0.8, ">= 80%"))
    found = conclude(repeat, runs, "finished")
    assert (found.outcome, found.exit_code) == (outcome, code)


@pytest.mark.parametrize(
    ("runs", "ended", "outcome", "sentence"),
    [
        (
            [PASSED] * 10,
            "decided",
            "held",
            "10 of 10 runs passed: the pass rate is more than 70 % (sequential test, wrong in at most 5 % of cases)",
        ),
        (
            [FAILED, UNCLEAR, FAILED],
            "decided",
            "violated",
            "0 of 2 runs passed: the pass rate is less than 95 % (sequential test, wrong in at most 5 % of cases)",
        ),
        (
            [PASSED] * 4,
            "finished",
            "inconclusive",
            "4 of 4 runs passed: the sequential test has not decided between 70 % and 95 %",
        ),
    ],
)
def test_a_sequential_test_says_what_it_decided_and_no_interval(
    runs: list[Played], ended: Ended, outcome: str, sentence: str
) -> None:
    """An interval for a number of runs that was fixed is too narrow where the runs themselves said when to stop."""
    found = conclude(Repeat(runs=30, stop="sequential", p0=0.7, p1=0.95), runs, ended)
    assert (found.outcome, found.sentence, found.low, found.high) == (outcome, sentence, None, None)


@pytest.mark.parametrize(
    ("ended", "code", "reason"),
    [
        ("interrupted", 130, "3 of 10 runs were played: it was interrupted; what was played stands"),
        ("failed", 4, "3 of 10 runs were played, then it failed: n1 did not become ready"),
        ("playing", 3, "3 of 10 runs were played: it still plays, or was killed"),
    ],
)
def test_a_series_that_did_not_come_to_its_end_says_so_and_is_not_held(ended: Ended, code: int, reason: str) -> None:
    found = conclude(TEN, [PASSED] * 3, ended, "n1 did not become ready")
    assert (found.outcome, found.exit_code, found.reasons) == ("inconclusive", code, (reason,))


def test_each_figure_has_its_median_and_an_interval_of_it() -> None:
    (found,) = figures(sample(recovery=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), 0.95)
    assert found == FigureOver("recovery", "", "s", "<= 3s", 6, 6, 6, 0, 3.5, 1.0, 6.0, 0.96875, 0)


def test_too_few_runs_for_an_interval_say_how_many_more() -> None:
    (found,) = figures(sample(recovery=[1.0, 2.0]), 0.95)
    assert (found.median, found.low, found.confidence, found.more) == (1.5, None, None, 4)


def test_what_was_never_reached_is_worse_than_any_figure() -> None:
    (late,) = figures(sample(recovery=[1.0, 1.0, 1.0, None, None, None, None]), 0.95)
    assert (late.median, late.low, late.high, late.never) == (None, 1.0, None, 4)
    (slow,) = figures(sample(pace=[None, 50.0, 50.0]), 0.5)
    assert (slow.median, slow.low, slow.never) == (50.0, None, 1)


def test_a_figure_in_doubt_is_in_no_median() -> None:
    told = [figure("recovery", 1.0), figure("recovery", 99.0, "inconclusive", counts=False), figure("recovery", None)]
    (found,) = figures(of({"recovery": told}), 0.95)
    assert (found.asked, found.runs, found.held, found.median) == (3, 1, 2, 1.0)


def test_every_run_of_a_series_has_a_seed_of_its_own_and_the_same_one_next_time() -> None:
    seeds = [seed_of(7, number) for number in range(1, 101)]
    assert len(set(seeds)) == 100
    assert seeds == [seed_of(7, number) for number in range(1, 101)] != [seed_of(8, number) for number in range(1, 101)]
