"""Ready, not ready, or cannot tell: what a suite's runs and the waivers say of a release. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import msgspec

from harness import __version__, errors
from harness.judge.verdict import Verdict
from harness.objectives import Finding
from harness.report import figures
from harness.signoff.record import Played, Row, SuiteRecord
from harness.signoff.waivers import Waiver

SCHEMA = 1
CONFIDENCE = 0.95

Answer = Literal["ready", "not ready", "cannot tell"]
Kind = Literal["harm", "doubt", "waived"]
EXIT: Mapping[Answer, int] = {
    "ready": errors.HELD,
    "not ready": errors.VIOLATED,
    "cannot tell": errors.INCONCLUSIVE,
}


class Reason(msgspec.Struct, frozen=True):
    """``kind``: what it makes of the release; what is waived makes nothing of it, and is said all the same."""

    kind: Kind
    label: str
    text: str


class Waived(msgspec.Struct, frozen=True):
    """A waiver and what became of it."""

    scenario: str
    objective: str
    who: str
    why: str
    until: date
    use: Literal["used", "expired", "not needed"]


class Result(msgspec.Struct, frozen=True):
    """One row of the suite. ``good``: runs that came out as they should, of ``runs``, of ``repeats`` that were wanted.

    ``proves``: the share of runs that may be expected to, at least; None where one run, or none, proves no share.
    """

    label: str
    words: str
    good: int
    runs: int
    repeats: int
    proves: float | None


class Release(msgspec.Struct, frozen=True):
    """``release.json``. ``harness``, ``judge``: what decided it. ``made``: the day, UTC, whose waivers count.

    ``folder``: of the suite, in the bundle.
    """

    schema: int
    release: str
    made: date
    harness: str
    judge: str
    suite: str
    folder: str
    answer: Answer
    sentence: str
    reasons: tuple[Reason, ...]
    results: tuple[Result, ...]
    waivers: tuple[Waived, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """All there is to decide on. ``folder``: of the suite, in the bundle. ``verdicts``: by the name of the run."""

    release: str
    made: date
    folder: str
    record: SuiteRecord
    verdicts: Mapping[str, Verdict]
    waivers: tuple[Waiver, ...]


def decide(case: Case, judge: str) -> Release:
    """Harm that nobody accepted: not ready. Else anything that was not seen for sure: cannot tell. Else ready.

    ``judge``: the version of the judge that made the verdicts.
    """
    valid = {(one.scenario, one.objective): one for one in case.waivers if one.until >= case.made}
    reasons = tuple(_merged(reason for row in case.record.rows for reason in _row(row, case.verdicts, valid)))
    if not case.record.ended or not case.record.rows:
        reasons = (*reasons, Reason("doubt", case.record.suite, "the suite was not played to its end."))
    kinds = {reason.kind for reason in reasons}
    answer: Answer = "not ready" if "harm" in kinds else "cannot tell" if "doubt" in kinds else "ready"
    order: Sequence[Kind] = ("harm", "doubt", "waived")
    return Release(
        schema=SCHEMA,
        release=case.release,
        made=case.made,
        harness=__version__,
        judge=judge,
        suite=case.record.suite,
        folder=case.folder,
        answer=answer,
        sentence=_sentence(case.release, reasons, len(case.record.rows)),
        reasons=tuple(sorted(reasons, key=lambda reason: order.index(reason.kind))),
        results=tuple(map(_result, case.record.rows)),
        waivers=tuple(_used(one, case) for one in case.waivers),
    )


def _row(row: Row, verdicts: Mapping[str, Verdict], valid: Mapping[tuple[str, str], Waiver]) -> Iterator[Reason]:
    if row.skip:
        yield Reason("doubt", row.label, f"was skipped: {row.skip}")
        return
    for one in row.played:
        verdict = verdicts.get(one.run) if one.run else None
        if one.run is None:
            yield Reason("doubt", row.label, f"{one.headword.lower()}: {one.sentence}")
        elif verdict is None:
            yield Reason("doubt", row.label, "a run of it has no verdict.")
        else:
            yield from _run(row, one, verdict, valid)
    if len(row.played) < row.repeats and not any(one.outcome == "skipped" for one in row.played):
        yield Reason("doubt", row.label, f"was played {len(row.played)} of {row.repeats} times.")


def _run(row: Row, one: Played, verdict: Verdict, valid: Mapping[tuple[str, str], Waiver]) -> Iterator[Reason]:
    if one.exit_code == errors.INTERRUPTED:
        yield Reason("doubt", row.label, "a run of it was interrupted.")
    if verdict.as_expected is not None:
        if not verdict.as_expected:
            kind: Kind = "harm" if verdict.exit_code == errors.VIOLATED else "doubt"
            yield Reason(kind, row.label, f"is not broken as its file expects: {_line(verdict.sentence)}")
        return
    for finding in verdict.findings:
        if finding.outcome == "violated":
            waiver = valid.get((row.scenario, finding.objective))
            said = f"{finding.objective}: {_violated(finding)}"
            if waiver:
                yield Reason("waived", row.label, f"{said} Accepted by {figures.line(waiver.who)}.")
            else:
                yield Reason("harm", row.label, said)
    doubts = _doubts(verdict)
    yield from (Reason("doubt", row.label, f"{', '.join(names)}: {text}") for text, names in doubts.items())
    if verdict.outcome == "inconclusive" and (said := _line(verdict.sentence)) not in doubts:
        yield Reason("doubt", row.label, said)


def _doubts(verdict: Verdict) -> Mapping[str, Sequence[str]]:
    """What was not seen for sure, and the names of the objectives and faults that it is said of."""
    found: dict[str, list[str]] = {}
    for finding in verdict.findings:
        if finding.outcome == "inconclusive":
            found.setdefault(_line(finding.reason), []).append(finding.objective)
    for fault in verdict.faults:
        if doubts := figures.doubts(fault):
            found.setdefault(_line("; ".join(doubts)), []).append(fault.name)
    return found


def _violated(finding: Finding) -> str:
    if finding.measured is None:
        return _line(finding.reason or "it has no figure")
    return f"{figures.measured(finding)}, and the limit is {figures.limit(finding.bound)}."


def _line(text: str) -> str:
    text = figures.line(text)
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _merged(reasons: Iterable[Reason]) -> Iterator[Reason]:
    """Each once; what several runs say in the same words says how many do."""
    counts: dict[Reason, int] = {}
    for reason in reasons:
        counts[reason] = counts.get(reason, 0) + 1
    for reason, count in counts.items():
        yield reason if count == 1 else Reason(reason.kind, reason.label, f"{reason.text} (in {count} runs)")


def _sentence(release: str, reasons: Sequence[Reason], rows: int) -> str:
    """For whoever signs."""
    harmed = len({reason.label for reason in reasons if reason.kind == "harm"})
    unclear = len({reason.label for reason in reasons if reason.kind == "doubt"})
    waived = sum(reason.kind == "waived" for reason in reasons)
    of = f"of {rows} scenarios"
    if harmed:
        also = f", and of {unclear} it cannot be told" if unclear else ""
        return f"{release} is not ready: {harmed} {of} broke what nobody accepted{also}."
    if unclear:
        return f"Whether {release} is ready cannot be told: {unclear} {of} did not show it."
    accepted = f"; {waived} violation{'s are' if waived != 1 else ' is'} accepted by a waiver" if waived else ""
    return f"{release} is ready: all {rows} scenarios came out as they should{accepted}."


def _result(row: Row) -> Result:
    runs = sum(one.run is not None for one in row.played)
    told = row.telling
    return Result(
        label=row.label,
        words=told.headword if told else "NOT PLAYED",
        good=row.good,
        runs=runs,
        repeats=row.repeats,
        proves=_proves(row.good, runs) if runs > 1 and row.good else None,
    )


def _proves(good: int, runs: int) -> float:
    """The lower end of the Clopper-Pearson interval of the pass rate, rounded down to a whole per cent."""
    from harness.series.intervals import pass_rate  # loads scipy, which takes its time

    return int(pass_rate(good, runs, CONFIDENCE).low * 100 + 1e-9) / 100


def _used(waiver: Waiver, case: Case) -> Waived:
    found = {
        (row.scenario, finding.objective)
        for row in case.record.rows
        for one in row.played
        if one.run and (verdict := case.verdicts.get(one.run)) and verdict.as_expected is None
        for finding in verdict.findings
        if finding.outcome == "violated"
    }
    use: Literal["used", "expired", "not needed"] = "used"
    if (waiver.scenario, waiver.objective) not in found:
        use = "not needed"
    if waiver.until < case.made:
        use = "expired"
    return Waived(waiver.scenario, waiver.objective, waiver.who, waiver.why, waiver.until, use)


def decode(data: bytes) -> Release:
    """Raises ``msgspec.MsgspecError``."""
    return msgspec.json.decode(data, type=Release)


def encode(release: Release) -> bytes:
    return msgspec.json.format(msgspec.json.encode(release), indent=2) + b"\n"
