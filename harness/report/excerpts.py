"""What the containers said: the lines around each fault's beginning and end, and the last ones."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from harness.recording.events import FaultFired
from harness.recording.evidence import Evidence
from harness.report import figures
from harness.report.wall import origin

LINES_MAX = 40
_COLUMNS_MAX = 400
_BEFORE_S, _AFTER_S = 1.0, 4.0
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d*Z ")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """``title``: which part of the log; ``text``: its lines, stamped with seconds since the warm-up began."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Log:
    name: str
    lines: int
    excerpts: tuple[Excerpt, ...]


@dataclass(frozen=True, slots=True)
class _Clock:
    """``zero``: the warm-up's beginning on the wall clock, UTC, by which the engine stamps logs."""

    zero: datetime

    def stamp(self, at_s: float) -> str:
        return f"{self.zero + timedelta(seconds=at_s):%Y-%m-%dT%H:%M:%S.%f}"

    def since_s(self, line: str) -> float | None:
        found = _STAMP.match(line)
        return (datetime.fromisoformat(f"{found[1]}+00:00") - self.zero).total_seconds() if found else None


def logs(texts: Mapping[str, str], evidence: Evidence) -> tuple[Log, ...]:
    """Every container's log in excerpts, by name."""
    zero = origin(evidence)
    clock = _Clock(zero) if zero else None
    return tuple(_log(name, text.splitlines(), clock, evidence) for name, text in sorted(texts.items()))


def _log(name: str, lines: list[str], clock: _Clock | None, evidence: Evidence) -> Log:
    stamped = clock is not None and bool(lines) and _STAMP.match(lines[0]) is not None
    around = tuple(_around(lines, clock, evidence)) if clock and stamped else ()
    return Log(name, len(lines), (*around, _excerpt("the last lines", lines[-LINES_MAX:], len(lines), clock)))


def _around(lines: list[str], clock: _Clock, evidence: Evidence) -> Iterator[Excerpt]:
    for fault in dict.fromkeys(event.fault for event in evidence.of(FaultFired)):
        spell = evidence.in_force(fault)
        if spell is None:
            continue
        for word, at_ns in (("in force", spell.window.start_ns), ("healed", spell.window.end_ns)):
            at_s = evidence.since_s(at_ns)
            first = bisect_left(lines, clock.stamp(at_s - _BEFORE_S))
            found = lines[first : bisect_left(lines, clock.stamp(at_s + _AFTER_S), lo=first)]
            if found:
                title = f"from {_BEFORE_S:g} s before to {_AFTER_S:g} s after {fault} was {word} at {at_s:.1f} s"
                yield _excerpt(title, found[:LINES_MAX], len(found), clock)


def _excerpt(title: str, lines: list[str], whole: int, clock: _Clock | None) -> Excerpt:
    left = f" ({whole - len(lines):,} more lines in the record)" if whole > len(lines) else ""
    return Excerpt(f"{title}{left}", "\n".join(_shown(line, clock) for line in lines))


def _shown(line: str, clock: _Clock | None) -> str:
    at_s = clock.since_s(line) if clock else None
    text = line if at_s is None else f"{at_s:9.3f} s  {line[line.index(' ') + 1 :]}"
    return figures.clean(text[:_COLUMNS_MAX]) + (" …" if len(text) > _COLUMNS_MAX else "")
