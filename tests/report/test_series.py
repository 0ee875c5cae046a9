"""Several runs as a person sees them: on the terminal and in the summary of a CI job."""

import io

import pytest
from msgspec.structs import replace
from rich.console import Console

from harness.repeat import Repeat
from harness.report import series as shown
from harness.report import series_markdown
from harness.series.compare import compare
from harness.series.conclude import conclude, figures
from harness.series.record import SCHEMA, Declared, Played, Series
from tests.series.told import figure, of, sample

RUNS = tuple(
    Played(f"partition/2026-11-21T09-3{number}-12-k3f7a", number, "held", 0, 61.24, "users lost 7 of 3,000 answers")
    for number in range(6)
)
STEADY = [1.80, 1.82, 1.79, 1.80, 1.80, 1.83]
KNOWN = sample("a", recovery=STEADY, slow=[0.26] * 6, answers=[0.995] * 6)


def series(*runs: Played) -> Series:
    repeat = Repeat(runs=6)
    return Series(
        schema=SCHEMA,
        series="partition/series-1",
        scenario="partition",
        seed=7,
        declared=Declared.of(repeat),
        ended="finished",
        why="",
        played=runs,
        concluded=conclude(repeat, runs, "finished"),
        figures=figures(KNOWN, 0.95),
    )


def console() -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, width=120, color_system=None), stream


def test_a_series_says_what_it_proves_and_each_figure_with_its_interval() -> None:
    out, stream = console()
    shown.render(series(*RUNS), "runs/partition/series-1/series.json", out)
    assert (
        stream.getvalue()
        == """\
HELD   partition: 6 of 6 runs passed, which proves only a pass rate of at least 54 % (95 % confidence, two-sided).

  objective  median      between                     limit     held
  recovery   1.80 s      1.79 s to 1.83 s (96.88 %)  ≤ 3 s     6 of 6
  slow       p99 260 ms  260 ms to 260 ms (96.88 %)  ≤ 1 s     6 of 6
  answers    99.5 %      99.5 % to 99.5 % (96.88 %)  ≥ 99.5 %  6 of 6

series  runs/partition/series-1/series.json
"""
    )


def test_a_line_of_a_run_says_how_it_counts() -> None:
    assert shown.played(2, 6, RUNS[1]) == (
        "run 2 of 6  held  partition/2026-11-21T09-31-12-k3f7a  61.2 s  users lost 7 of 3,000 answers"
    )
    assert "  violated, as expected  " in shown.played(1, 6, replace(RUNS[0], outcome="violated"))


def test_a_comparison_says_the_answer_of_each_objective_with_its_interval() -> None:
    out, stream = console()
    after = sample("b", recovery=[2 * value for value in STEADY], slow=[0.25, 0.27] * 3, answers=[0.999] * 6)
    shown.render_comparison(compare(KNOWN, after, names=("good (6 runs)", "later (6 runs)")), out)
    assert (
        stream.getvalue()
        == """\
WORSE   partition: recovery became worse; answers became better; slow stayed the same.
  A  good (6 runs)
  B  later (6 runs)

  objective  A                B                B / A              answer
  recovery   1.80 s (6 runs)  3.60 s (6 runs)  × 2, 1.97 to 2.03  worse
  slow p99   260 ms (6 runs)  260 ms (6 runs)  × 1, 0.94 to 1.06  same
  answers    99.5 % (6 runs)  99.9 % (6 runs)  × 0.2, 0.2 to 0.2  better  ratio of the lost share

  same: within a factor of 1.2 either way; all answers together are right with 95 % confidence
"""
    )


def test_what_cannot_be_told_says_what_it_would_take_and_what_was_never_reached() -> None:
    out, stream = console()
    shown.render_comparison(compare(sample("a", recovery=[1.8, 1.9]), sample("b", recovery=[None, None])), out)
    row = next(line for line in stream.getvalue().splitlines() if line.startswith("  recovery"))
    cells = ["recovery", "1.85 s (2 runs)", "never (2 runs)", "cannot tell (about 2 more runs of each needed)"]
    assert [cell.strip() for cell in row.split("  ") if cell.strip()] == cells


@pytest.mark.parametrize("text", ["![x](y)", "<script>", "a | b", "`x`"])
def test_no_text_of_a_run_is_markup_in_the_summary(text: str) -> None:
    assert text not in series_markdown.series(series(*RUNS[:5], replace(RUNS[5], sentence=text)))
    doubted = [figure("recovery", 1.0, counts=False, why=text)]
    assert text not in series_markdown.comparison(compare(of({"recovery": doubted}), KNOWN, names=(text, text)))


def test_the_summary_has_every_run_with_its_seed() -> None:
    said = series_markdown.series(series(*RUNS))
    assert said.startswith("### HELD partition\n")
    assert sum(line.startswith("| ") and "k3f7a" in line for line in said.splitlines()) == 6
