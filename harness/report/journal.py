"""The journal of a run for a person: every event that is not a reading, a line each, on the run's own axis."""

import msgspec

from harness.recording.events import AnyEvent, ClockSeen, Counted, Read, Sampled, Shared, Used, UseUnseen
from harness.recording.evidence import Evidence
from harness.report import figures

LINES_MAX = 400
_COLUMNS_MAX = 300
# By the hundred, and each stands in a figure already.
_READINGS = (ClockSeen, Counted, Read, Sampled, Shared, Used, UseUnseen)


def journal(evidence: Evidence) -> str:
    """Seconds since the warm-up began, what happened, and what is written of it; the middle is left out if too long."""
    told = [event for event in evidence.events if not isinstance(event, _READINGS)]
    lines = [_line(event, evidence) for event in told]
    if len(lines) > LINES_MAX:
        left = f"{'…':>11}  {len(lines) - LINES_MAX:,} more lines in the record"
        lines = [*lines[: LINES_MAX // 2], left, *lines[-LINES_MAX // 2 :]]
    return "\n".join(lines)


def _line(event: AnyEvent, evidence: Evidence) -> str:
    fields = msgspec.to_builtins(event)
    parts = [f"{name}={_value(value)}" for name, value in fields.items() if name not in ("is", "at_ns")]
    said = figures.line(f"{fields['is']}  {' '.join(parts)}")
    cut = f"{said[:_COLUMNS_MAX]} …" if len(said) > _COLUMNS_MAX else said
    return f"{evidence.since_s(event.at_ns):9.3f} s  {cut}"


def _value(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
