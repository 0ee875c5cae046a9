"""What stands on the terminal of several runs: a line for each, what they prove, and what changed between two sets."""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from harness.report import figures
from harness.report.figures import figure
from harness.report.terminal import COLUMNS_MAX, Row, table
from harness.series.compare import Change, Comparison, Side, describe
from harness.series.intervals import MORE_MAX
from harness.series.record import FigureOver, Played, Series
from harness.units import show_s, show_share

_COLOURS = {"held": "green", "violated": "red", "inconclusive": "yellow"}
_ANSWERS = {"better": "green", "same": "green", "worse": "red", "cannot tell": "yellow"}
NEVER = "never"


def played(number: int, of: int, run: Played) -> str:
    """The line of one run, when it has ended: ``run 3 of 10  held  partition/2026-...  71.2 s  ...``."""
    words = f"run {number} of {of}", passed(run), figures.line(run.run), show_s(run.took_s), figures.line(run.sentence)
    return "  ".join(words)


def passed(run: Played) -> str:
    """Its outcome, and how it counts where that is not the same: a broken twin passes where it is broken."""
    as_expected = run.exit_code == 0 and run.outcome != "held"
    return f"{run.outcome}, as expected" if as_expected else run.outcome


def render(series: Series, where: str, console: Console) -> None:
    """Print a series that has come to its end. ``where``: the path of its ``series.json``."""
    for text in _series(series, where, min(console.width, COLUMNS_MAX)):
        console.print(text, soft_wrap=True)


def _series(series: Series, where: str, columns: int) -> Iterator[Text]:
    concluded = series.concluded
    if concluded is not None:
        yield _headline(
            concluded.outcome.upper(), _COLOURS[concluded.outcome], f"{series.scenario}: {concluded.sentence}"
        )
        yield from (Text(f"  · {figures.line(reason)}") for reason in concluded.reasons)
    if series.figures:
        yield Text()
        rows = [Row(over_cells(over), "", over_note(over)) for over in series.figures]
        yield from table(("objective", "median", "between", "limit", "held"), rows, columns, shrinks=0)
    yield Text()
    yield Text.assemble(("series  ", "dim"), figures.line(where))


def over_cells(over: FigureOver) -> tuple[str, str, str, str, str]:
    """objective, median, its interval, limit, in how many runs it held."""
    held = f"{over.held} of {over.asked}"
    return over.objective, _median(over), _between(over), figures.limit(over.bound), held


def _median(over: FigureOver) -> str:
    middle = _or_never(over.median, over.unit, over.runs)
    return f"{over.figure} {middle}".strip()


def _or_never(value: float | None, unit: str, runs: int) -> str:
    if value is not None:
        return figure(value, unit)
    return NEVER if runs else "no figure"


def _between(over: FigureOver) -> str:
    if over.confidence is None:
        return f"too few runs for an interval ({over.more} more)"
    low, high = (_or_never(value, over.unit, over.runs) for value in (over.low, over.high))
    return f"{low} to {high} ({show_share(over.confidence)})"


def over_note(over: FigureOver) -> str:
    said = []
    if over.runs < over.asked:
        said.append(f"{over.asked - over.runs} of {over.asked} runs have no figure that counts")
    if over.never:
        said.append(f"never reached in {over.never}")
    return "; ".join(said)


def render_comparison(comparison: Comparison, console: Console) -> None:
    """Print what changed from A to B."""
    for text in _comparison(comparison, min(console.width, COLUMNS_MAX)):
        console.print(text, soft_wrap=True)


def _comparison(comparison: Comparison, columns: int) -> Iterator[Text]:
    head = comparison.answer.upper()
    yield _headline(head, _ANSWERS[comparison.answer], f"{comparison.scenario}: {figures.line(comparison.sentence)}")
    yield Text(f"  A  {figures.line(comparison.before)}", "dim")
    yield Text(f"  B  {figures.line(comparison.after)}", "dim")
    yield from (Text(f"  · {text}") for text in asides(comparison))
    if comparison.changes:
        yield Text()
        rows = [
            Row(change_cells(change), _ANSWERS[change.answer], change_note(change)) for change in comparison.changes
        ]
        yield from table(("objective", "A", "B", "B / A", "answer"), rows, columns, shrinks=0)
        yield Text()
        yield Text(f"  {describe(comparison)}", "dim")


def asides(comparison: Comparison) -> tuple[str, ...]:
    """What else is not the same, a sentence each."""
    left = comparison.left_out
    out = [f"not compared, for only one of the two has it: {', '.join(left)}"] if left else []
    return tuple(figures.line(text) for text in (*comparison.differences, *out))


def change_cells(change: Change) -> tuple[str, str, str, str, str]:
    """objective, its median in A and in B, their ratio with its interval, answer."""
    name = f"{change.objective} {change.figure}".strip()
    before, after = (_side(side, change.unit) for side in (change.before, change.after))
    return name, before, after, _ratio(change), answer(change)


def _side(side: Side, unit: str) -> str:
    return f"{_or_never(side.median, unit, side.never)} ({side.runs} run{'' if side.runs == 1 else 's'})"


def _ratio(change: Change) -> str:
    if change.confidence is None or change.low is None:
        return "" if change.ratio is None else f"× {change.ratio:.3g}"
    high = "any" if change.high is None else f"{change.high:.3g}"
    middle = "" if change.ratio is None else f"× {change.ratio:.3g}, "
    return f"{middle}{change.low:.3g} to {high}"


def answer(change: Change) -> str:
    """``worse``; ``cannot tell (about 7 more runs of each needed)``."""
    if change.more is None:
        return change.answer
    if change.more >= MORE_MAX:
        return f"{change.answer} (more than {MORE_MAX:,} more runs of each needed)"
    return f"{change.answer} (about {change.more:,} more run{'' if change.more == 1 else 's'} of each needed)"


def change_note(change: Change) -> str:
    of = "" if change.of == "figure" else f"ratio of the {change.of}"
    return figures.line("; ".join(filter(None, (of, change.why))))


def _headline(head: str, colour: str, sentence: str) -> Text:
    text = Text(f"{head}   {sentence}.")
    text.stylize(f"bold {colour}", 0, len(head))
    return text
