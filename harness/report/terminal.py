"""What stands on the terminal at the end: the verdict, why, every objective, every fault, and where to read on."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from harness.judge.verdict import FaultRecord, Verdict
from harness.objectives import Finding
from harness.report import figures
from harness.units import show_s

COLUMNS_MAX = 140
_COLOURS = {"good": "green", "bad": "red", "unsure": "yellow"}
_GAP = 2
_INDENT = 4  # of a note that has no room beside its row
_NOTE_COLUMNS_MIN = 40
_SHRUNK_COLUMNS_MIN = 12
_GLUE = "\xa0"
_GLUED = re.compile(r"(?<=\d) (?=(?:us|ms|s|min|%)(?:\W|$))|(?<=±) | (?=[·±])")


@dataclass(frozen=True, slots=True)
class Row:
    """Cells of a table, the style of the last one, and a note that stands beside or below them."""

    cells: tuple[str, ...]
    style: str = ""
    note: str = ""


def render(verdict: Verdict, where: str, again: str, took_s: float, console: Console) -> None:
    """Print ``verdict``. ``where``: path of the report; ``again``: the command that runs it again."""
    columns = min(console.width, COLUMNS_MAX)
    for text in _lines(verdict, where, again, took_s, columns):
        console.print(text, soft_wrap=True)


def _wrap(text: str, columns: int, first: str = "", rest: str = "") -> list[str]:
    """Lines of at most ``columns``, indented by ``first`` and ``rest``; a number keeps its unit and its error."""
    wrapped = textwrap.wrap(_GLUED.sub(_GLUE, text), columns, initial_indent=first, subsequent_indent=rest)
    return [line.replace(_GLUE, " ") for line in wrapped]


def _lines(verdict: Verdict, where: str, again: str, took_s: float, columns: int) -> Iterator[Text]:
    yield from _headline(verdict, columns)
    if verdict.findings:
        yield Text()
        rows = [_finding(finding, verdict) for finding in verdict.findings]
        yield from table(("objective", "measured", "limit", "outcome"), rows, columns, shrinks=0)
    if verdict.faults:
        yield Text()
        yield from table(
            ("fault", "what", "planned", "in force", "seen"), list(map(_fault, verdict.faults)), columns, shrinks=1
        )
    if verdict.recoveries:
        yield Text()
        lines = [figures.recovered(told, remarks=False) for told in verdict.recoveries]
        rows = [Row((told.fault, told.traffic, line)) for told, line in zip(verdict.recoveries, lines, strict=True)]
        yield from table(("recovery", "traffic", ""), rows, columns, shrinks=2)
        if any(" *" in line for line in lines):
            yield Text("  * there is more to know of this figure: it stands in the report", "dim")
    if verdict.traffic:
        yield Text()
        rows = [Row((record.name, figures.traffic(record))) for record in verdict.traffic]
        yield from table(("traffic", ""), rows, columns, shrinks=1)
    yield Text()
    # These three are copied and pasted, so they are never broken by us.
    yield Text.assemble(("report  ", "dim"), figures.line(where))
    yield Text.assemble(("again   ", "dim"), figures.line(again))
    yield Text.assemble(("took    ", "dim"), show_s(took_s) + _parts(verdict))


def _parts(verdict: Verdict) -> str:
    timing = verdict.timing
    parts = [
        f"{text} {show_s(value)}"
        for text, value in (("ready after", timing.ready_s), ("taken down in", timing.teardown_s))
        if value is not None
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _headline(verdict: Verdict, columns: int) -> Iterator[Text]:
    head = figures.headword(verdict)
    first, *rest = _wrap(f"{head}   {figures.sentence(verdict)}", columns, rest="  ")
    text = Text(first)
    text.stylize(f"bold {_COLOURS[figures.tone(verdict)]}", 0, len(head))
    yield text
    yield from map(Text, rest)
    for reason in figures.reasons(verdict):
        yield from map(Text, _wrap(reason, columns, "  · ", "    "))


def _finding(finding: Finding, verdict: Verdict) -> Row:
    # What the headline has said is not said again in every row that rests on it.
    told = finding.outcome == "held" or any(reason.startswith(finding.reason) for reason in verdict.reasons)
    said = [] if told else [figures.line(finding.reason)]
    note = " · ".join(filter(None, (*said, figures.details(finding))))
    as_expected = verdict.as_expected is True and finding.outcome == "violated"
    return Row(
        (
            finding.objective,
            figures.measured(finding),
            figures.limit(finding.bound),
            f"{finding.outcome}, as expected" if as_expected else finding.outcome,
        ),
        "green" if as_expected else _COLOURS[figures.TONES[finding.outcome]],
        note,
    )


def _fault(fault: FaultRecord) -> Row:
    cells = (fault.name, figures.line(fault.what), figures.planned(fault), figures.in_force(fault))
    doubts = figures.doubts(fault)
    word = doubts[0].split(":")[0] if doubts else "seen"
    more = "; ".join(doubts) if doubts and figures.seen(fault) != word else ""
    note = f"{fault.via}: {figures.line(fault.witness)}"
    return Row((*cells, word), "yellow" if doubts else "green", f"{more}; {note}" if more else note)


def table(header: tuple[str, ...], rows: Sequence[Row], columns: int, shrinks: int) -> Iterator[Text]:
    """A table without lines. Column ``shrinks`` wraps when there is no room; notes stand beside the row or below it."""
    widths = [max(map(len, column)) for column in zip(header, *(row.cells for row in rows), strict=True)]
    used = sum(widths) + _GAP * len(widths)
    room = columns - used - _GAP
    if used > columns:
        widths[shrinks] = max(_SHRUNK_COLUMNS_MIN, widths[shrinks] - (used - columns))
    yield from _row(Row(header), widths, room, "dim")
    for row in rows:
        yield from _row(row, widths, room, None, columns)


def _row(row: Row, widths: list[int], room: int, style: str | None, columns: int = 0) -> Iterator[Text]:
    cells = [_wrap(cell, width) or [""] for cell, width in zip(row.cells, widths, strict=True)]
    beside = row.note and room >= _NOTE_COLUMNS_MIN
    notes = _wrap(row.note, room) if beside else []
    for number in range(max(len(notes), *map(len, cells))):
        text = Text(" " * _GAP, style or "")
        for at, (lines, width) in enumerate(zip(cells, widths, strict=True)):
            last = at == len(widths) - 1
            text.append((lines[number : number + 1] or [""])[0].ljust(width), row.style if last else "")
            text.append("" if last else " " * _GAP)
        text.append(" " * _GAP + notes[number] if number < len(notes) else "")
        text.rstrip()
        yield text
    if row.note and not beside:
        indent = " " * (_GAP + _INDENT)
        for note in _wrap(row.note, columns, indent, indent):
            yield Text(note)
