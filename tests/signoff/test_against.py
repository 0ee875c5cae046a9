"""What is said to have become worse since the last nights, and what is kept for the nights to come."""

import pytest

from harness.errors import HELD, VIOLATED
from harness.series.sample import Sample
from harness.signoff.against import RUNS_MAX, Against, Compared, Worse, against, kept
from harness.signoff.pages import against_headline, compared
from harness.signoff.record import SCHEMA, Played, Row, SuiteRecord
from tests.series.told import figure, of, sample

BEFORE = sample("before", recovery=[1.0, 1.1, 1.05])


def now(*recovery: float | None, error: float = 0.0) -> Sample:
    figures = [figure("recovery", value, "held" if value else "violated", error=error) for value in recovery]
    return of({"recovery": figures}, prefix="now")


@pytest.mark.parametrize("value", [0.5, 1.05, 1.2, 1.25])
def test_what_is_no_more_than_a_fifth_beyond_the_middle_is_no_news(value: float) -> None:
    assert against("kill", BEFORE, now(value)) == Against("kill", 3, 1, ())


def test_one_night_that_is_worse_than_all_before_looks_worse_and_proves_nothing() -> None:
    found = against("kill", BEFORE, now(1.6))
    assert found == Against("kill", 3, 1, (Worse("recovery", "looks worse", "1.05 s", "1.60 s", "<= 3s"),))
    assert not found.told_worse


def test_the_error_of_a_figure_is_on_its_side() -> None:
    assert against("kill", BEFORE, now(1.6, error=0.5)).worse == ()


def test_a_wide_baseline_forgives_what_it_has_seen_itself() -> None:
    assert against("kill", sample("before", recovery=[1.0, 1.0, 1.7]), now(1.6)).worse == ()


def test_enough_runs_on_both_sides_are_a_verdict() -> None:
    before = sample("before", recovery=[1.0 + n / 100 for n in range(8)])
    found = against("kill", before, now(*(2.0 + n / 100 for n in range(8))))
    assert found.told_worse and [one.answer for one in found.worse] == ["worse"]


def test_a_figure_that_was_never_reached_looks_worse_than_any() -> None:
    assert against("kill", BEFORE, now(None)).worse[0].now == "never"


def test_less_of_what_should_be_more_is_worse() -> None:
    pace = sample("before", pace=[50.0, 51.0])
    assert against("kill", pace, sample("now", pace=[30.0])).worse[0].answer == "looks worse"
    assert against("kill", pace, sample("now", pace=[90.0])).worse == ()


def test_a_share_that_is_lost_is_what_counts_and_a_trifle_does_not() -> None:
    perfect = sample("before", answers=[1.0, 1.0])
    assert against("kill", perfect, sample("now", answers=[0.9995])).worse == ()
    assert against("kill", perfect, sample("now", answers=[0.996])).worse[0].now == "99.6 %"


def test_what_does_not_count_is_neither_better_nor_worse() -> None:
    doubted = of({"recovery": [figure("recovery", 9.0, counts=False, why="late")]}, prefix="now")
    assert against("kill", BEFORE, doubted).worse == ()


def test_no_baseline_and_one_of_another_experiment_are_said() -> None:
    assert against("kill", None, now(1.0)) == Against("kill", 0, 0, (), "it has no baseline yet")
    other = of({"recovery": [figure("recovery", 1.0)]}, prefix="now", parts=(("faults", "2"),))
    why = against("kill", BEFORE, other).why
    assert why.startswith("its baseline is not comparable: they are not of the same scenario")
    assert kept(BEFORE, other) == other


def test_a_baseline_keeps_its_newest_runs() -> None:
    long = sample("before", recovery=[1.0] * RUNS_MAX)
    found = kept(long, now(2.0))
    assert [run.run for run in found.runs] == [*(run.run for run in long.runs[1:]), "partition/now0"]
    assert kept(None, now(2.0)) == now(2.0)


def test_the_summary_says_what_became_worse_and_what_could_not_be_compared() -> None:
    rows = (against("kill", BEFORE, now(1.6)), against("loss (A=b)", None, now(1.0)))
    assert "\n".join(compared(Compared("nightly", 0.2, rows))) == (
        "### Against baseline nightly: of 1 figure 1 looks worse.\n"
        "\n"
        "| scenario | objective | before | now | limit | |\n"
        "|---|---|---|---|---|---|\n"
        "| kill | recovery | 1.05 s | 1.60 s | \\<= 3s | looks worse (3 runs before) |\n"
        "\n"
        "* loss (A=b): it has no baseline yet"
    )
    first = Compared("nightly", 0.2, (rows[1],))
    assert against_headline(first) == (
        "Against baseline nightly: nothing could be compared, since there is none yet that fits."
    )
    same = Compared("nightly", 0.2, (against("kill", BEFORE, now(1.0)),))
    assert against_headline(same) == "Against baseline nightly: of 1 figure none became worse."


@pytest.mark.parametrize(("answer", "code"), [("worse", VIOLATED), ("looks worse", HELD)])
def test_only_what_is_known_to_be_worse_turns_a_suite_red(answer: str, code: int) -> None:
    row = Row("kill", (), 1, "", (Played("held", HELD, "HELD", "well", 1.0, "kill/1"),))
    worse = Worse("recovery", answer, "1 s", "2 s", "<= 3s")  # type: ignore[arg-type]  # a Literal, given as its word
    found = Compared("nightly", 0.2, (Against("kill", 3, 1, (worse,)),))
    record = SuiteRecord(SCHEMA, "nightly", "x", "", 1.0, None, "1", True, (row,), found)
    assert record.exit_code == code
