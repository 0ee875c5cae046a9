"""The report: one HTML file that opens anywhere, asks no network, and runs no script but its own.

Everything from outside goes through the template's escaping; a content security policy names our own style and script
by their hashes, so that even what slipped through could neither run nor load anything.
"""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.judge.doubts import SCRAPED
from harness.judge.verdict import Verdict
from harness.recording.events import Asked, Sampled, Scraped
from harness.recording.evidence import Evidence
from harness.report import figures, lanes, needs, picture, wall
from harness.report.caveats import caveats
from harness.report.excerpts import logs as excerpts
from harness.report.journal import journal
from harness.report.phases import told
from harness.report.windows import windows
from harness.scenario import Scenario
from harness.units import show_s

_PAGE = Path(__file__).parent / "page"
_SYMBOLS = {"good": "✔", "bad": "✘", "unsure": "?"}


def render(
    scenario_text: str, scenario: Scenario, evidence: Evidence, verdict: Verdict, logs: Mapping[str, str]
) -> str:
    """``scenario_text``: the file as it was. ``logs``: container -> text, stamped by the engine or not."""
    style, script = ((_PAGE / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    began, tone = evidence.began, figures.tone(verdict)
    text = (
        _environment()
        .get_template("report.html.j2")
        .render(
            policy=_policy(style, script),
            # Ours, not anybody's input: the only two texts that are not escaped.
            style=Markup(style),
            script=Markup(script),
            verdict=verdict,
            scenario=scenario,
            scenario_text=figures.clean(scenario_text),
            began=began,
            headword=figures.headword(verdict),
            sentence=figures.sentence(verdict),
            reasons=figures.reasons(verdict),
            tone=tone,
            symbol=_SYMBOLS[tone],
            length=_length(evidence),
            again=figures.run_again(began, verdict.seed) if began else "",
            picture=picture.picture(scenario, evidence, verdict),
            sizes=picture.SIZES,
            lane_px=lanes.LANE_PX,
            need_px=needs.NEED_PX,
            objectives={objective.name: objective for objective in scenario.objectives},
            recoveries=told(verdict),
            windows=windows(evidence, verdict),
            sampled=evidence.of(Sampled),
            asked=tuple((asked, _asked_at(asked, evidence)) for asked in evidence.of(Asked)),
            scraped=tuple((target, target.seen < SCRAPED * target.expected) for target in evidence.of(Scraped)),
            logs=excerpts(logs, evidence),
            journal=journal(evidence),
            caveats=caveats(scenario, evidence, verdict),
        )
    )
    return text + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "measured": figures.measured,
        "limit": figures.limit,
        "details": figures.details,
        "planned": figures.planned,
        "in_force": figures.in_force,
        "doubts": figures.doubts,
        "seen": figures.seen,
        "shapes": _shapes,
        "reached": figures.reached,
        "scraped": figures.scraped,
        "course": figures.course,
        "traffic": figures.traffic,
        "clean": figures.clean,
        "line": figures.line,
        "number": figures.number,
        "show_s": show_s,
    }
    environment.globals["tones"] = figures.TONES
    return environment


def _shapes(failures: picture.Failures) -> Markup:
    """Numbers and a key of ours, in tens of thousands: escaping each would take longer than all the rest."""
    head = f'<use href="#s-{failures.key}" x="'
    return Markup("\n".join(f'{head}{one.x}%" y="{one.y}" width="12" height="12"/>' for one in failures.shapes))


def _policy(style: str, script: str) -> str:
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}';"
        " base-uri 'none'; form-action 'none'"
    )


def _asked_at(asked: Asked, evidence: Evidence) -> str:
    """The instant a question was about, on the report's own axis where it is known. Prometheus counts from 1970."""
    zero = wall.origin(evidence)
    return f"{asked.time_s:.3f}" if zero is None else f"{asked.time_s - zero.timestamp():.3f} s"


def _length(evidence: Evidence) -> str:
    """From the first to the last line of the journal."""
    if not evidence.events:
        return "not known"
    return show_s((max(event.at_ns for event in evidence.events) - evidence.events[0].at_ns) / 1e9)
