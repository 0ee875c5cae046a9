"""The page on top, for whoever signs: ready, not ready or cannot tell, and why; as Markdown and as HTML. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from harness.report import figures
from harness.report.figures import Tone
from harness.signoff.environment import Environment
from harness.signoff.pages import INDEX, SYMBOLS, markdown, page, report
from harness.signoff.record import SuiteRecord
from harness.signoff.release import Answer, Kind, Release, Result
from harness.units import show_s, show_share

TONES: Mapping[Answer, Tone] = {"ready": "good", "not ready": "bad", "cannot tell": "unsure"}
KINDS: Mapping[Kind, str] = {"harm": "not ready", "doubt": "cannot tell", "waived": "accepted"}
_SHOWN_FACTS = ("engine", "kernel", "host", "cgroup", "compose")


@dataclass(frozen=True, slots=True)
class Paper:
    """``key``: fingerprint of the key that the bundle is signed with; None: it is not signed."""

    release: Release
    record: SuiteRecord
    environment: Environment
    key: str | None

    @property
    def signed(self) -> str:
        if self.key:
            return f"The bundle is signed with the Ed25519 key {self.key}."
        return "The bundle is not signed: its sums show damage, not forgery."

    @property
    def check(self) -> str:
        return f"harness verify {self.release.release}.tar.gz" + (" --key PUBLIC_KEY" if self.key else "")

    def facts(self) -> Iterator[tuple[str, str]]:
        """What it was tried on, one line each."""
        of = self.release
        yield "suite", f"{of.suite}, begun {self.record.began}, took {show_s(self.record.took_s)}"
        yield "harness", f"{of.harness}, judge {of.judge}"
        for what in _SHOWN_FACTS:
            if values := [value for name, value in self.environment.facts if name == what]:
                yield what, ", ".join(map(figures.line, values))
        yield from self.environment.host
        for image in self.environment.images:
            yield "image", f"{figures.line(image.reference)} {', '.join(image.digests) or image.id}".strip()


def proves(result: Result) -> str:
    """``3 of 3 (proves at least 29 %)``"""
    counted = f"{result.good} of {max(result.runs, result.repeats)}"
    return counted if result.proves is None else f"{counted} (proves at least {show_share(result.proves)})"


def as_markdown(paper: Paper) -> str:
    """``SIGNOFF.md``"""
    return "\n".join(_lines(paper)) + "\n"


def _lines(paper: Paper) -> Iterator[str]:
    of = paper.release
    yield from (f"# {SYMBOLS[TONES[of.answer]]} {of.answer.upper()}: {markdown(of.release)}", "")
    yield from (f"**{markdown(of.sentence)}**", "")
    if of.reasons:
        yield from ("| | scenario | why |", "|---|---|---|")
        for reason in of.reasons:
            yield f"| {KINDS[reason.kind]} | {markdown(reason.label)} | {markdown(reason.text)} |"
        yield ""
    yield from ("## What was played", "", "| scenario | result | runs as they should be |", "|---|---|---|")
    for result in of.results:
        yield f"| {markdown(result.label)} | {markdown(result.words)} | {proves(result)} |"
    yield from ("", "## Waivers", "")
    if of.waivers:
        yield from ("| scenario | objective | until | accepted by | why | |", "|---|---|---|---|---|---|")
        for one in of.waivers:
            cells = (one.scenario, one.objective, str(one.until), one.who, one.why, waiver_use(one.use))
            yield f"| {' | '.join(map(markdown, cells))} |"
    else:
        yield "None."
    yield from ("", "## What it was tried on", "")
    for what, value in paper.facts():
        yield f"* {what}: {markdown(value)}"
    yield from (
        "",
        "## How to check this",
        "",
        f"{paper.signed} Everything in it can be judged again, without an engine:",
    )
    yield from ("", f"    {paper.check}", "", "Signed:  ______________________   Date:  ____________")


def waiver_use(use: str) -> str:
    if use == "expired":
        return "expired: it does not count"
    return "counts" if use == "used" else "not needed: it was not violated"


def as_html(paper: Paper) -> str:
    """``SIGNOFF.html``; its links lead to the reports beside it."""
    links = {row.label: report(told.run, "runs") for row in paper.record.rows if (told := row.telling) and told.run}
    return page(
        "signoff.html.j2",
        paper=paper,
        release=paper.release,
        tone=TONES[paper.release.answer],
        kinds=KINDS,
        links=links,
        suite=f"{quote(paper.release.folder)}/{INDEX}",
        proves=proves,
        waiver_use=waiver_use,
    )
