"""The instants that matter, numbered: each with its error and where it was taken from."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.judge.verdict import Verdict
from harness.objectives.restored import Restored
from harness.recording.evidence import Evidence, Window
from harness.report import figures
from harness.scenario import Scenario
from harness.units import show_s

# What a number and its word take, in percent of the width of a phone.
_NUMBER, _WORD = 3.0, 20.0


@dataclass(frozen=True, slots=True)
class Mark:
    """``x`` and the error bar from ``low`` to ``high`` in percent; ``row``: which row its number stands in.

    ``word`` stands beside the number, on its left where ``leftward``.
    """

    number: int
    at_s: float
    error_s: float
    word: str
    text: str
    source: str
    x: float = 0.0
    low: float = 0.0
    high: float = 0.0
    row: int = 0

    @property
    def leftward(self) -> bool:
        return self.x > 100 - _WORD

    @property
    def room(self) -> tuple[float, float]:
        """From where to where number and word stand, in percent."""
        return (self.x - _WORD, self.x + _NUMBER) if self.leftward else (self.x - _NUMBER, self.x + _WORD)

    @property
    def label(self) -> str:
        error = f" ± {show_s(self.error_s)}" if self.error_s else ""
        return f"{self.at_s:.3f} s{error}: {self.text}"


def marks(scenario: Scenario, evidence: Evidence, verdict: Verdict, run: Window) -> tuple[Mark, ...]:
    """In the order of time, numbered from 1, in as many rows as it takes for no number to cover another."""
    found = sorted(
        (*_faults(evidence, verdict), *_restored(scenario, evidence, verdict), *_changes(evidence, run)),
        key=lambda mark: (mark.at_s, mark.text),
    )
    rows: list[list[Mark]] = []
    for number, mark in enumerate(found, start=1):
        x, low, high = (
            round(min(100.0, max(0.0, at_s / run.length_s * 100)), 3)
            for at_s in (mark.at_s, mark.at_s - mark.error_s, mark.at_s + mark.error_s)
        )
        placed = replace(mark, number=number, x=x, low=low, high=high)
        free = (at for at, row in enumerate(rows) if all(_apart(placed, other) for other in row))
        row = next(free, len(rows))
        rows += [[]] if row == len(rows) else []
        rows[row].append(replace(placed, row=row))
    return tuple(sorted((mark for row in rows for mark in row), key=lambda mark: mark.number))


def _apart(one: Mark, other: Mark) -> bool:
    return one.room[0] >= other.room[1] or other.room[0] >= one.room[1]


def _faults(evidence: Evidence, verdict: Verdict) -> Iterator[Mark]:
    for fault in verdict.faults:
        spell = evidence.in_force(fault.name)
        if spell is None:
            continue
        start_s, end_s = evidence.since_s(spell.window.start_ns), evidence.since_s(spell.window.end_ns)
        yield Mark(
            0,
            start_s,
            spell.start_error_s,
            "in force",
            f"{fault.name} in force on every node it acts on",
            f"fault-fired in the journal, {len(evidence.fired(fault.name))} nodes",
        )
        if spell.healed:
            yield Mark(
                0,
                end_s,
                spell.end_error_s,
                "healed",
                f"{fault.name} healed, read back as gone",
                f"fault-healed in the journal, {len(evidence.healed(fault.name))} nodes",
            )


def _restored(scenario: Scenario, evidence: Evidence, verdict: Verdict) -> Iterator[Mark]:
    findings = {finding.objective: finding for finding in verdict.findings}
    drawn = {
        (recovery.fault, recovery.traffic)
        for recovery in verdict.recoveries
        for phase in recovery.phases
        if phase.phase == "restored" and phase.after_s is not None
    }
    for objective in scenario.objectives:
        finding = findings.get(objective.name)
        if not isinstance(objective, Restored) or finding is None or finding.measured is None:
            continue
        if not objective.after.healed and (objective.after.fault, objective.traffic) in drawn:
            continue  # it stands under the fault's own band already
        spell = evidence.spell(objective.after.fault or "")
        if spell is not None:
            from_ns = spell.window.end_ns if objective.after.healed else spell.window.start_ns
            at_s = evidence.since_s(from_ns) + finding.measured
            text = f"{objective.traffic} restored, {figures.measured(finding)} after {objective.after}"
            yield Mark(
                0, at_s, finding.error or 0.0, "restored", text, f"objective {finding.objective}: {finding.source}"
            )


def _changes(evidence: Evidence, run: Window) -> Iterator[Mark]:
    for node in evidence.began.cluster.names() if evidence.began else ():
        for event in evidence.container_changes(node, run):
            if event.action in ("die", "start"):
                word = "died" if event.action == "die" else "started"
                yield Mark(
                    0, evidence.since_s(event.at_ns), 0.0, word, f"{node}'s container {word}", "the engine's events"
                )
