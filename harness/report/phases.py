"""The phases of each recovery on the picture's axis: a tick with its whiskers, its name and its figure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.judge.verdict import FaultRecord, Phase, Recovery, Verdict
from harness.recording.evidence import Window
from harness.report import figures

# What one character of a label and the gap before it take, in percent of the width of a phone.
_CHARACTER, _GAP = 1.7, 3.0
_APART = 1.0  # between a label and the next tick


@dataclass(frozen=True, slots=True)
class Step:
    """One phase that was reached. ``x``, and the whiskers from ``low`` to ``high``, in percent; ``row`` from 0.

    ``number`` leads to its row in the table of all phases; ``label`` stands on the right of the tick, or on its left
    where ``leftward``, and ends with a ``*`` where there is more to know of the figure.
    """

    number: int
    fault: str
    traffic: str
    x: float
    low: float
    high: float
    label: str
    about: str
    row: int = 0

    @property
    def leftward(self) -> bool:
        return self.x + self._width > 100

    @property
    def room(self) -> tuple[float, float]:
        """From where to where tick, whiskers and label stand, in percent."""
        label = (self.x - self._width, self.x) if self.leftward else (self.x, self.x + self._width)
        return min(label[0], self.low) - _APART, max(label[1], self.high) + _APART

    @property
    def _width(self) -> float:
        return _GAP + len(self.label) * _CHARACTER


@dataclass(frozen=True, slots=True)
class Line:
    """One phase in the table: ``number`` from 1 through the whole page."""

    number: int
    name: str
    phase: Phase


@dataclass(frozen=True, slots=True)
class Told:
    """One recovery in the table."""

    recovery: Recovery
    lines: tuple[Line, ...]


def told(verdict: Verdict) -> tuple[Told, ...]:
    """Every recovery with its phases, numbered through."""
    found: list[Told] = []
    number = 0
    for recovery in verdict.recoveries:
        named = zip(figures.phase_names(recovery), recovery.phases, strict=True)
        found.append(Told(recovery, tuple(Line(number + at, *pair) for at, pair in enumerate(named, start=1))))
        number += len(recovery.phases)
    return tuple(found)


def steps(verdict: Verdict, run: Window) -> tuple[Step, ...]:
    """Every phase that was reached, in rows by fault, so that nothing covers anything on a phone."""
    faults = {fault.name: fault for fault in verdict.faults}
    several = len({recovery.traffic for recovery in verdict.recoveries}) > 1
    rows: dict[str, list[list[Step]]] = {}
    for one in told(verdict):
        fault = faults.get(one.recovery.fault)
        for step in _placed(one, fault, run, several) if fault else ():
            below = rows.setdefault(step.fault, [])
            free = (at for at, row in enumerate(below) if all(_apart(step, other) for other in row))
            row = next(free, len(below))
            below += [[]] if row == len(below) else []
            below[row].append(replace(step, row=row))
    found = (step for below in rows.values() for row in below for step in row)
    return tuple(sorted(found, key=lambda step: step.number))


def _placed(one: Told, fault: FaultRecord, run: Window, several: bool) -> Iterator[Step]:
    for line in one.lines:
        phase = line.phase
        from_s = fault.healed_s if phase.phase == "repaired" else fault.in_force_s
        if phase.after_s is None or from_s is None:
            continue
        at_s, error_s = from_s + phase.after_s, phase.error_s or 0.0
        x, low, high = (
            round(min(100.0, max(0.0, seen_s / run.length_s * 100)), 3)
            for seen_s in (at_s, at_s - error_s, at_s + error_s)
        )
        named = figures.line(f"{one.recovery.traffic} {line.name}" if several else line.name)
        about = f"{one.recovery.fault}, {one.recovery.traffic}: {line.name} {figures.reached(phase)}"
        yield Step(
            number=line.number,
            fault=one.recovery.fault,
            traffic=one.recovery.traffic,
            x=x,
            low=low,
            high=high,
            label=f"{named} {figures.figure(phase.after_s, 's')}{' *' if phase.why else ''}",
            about=figures.line(f"{about} ({phase.source}), at {at_s:.3f} s{': ' if phase.why else ''}{phase.why}"),
        )


def _apart(one: Step, other: Step) -> bool:
    return one.room[0] >= other.room[1] or other.room[0] >= one.room[1]
