"""How a figure, a limit, a span of time and an outcome are written: the same words in every renderer."""

import re
from itertools import groupby
from typing import Literal

from harness.errors import INCONCLUSIVE
from harness.judge.verdict import FaultRecord, Phase, Recovery, TrafficRecord, Verdict
from harness.objectives import Finding
from harness.recording.events import Began, Sampled
from harness.units import show_bytes, show_s, show_share

Tone = Literal["good", "bad", "unsure"]

TONES: dict[str, Tone] = {"held": "good", "violated": "bad", "inconclusive": "unsure"}
_SIGNS = {"<=": "≤", ">=": "≥", "==": "="}
# C0 and C1 controls, line separators and the marks that turn text around: what a log line or an answer carries must
# neither move a terminal's cursor nor be illegal in XML.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_PHASES = {"warmup": "warm-up"}


def clean(text: str) -> str:
    """``text`` without characters that control a terminal or that XML forbids; tabs and newlines stay."""
    return _CONTROLS.sub("�", text.replace("\r\n", "\n"))


def line(text: str) -> str:
    """``text`` on one line, clean."""
    return " ".join(clean(text).split())


def number(value: float) -> str:
    """``1204.0`` -> ``1,204``; ``0.12345`` -> ``0.1234``."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"


def rate(per_s: float) -> str:
    """``49.7/s``; ``1,667/s``."""
    return f"{per_s:,.0f}/s" if per_s >= 100 else f"{per_s:.3g}/s"


def figure(value: float, unit: str) -> str:
    """A value in its unit: ``s`` is a duration, ``share`` a part of 1, ``B`` bytes, ``yes or no`` 1 or 0.

    Others stand behind the number.
    """
    if unit == "s":
        return show_s(value)
    if unit == "yes or no":
        return "yes" if value else "no"
    if unit.partition("/")[0] == "B":
        return show_bytes(value) + unit[1:]
    return show_share(value) if unit == "share" else f"{number(value)} {unit}".rstrip()


def measured(finding: Finding) -> str:
    """``1.84 s ± 30 ms``; ``p99 259 ms``; ``no figure`` where there is none."""
    if finding.measured is None:
        return f"{finding.figure} no figure".strip()
    error = f" ± {figure(finding.error, finding.unit)}" if finding.error else ""
    return f"{finding.figure} {figure(finding.measured, finding.unit)}".strip() + error


def limit(bound: str) -> str:
    """``<= 3s`` -> ``≤ 3 s``: the file's own word, with room to read."""
    spaced = re.sub(r"(\d)(%|[a-zA-Z])", r"\1 \2", line(bound))
    return re.sub("<=|>=|==", lambda sign: _SIGNS[sign[0]], spaced)


def phase(name: str) -> str:
    """A phase's name for a person."""
    return _PHASES.get(name, name)


def planned(fault: FaultRecord) -> str:
    """``15.000-35.000 s``, seconds since the warm-up began."""
    return f"{fault.planned_s[0]:.3f}-{fault.planned_s[1]:.3f} s"


def in_force(fault: FaultRecord) -> str:
    """``15.001-35.001 s``; ``never``; or since when, if it never ended."""
    if fault.in_force_s is None:
        return "never"
    return f"{fault.in_force_s:.3f}-" + (f"{fault.healed_s:.3f} s" if fault.healed_s is not None else "? (not healed)")


def doubts(fault: FaultRecord) -> tuple[str, ...]:
    """Everything that keeps this fault from being evidence, worst first; empty: it was there, met, and went away."""
    found = (
        (fault.in_force_s is not None and not fault.healed, "not healed"),
        (not fault.seen, "not seen"),
        (fault.seen and not fault.exercised, "not exercised: no traffic met it"),
        (not fault.unharmed, "other links changed too"),
    )
    return tuple(text for doubtful, text in found if doubtful)


def seen(fault: FaultRecord) -> str:
    """``seen``, or every doubt."""
    return "; ".join(doubts(fault)) or "seen"


def headword(verdict: Verdict) -> str:
    """The first word of everything: HELD, VIOLATED or INCONCLUSIVE, and whether that is what ``expect:`` names."""
    word = verdict.outcome.upper()
    if verdict.as_expected is None or verdict.outcome == "inconclusive":
        return word
    if verdict.as_expected:
        return f"{word} AS EXPECTED"
    return f"{word}, {'PERHAPS' if verdict.exit_code == INCONCLUSIVE else 'NOT'} AS EXPECTED"


