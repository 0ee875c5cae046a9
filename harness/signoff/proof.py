"""Can every scenario fail? What its runs on the healthy cluster, its broken twin and the control come to. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness import errors
from harness.judge.verdict import Verdict
from harness.report import figures
from harness.signoff.record import Played

Way = Literal["healthy", "broken", "control"]
WAYS: tuple[Way, ...] = ("healthy", "broken", "control")


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a scenario, or why there is none. ``words``: for the table; ``exit_code``: what it makes of the whole.

    ``why``: a sentence for what is not as it must be; empty where it is.
    """

    words: str
    exit_code: int
    why: str = ""


Row = Mapping[Way, Cell]


def cell(way: Way, verdict: Verdict) -> Cell:
    """What a run that came to a verdict shows."""
    if verdict.exit_code == errors.HELD:
        harm = (finding for finding in verdict.findings if finding.outcome == "violated")
        violated = ", ".join(f"{finding.objective} ({figures.measured(finding)})" for finding in harm)
        return Cell(f"violated: {violated}" if verdict.as_expected else "held", errors.HELD)
    why = figures.line(verdict.sentence)
    if verdict.exit_code == errors.INCONCLUSIVE:
        return Cell("cannot tell", errors.INCONCLUSIVE, why)
    words: Mapping[Way, str] = {
        "healthy": "not as expected" if verdict.as_expected is False else "VIOLATED",
        "broken": "NOT VIOLATED",
        "control": "VIOLATED",  # dead without the fault as well: what the broken one shows is not the fault's doing
    }
    return Cell(words[way], errors.VIOLATED, why)


def unplayed(played: Played) -> Cell:
    """A run without a verdict."""
    return Cell(played.headword.lower(), played.exit_code or errors.INCONCLUSIVE, played.sentence)


def missing() -> Cell:
    return Cell("NO TWIN", errors.VIOLATED, "has no broken twin: nothing shows that it could fail; add 'twin:' to it")


def needless() -> Cell:
    """Of a scenario that is violated on the cluster as it is."""
    return Cell("as healthy", errors.HELD)


def pointless() -> Cell:
    """The control of a twin that there is not, or of a scenario without a fault that could be left out."""
    return Cell("-", errors.HELD)


def pending() -> Cell:
    return Cell("-", errors.INCONCLUSIVE)


def exit_code(rows: Sequence[Row]) -> int:
    """1: a scenario does not prove itself; 3: it cannot be told of one; 130: interrupted."""
    codes = {one.exit_code for row in rows for one in row.values()}
    if errors.INTERRUPTED in codes:
        return errors.INTERRUPTED
    if errors.VIOLATED in codes:
        return errors.VIOLATED
    return errors.HELD if codes <= {errors.HELD} else errors.INCONCLUSIVE


def table(rows: Mapping[str, Row]) -> str:
    """A line for each scenario, then a sentence for each cell that is not as it must be, then the sum."""
    lines = [("scenario", *WAYS), *((name, *(row[way].words for way in WAYS)) for name, row in rows.items())]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(f"{one:<{width}}" for one, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    proven = sum(all(one.exit_code == errors.HELD for one in row.values()) for row in rows.values())
    return "\n".join([*text, "", *_reasons(rows), f"{proven} of {len(rows)} scenarios proven able to fail"]) + "\n"


def _reasons(rows: Mapping[str, Row]) -> Iterator[str]:
    for name, row in rows.items():
        whys: dict[str, str] = {}
        for way in WAYS:
            if row[way].why:
                whys.setdefault(row[way].why, way)
        yield from (f"{name}, {way}: {why}" for why, way in whys.items())
    if any(one.why for row in rows.values() for one in row.values()):
        yield ""
