"""What people and build servers read of a suite: ``index.html``, ``summary.md``, ``junit.xml``. Pure."""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote
from xml.etree import ElementTree as ET

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness import errors
from harness.report import figures, html
from harness.report.figures import Tone
from harness.signoff.against import Compared
from harness.signoff.record import Played, Row, SuiteRecord
from harness.units import show_s

INDEX, REPORT = "index.html", "report.html"
SYMBOLS: dict[Tone, str] = {"good": "✔", "bad": "✘", "unsure": "?"}
_RUNS = "../../.."  # from runs/suites/NAME/WHEN to runs
_PAGE = Path(__file__).parent / "page"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#&!~])")

Earlier = Sequence[tuple[str, SuiteRecord]]


@dataclass(frozen=True, slots=True)
class Before:
    """How one row came out in an earlier suite, and where that one's page is."""

    tone: Tone
    word: str
    when: str
    link: str


def index(record: SuiteRecord, earlier: Earlier) -> str:
    """One HTML file without script or network; ``earlier``: the suites before it, oldest first."""
    return page(
        "suite.html.j2",
        record=record,
        tone=tone_of(record.exit_code),
        headline=headline(record),
        counts=counts(record),
        history={row.label: tuple(_before(row, earlier)) for row in record.rows},
    )