def tone(verdict: Verdict) -> Tone:
    """A violation that ``expect:`` names is good, and its absence bad, as the exit code has it."""
    if verdict.as_expected is None or verdict.outcome == "inconclusive":
        return TONES[verdict.outcome]
    return "good" if verdict.as_expected else "bad"


def sentence(verdict: Verdict) -> str:
    """``partition: users lost 7 of 3,000 answers ...``"""
    text = line(verdict.sentence)
    text = text if text.endswith((".", "!", "?")) else f"{text}."
    return text if text.startswith(f"{verdict.scenario}:") else f"{verdict.scenario}: {text}"


def reasons(verdict: Verdict) -> tuple[str, ...]:
    """What the outcome rests on, without what the sentence has said already."""
    return tuple(line(reason) for reason in verdict.reasons if line(reason) != line(verdict.sentence))


def details(finding: Finding) -> str:
    """``detected 0.41 s · restored 1.84 s``"""
    return " · ".join(line(f"{what} {value}") for what, value in finding.details)


def failures(counts: tuple[tuple[str, int], ...]) -> str:
    """`` (timeout 5, 5xx 2)``, or nothing."""
    named = ", ".join(f"{line(what)} {count:,}" for what, count in counts if count)
    return f" ({named})" if named else ""


def traffic(record: TrafficRecord) -> str:
    """One traffic's count in a line."""
    late = record.send_error_p99_s
    sent = " · sent when a user was back: nothing fell due" if record.sent else ""
    if late is not None:
        sent = f" · sent within {show_s(late)} of when it was due (p99)"
    return (
        f"{record.sent:,} sent · {record.ok:,} ok · {record.failed:,} failed{failures(record.failures)}"
        f" · {record.wrong:,} wrong{sent}"
    )


def reached(phase: Phase) -> str:
    """``618 ms ± 22 ms``; ``1.20 s ± 22 ms after the heal``; ``no figure`` where there is none."""
    if phase.after_s is None:
        return "no figure"
    error = f" ± {show_s(phase.error_s)}" if phase.error_s else ""
    return show_s(phase.after_s) + error + (" after the heal" if phase.phase == "repaired" else "")


def scraped(phase: Phase) -> str:
    """The same figure as Prometheus saw it: ``720 ms ± 180 ms``."""
    return f"{show_s(phase.scraped_s or 0.0)} ± {show_s(phase.scraped_error_s or 0.0)}"


def course(sampled: Sampled) -> str:
    """``600 values from 0 to 1``; ``no value in 600 steps``."""
    values = [value for value in sampled.values if value is not None]
    if not values:
        return f"no value in {len(sampled.values):,} steps"
    missing = len(sampled.values) - len(values)
    span = f"{len(values):,} values from {number(min(values))} to {number(max(values))}"
    return f"{span}, none in {missing:,} steps" if missing else span


def phase_names(recovery: Recovery) -> tuple[str, ...]:
    """What each phase is called: one that comes a second time is not what users met, but what the system claimed."""
    names = [one.phase for one in recovery.phases]
    return tuple(f"{name} (claimed)" if name in names[:at] else name for at, name in enumerate(names))


def recovered(recovery: Recovery, *, remarks: bool = True) -> str:
    """``detected 58 ms ± 21 ms · restored 618 ms ± 22 ms``; phases without a figure share the reason they have.

    ``remarks``: what there is to know of a figure stands behind it; without them a ``*`` does.
    """
    parts: list[str] = []
    named = zip(phase_names(recovery), recovery.phases, strict=True)
    for (there, why), phases in groupby(named, key=lambda pair: (pair[1].after_s is not None, line(pair[1].why))):
        said = f" ({why})" if why else ""
        if there:
            remark = said if remarks else " *" if why else ""
            parts += [f"{name} {reached(one)}{remark}" for name, one in phases]
        else:
            parts.append(f"{', '.join(name for name, _ in phases)}: no figure{said}")
    return " · ".join(parts)


def run_again(began: Began, seed: int) -> str:
    """The command for a run that has a record."""
    return again(began.scenario, seed, began.without_faults, began.variables)


def again(scenario: str, seed: int, without_faults: bool = False, variables: tuple[tuple[str, str], ...] = ()) -> str:
    """The command that runs the same thing again. ``scenario``: as it was asked for, such as ``broken/kill``."""
    arguments = [f"--seed {seed}", *["--no-faults"] * without_faults, *(f"--with {n}={v}" for n, v in variables)]
    return f'make chaos SCENARIO={scenario} ARGS="{" ".join(arguments)}"'
