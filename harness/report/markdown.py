"""The verdict for the summary of a CI job: Markdown as GitHub writes it, and readable as it stands.

What a log, an answer or a file said can bring no markup with it: no link, image, mention, table or tag.
"""

import re
from collections.abc import Iterable, Iterator

from harness.judge.verdict import FaultRecord, Recovery, Verdict
from harness.objectives import Finding
from harness.recording.events import Began
from harness.report import figures
from harness.scenario import Scenario

_CELL_MAX = 400  # characters: a job's summary has little room, and the record has it all
_BREAK = "<!-- -->"  # nothing to a reader; the end of a word to whoever turns words into links
_MARKUP = re.compile(r"([\\`*_\[\]<>|~&#$!{}])")
_LINKS = re.compile(r"(?<=www)(?=\.)|(?<=:)(?=//)|(?<=@)|(?<=#)(?=\d)|(?<=:)(?=[\w+-]+:)", re.IGNORECASE)
_BLOCK = re.compile(r"^(?=[-+=])|^(?P<number>\d{1,9})(?=[.)](?: |$))")
_SYMBOLS = {"good": "✔", "bad": "✘", "unsure": "?"}


def render(scenario: Scenario, verdict: Verdict, began: Began | None) -> str:
    """One run, whole: verdict, why, objectives, faults, recovery, and how to run it again."""
    return "\n".join(_lines(scenario, verdict, began)).rstrip() + "\n"


def text(said: str) -> str:
    """Anything at all, as one line of plain text in Markdown."""
    plain = figures.line(said)
    plain = plain if len(plain) <= _CELL_MAX else f"{plain[:_CELL_MAX]}…"
    # Links first: a backslash must not come between a word and what is to part it.
    marked = _LINKS.sub("\0", plain)
    return _BLOCK.sub(r"\g<number>\\", _MARKUP.sub(r"\\\1", marked)).replace("\0", _BREAK)


def _lines(scenario: Scenario, verdict: Verdict, began: Began | None) -> Iterator[str]:
    symbol = _SYMBOLS[figures.tone(verdict)]
    yield from (f"## {symbol} {figures.headword(verdict)}", "", f"**{text(figures.sentence(verdict))}**", "")
    if reasons := figures.reasons(verdict):
        yield from (*(f"- {text(reason)}" for reason in reasons), "")
    if scenario.about:
        yield from (text(scenario.about), "")
    if verdict.findings:
        rows = [_finding(finding, verdict) for finding in verdict.findings]
        yield from _table(("objective", "measured", "limit", "outcome", "why"), rows)
    if verdict.faults:
        yield from _table(("fault", "what", "planned", "in force", "seen", "witness"), map(_fault, verdict.faults))
    if verdict.recoveries:
        yield from _table(("fault", "traffic", "recovery"), map(_recovery, verdict.recoveries))
    for record in verdict.traffic:
        yield from (f"{text(record.name)}: {text(figures.traffic(record))}", "")
    if began:
        yield from ("Run it again:", "", *_code(figures.run_again(began, verdict.seed)), "")
    facts = began.facts if began else ()
    known = (("run", verdict.run), ("seed", str(verdict.seed)), ("judge", f"version {verdict.judge}"), *facts)
    yield " · ".join(f"{text(what)} {text(value)}" for what, value in known)


def _finding(finding: Finding, verdict: Verdict) -> tuple[str, ...]:
    expected = finding.outcome == "violated" and verdict.as_expected is True
    outcome = f"{finding.outcome}, as expected" if expected else finding.outcome
    why = " · ".join(filter(None, (figures.line(finding.reason), figures.details(finding))))
    return finding.objective, figures.measured(finding), figures.limit(finding.bound), outcome, why


def _fault(fault: FaultRecord) -> tuple[str, ...]:
    cells = (fault.name, fault.what, figures.planned(fault), figures.in_force(fault), figures.seen(fault))
    return *cells, f"{fault.via}: {fault.witness}"


def _recovery(recovery: Recovery) -> tuple[str, ...]:
    return recovery.fault, recovery.traffic, figures.recovered(recovery)


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _row(header)
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield _row(tuple(map(text, row)))
    yield ""


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(command: str) -> tuple[str, ...]:
    """A block of code whose fence is longer than any that the command has in it."""
    line = figures.line(command)
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", line)), 3)
    return fence, line, fence