def page(template: str, **values: object) -> str:
    """A page in the report's own style. Everything from outside is escaped."""
    sheets = (Path(html.__file__).parent / "page" / "report.css", _PAGE / "signoff.css")
    style = "".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(
        loader=FileSystemLoader(_PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "show_s": show_s,
        "line": figures.line,
        "tone_of": tone_of_row,
        "report": report,
        "row": in_row,
        "against": against_headline,
    }
    environment.globals["symbols"] = SYMBOLS
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    # Ours, not anybody's input: the only text that is not escaped.
    return environment.get_template(template).render(policy=policy, style=Markup(style), **values) + "\n"


def tone_of(exit_code: int) -> Tone:
    if exit_code == errors.HELD:
        return "good"
    return "bad" if exit_code == errors.VIOLATED else "unsure"


def tone_of_row(row: Row) -> Tone:
    """A row of which nothing was played is never good, whoever wanted it so."""
    return tone_of(row.exit_code) if any(one.run for one in row.played) else "unsure"


def report(run: str, runs: str = _RUNS) -> str:
    """The address of a run's report, from the folder of a suite."""
    return f"{runs}/{quote(run)}/{REPORT}"


def headline(record: SuiteRecord) -> str:
    """``nightly: all 12 runs came out as they should.``"""
    runs = sum(one.run is not None for row in record.rows for one in row.played)
    good = sum(row.good for row in record.rows)
    if not runs:
        return f"{record.suite}: nothing was played, so nothing was shown."
    said = f"all {runs} runs" if good == runs and runs > 1 else f"{good} of {runs} run{'s' * (runs != 1)}"
    left = sum(one.run is None for row in record.rows for one in row.played)
    text = f"{record.suite}: {said} came out as {'they' if runs > 1 else 'it'} should"
    return f"{text}; {left} {'was' if left == 1 else 'were'} not played." if left else f"{text}."


def counts(record: SuiteRecord) -> str:
    """``10 held · 1 violated · 1 skipped``, without what did not happen."""
    words = (
        ("held", "held"),
        ("violated", "violated"),
        ("inconclusive", "inconclusive"),
        ("skipped", "skipped"),
        ("none", "without a verdict"),
    )
    found = [f"{count} {text}" for word, text in words if (count := record.count(word))]  # type: ignore[arg-type]
    return " · ".join(found) or "nothing yet"


def in_row(row: Row) -> str:
    """The first words of a row: ``HELD``, ``HELD 2 of 3``, ``SKIPPED``; ``not yet`` before its first run."""
    told = row.telling
    if told is None:
        return "not yet"
    runs = sum(one.run is not None for one in row.played)
    return f"{told.headword}, {row.good} of {runs} as it should be" if runs > 1 else told.headword


def _before(row: Row, earlier: Earlier) -> Iterator[Before]:
    for when, record in earlier:
        for old in record.rows:
            if old.label == row.label and old.played:
                yield Before(tone_of_row(old), in_row(old), record.began, f"../{quote(when)}/index.html")


def markdown(text: str) -> str:
    """``text`` on one line, with nothing in it that Markdown would read."""
    return _MARKDOWN.sub(r"\\\1", figures.line(text))


def summary(record: SuiteRecord) -> str:
    """For the summary of a CI job: Markdown, the worst first."""
    lines = [
        f"## {SYMBOLS[tone_of(record.exit_code)]} {markdown(headline(record))}",
        "",
        f"{markdown(record.about)}",
        "",
        f"{counts(record)}; took {show_s(record.took_s)}{'' if record.ended else ', and was not finished'}.",
        "",
        "| | scenario | result | why |",
        "|---|---|---|---|",
    ]
    order = {"bad": 0, "unsure": 1, "good": 2}
    for row in sorted(record.rows, key=lambda row: order[tone_of_row(row)]):
        told = row.telling
        sentence = markdown(told.sentence) if told else ""
        lines.append(f"| {SYMBOLS[tone_of_row(row)]} | {markdown(row.label)} | {markdown(in_row(row))} | {sentence} |")
    lines += ["", *compared(record.compared)] if record.compared else []
    return "\n".join(lines) + "\n"


def compared(found: Compared) -> Iterator[str]:
    """What became worse since the last runs that came out as they should, in Markdown."""
    yield f"### {markdown(against_headline(found))}"
    if any(row.worse for row in found.rows):
        yield from ("", "| scenario | objective | before | now | limit | |", "|---|---|---|---|---|---|")
    for row in found.rows:
        for one in row.worse:
            cells = (row.label, one.objective, one.before, one.now, one.limit, f"{one.answer} ({_of(row.runs)} before)")
            yield f"| {' | '.join(map(markdown, cells))} |"
    if without := [row for row in found.rows if row.why]:
        yield ""
        yield from (f"* {markdown(row.label)}: {markdown(row.why)}" for row in without)


def against_headline(found: Compared) -> str:
    """``Against baseline nightly: 2 of 31 figures look worse.``"""
    figures_of = [one.answer for row in found.rows for one in row.worse]
    counted = sum(row.compared for row in found.rows)
    head = f"Against baseline {found.baseline}"
    if not counted:
        return f"{head}: nothing could be compared, since there is none yet that fits."
    told, looks = figures_of.count("worse"), figures_of.count("looks worse")
    parts = [f"{told} became worse"] * bool(told) + [f"{looks} look{'s' * (looks == 1)} worse"] * bool(looks)
    return f"{head}: of {counted} figure{'s' * (counted != 1)} {' and '.join(parts) or 'none became worse'}."


def _of(runs: int) -> str:
    return f"{runs} run{'s' * (runs != 1)}"


def junit(record: SuiteRecord) -> bytes:
    """JUnit XML: one case for each run. Violated is a failure, a skip a skip; all else that did not pass an error."""
    cases = [
        _case(row, number, one)
        for row in record.rows
        for number, one in enumerate(row.played or (_missing(),), start=1)
    ]
    results = [kind for case in cases for child in case if (kind := child.tag)]
    suite = ET.Element(
        "testsuite",
        {
            "name": f"chaos.suite.{record.suite}",
            "tests": str(len(cases)),
            "failures": str(results.count("failure")),
            "errors": str(results.count("error")),
            "skipped": str(results.count("skipped")),
            "time": f"{record.took_s:.3f}",
            "timestamp": record.began,
        },
    )
    suite.extend(cases)
    ET.indent(suite)
    return bytes(ET.tostring(suite, encoding="utf-8", xml_declaration=True)) + b"\n"


def _missing() -> Played:
    return Played("none", errors.NO_VERDICT, "NOT PLAYED", "the suite ended before it.", 0.0)


def _case(row: Row, number: int, one: Played) -> ET.Element:
    name = f"{row.label} #{number}" if row.repeats > 1 else row.label
    case = ET.Element("testcase", {"classname": row.scenario, "name": name, "time": f"{one.took_s:.3f}"})
    if one.exit_code == errors.HELD and one.run is not None:
        ET.SubElement(case, "system-out").text = one.sentence
        return case
    kind: Literal["failure", "error", "skipped"] = "failure" if one.exit_code == errors.VIOLATED else "error"
    element = ET.SubElement(case, "skipped" if one.outcome == "skipped" else kind, {"message": one.sentence})
    element.text = f"{one.headword}: {one.sentence}" + (f"\nrecord: {one.run}" if one.run else "")
    return case
