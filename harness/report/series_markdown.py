"""The same as ``harness.report.series``, as Markdown for the summary of a CI job."""

from collections.abc import Iterable, Iterator, Sequence

from harness.report.markdown import text
from harness.report.series import asides, change_cells, change_note, over_cells, over_note, passed
from harness.series.compare import Comparison, describe
from harness.series.record import Series
from harness.units import show_s


def series(series: Series) -> str:
    """What a series comes to, its figures and its runs."""
    return "\n".join(_series(series)) + "\n"


def _series(series: Series) -> Iterator[str]:
    concluded = series.concluded
    if concluded is not None:
        yield f"### {concluded.outcome.upper()} {text(series.scenario)}"
        yield f"\n{text(concluded.sentence)}."
        yield from _list(concluded.reasons)
    if series.figures:
        rows = [(*over_cells(over), over_note(over)) for over in series.figures]
        yield from _table(("objective", "median", "between", "limit", "held", ""), rows)
    runs = [
        (str(number), passed(run), run.run, str(run.seed), show_s(run.took_s), run.sentence)
        for number, run in enumerate(series.played, start=1)
    ]
    yield from _table(("", "outcome", "run", "seed", "took", ""), runs)


def comparison(comparison: Comparison) -> str:
    """What changed from A to B."""
    return "\n".join(_comparison(comparison)) + "\n"


def _comparison(comparison: Comparison) -> Iterator[str]:
    yield f"### {comparison.answer.upper()} {text(comparison.scenario)}"
    yield f"\n{text(comparison.sentence)}."
    yield from _list((f"A: {comparison.before}", f"B: {comparison.after}", *asides(comparison)))
    if comparison.changes:
        rows = [(*change_cells(change), change_note(change)) for change in comparison.changes]
        yield from _table(("objective", "A", "B", "B / A", "answer", ""), rows)
        yield f"\n{text(describe(comparison))}."


def _list(texts: Iterable[str]) -> Iterator[str]:
    yield ""
    yield from (f"* {text(said)}" for said in texts)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"\n| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    yield from (f"| {' | '.join(map(text, row))} |" for row in rows)
