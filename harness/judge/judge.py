"""Scenario and evidence in, verdict out. Pure: no clock, no files, no randomness, figures rounded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec.structs import replace as changed

from harness import errors
from harness.judge.doubts import Doubt, everything, measurement_doubts
from harness.judge.recovery import hit, recoveries
from harness.judge.seen import Seen, fault_doubt, planned, see
from harness.judge.starved import unstarved
from harness.judge.verdict import JUDGE, SCHEMA, Recovery, Timing, TrafficRecord, Verdict
from harness.objectives import Finding, Objective
from harness.objectives import Outcome as Word
from harness.objectives.aftermath import generator_late_s
from harness.objectives.restored import Restored
from harness.operations import Outcome
from harness.recording.events import Ready, TornDown
from harness.recording.evidence import Evidence
from harness.scenario import Scenario
from harness.traffic import Traffic

_ORDER: tuple[Word, ...] = ("held", "inconclusive", "violated")
_EXIT: dict[Word, int] = {"held": errors.HELD, "inconclusive": errors.INCONCLUSIVE, "violated": errors.VIOLATED}


@dataclass(frozen=True, slots=True)
class Case:
    """All there is to decide on. ``unhealed``: why the cluster may still be broken. ``doubts``: those that count."""

    scenario: Scenario
    objectives: tuple[Objective, ...]
    findings: tuple[Finding, ...]
    seen: tuple[Seen, ...]
    traffic: tuple[TrafficRecord, ...]
    doubts: tuple[Doubt, ...]
    unhealed: tuple[str, ...]
    without_faults: bool
    recoveries: tuple[Recovery, ...] = ()


def judge(scenario: Scenario, evidence: Evidence) -> Verdict:
    """What the run comes to. ``RecordingError``: the recording does not even say which run it is."""
    began = evidence.began
    if began is None:
        raise errors.RecordingError("the journal does not say how the run began: nothing can be judged")
    case = _case(scenario, evidence, began.without_faults)
    outcome, as_expected = outcome_of(case), expectation_of(case)
    reasons = _reasons(case, as_expected)
    spells = [seen.in_force for seen in case.seen if seen.in_force]
    ready, torn_down = evidence.of(Ready), evidence.of(TornDown)
    return Verdict(
        schema=SCHEMA,
        judge=JUDGE,
        scenario=scenario.name,
        run=began.run,
        seed=began.seed,
        outcome=outcome,
        exit_code=exit_code_of(case, outcome, as_expected),
        as_expected=as_expected,
        sentence=reasons[0] if reasons else _held(case),
        reasons=reasons,
        findings=case.findings,
        faults=tuple(seen.record for seen in case.seen),
        traffic=case.traffic,
        timing=Timing(
            ready_s=_rounded(ready[0].took_s if ready else None),
            teardown_s=_rounded(torn_down[-1].took_s if torn_down else None),
            in_force_error_s=_rounded(max((spell.start_error_s for spell in spells), default=None)),
            skew_s=_rounded(max((spell.skew_s for spell in spells), default=None)),
        ),
        recoveries=case.recoveries,
    )


def _case(scenario: Scenario, evidence: Evidence, without_faults: bool) -> Case:
    objectives = tuple(o for o in scenario.objectives if o.asked_without_faults or not without_faults)
    evidence = replace(evidence, hit=_hit(scenario, evidence))
    seen: tuple[Seen, ...] = ()
    if without_faults:
        evidence = replace(evidence, placebos={f.name: planned(f, scenario, evidence) for f in scenario.faults})
    elif evidence.began:
        seen = tuple(see(fault, scenario, evidence, evidence.began.cluster) for fault in scenario.faults)
        evidence = replace(evidence, witnessed=frozenset(one.record.name for one in seen if one.witnessed))
    doubts = (
        *measurement_doubts(scenario, evidence),
        *(fault_doubt(one, text) for one in seen for text in one.doubts),
    )
    troubles = (trouble.text for trouble in evidence.troubles() if trouble.kind == "not-healed")
    return Case(
        scenario=scenario,
        objectives=objectives,
        findings=tuple(_doubted(o, unstarved(o, o.measure(evidence), evidence), doubts) for o in objectives),
        seen=seen,
        traffic=tuple(_traffic(traffic, evidence) for traffic in scenario.traffic),
        doubts=tuple(d for d in doubts if d.rests is everything or not d.always or any(map(d.rests, objectives))),
        unhealed=tuple(dict.fromkeys((*(one.unhealed for one in seen if one.unhealed), *troubles))),
        without_faults=without_faults,
        recoveries=() if without_faults else recoveries(scenario, evidence, doubts),
    )


def _hit(scenario: Scenario, evidence: Evidence) -> Mapping[tuple[str, str], frozenset[str]]:
    if evidence.began is None:
        return {}
    cluster = evidence.began.cluster
    pairs = ((fault, traffic) for fault in scenario.faults for traffic in scenario.traffic)
    return {(f.name, t.name): hit(f, t.to, cluster, evidence) for f, t in pairs}


def _doubted(objective: Objective, finding: Finding, doubts: Iterable[Doubt]) -> Finding:
    """The finding as it was measured, or inconclusive for the first doubt it does not stand."""
    for doubt in doubts:
        if doubt.voids(objective, finding):
            return changed(finding, outcome="inconclusive", reason=doubt.text, doubted=True)
    return finding


def worst(outcomes: Iterable[Word]) -> Word:
    """held < inconclusive < violated; of nothing at all nothing is known."""
    return max(outcomes, key=_ORDER.index, default="inconclusive")


def outcome_of(case: Case) -> Word:
    """The worst finding; not better than inconclusive while there is a doubt; not healed overrides all."""
    if case.unhealed:
        return "inconclusive"
    outcomes: Sequence[Word] = [finding.outcome for finding in case.findings]
    return worst([*outcomes, "inconclusive"] if case.doubts else outcomes)


def expectation_of(case: Case) -> bool | None:
    """Whether exactly what ``expect:`` names was violated and nothing is in doubt; None: nothing was expected.

    Of a declared twin: whether all that it names was violated by faults that were seen, whatever else was.
    """
    expected = case.scenario.expected
    if expected is None or case.without_faults:
        return None
    if case.scenario.broken:
        return _violated(case) >= set(expected) and not case.unhealed and not any(one.doubts for one in case.seen)
    return _violated(case) == set(expected) and not case.unhealed and not _unclear(case)


def exit_code_of(case: Case, outcome: Word, as_expected: bool | None) -> int:
    if as_expected:
        return errors.HELD
    if as_expected is None or case.unhealed:
        return _EXIT[outcome]
    # Not as expected: harm that nobody expected is a violation, and so is its absence where nothing is in doubt.
    if _violated(case) - set(case.scenario.expected or ()) and not case.scenario.broken:
        return errors.VIOLATED
    return errors.INCONCLUSIVE if _unclear(case) else errors.VIOLATED


def _unclear(case: Case) -> bool:
    """Whether it cannot be told if it is as expected: of a declared twin only what it names counts."""
    asked = set(case.scenario.expected or ()) if case.scenario.broken else {f.objective for f in case.findings}
    unclear = any(f.outcome == "inconclusive" for f in case.findings if f.objective in asked)
    return unclear or any(one.doubts for one in case.seen)


def _violated(case: Case) -> set[str]:
    return {finding.objective for finding in case.findings if finding.outcome == "violated"}


def _reasons(case: Case, as_expected: bool | None) -> tuple[str, ...]:
    """What the outcome rests on, most important first; empty where everything simply held."""
    broken = [(o, f) for o, f in zip(case.objectives, case.findings, strict=True) if f.outcome == "violated"]
    broken.sort(key=lambda pair: not isinstance(pair[0], Restored))  # how long it took says most; the sort is stable
    harm = [f"{finding.reason}; {finding.objective} must be {finding.bound}" for _, finding in broken]
    doubts = [doubt.text for doubt in case.doubts]
    found = [
        *(f"{text}: no figure counts" for text in case.unhealed),
        *((*_surprise(case), *doubts) if as_expected is False else ()),
        *harm,
        *doubts,
        *(finding.reason for finding in case.findings if finding.outcome == "inconclusive"),
    ]
    if not case.findings:
        found.append("nothing was asked of this run: it has no objective")
    return tuple(dict.fromkeys(found))


def _surprise(case: Case) -> Iterable[str]:
    expected, violated = set(case.scenario.expected or ()), _violated(case)
    held = {finding.objective for finding in case.findings if finding.outcome == "held"}
    if missing := sorted(expected & held):
        yield f"{', '.join(missing)} should have been broken and {'was' if len(missing) == 1 else 'were'} not"
    if extra := sorted(violated - expected) if not case.scenario.broken else []:
        yield f"{', '.join(extra)} should not have been broken and {'was' if len(extra) == 1 else 'were'}"


def _held(case: Case) -> str:
    """For a manager: what users lost, and how long it took."""
    of_users = {traffic.name for traffic in case.scenario.traffic if traffic.of_users}
    asked = sum(record.sent for record in case.traffic if record.name in of_users)
    lost = asked - sum(record.ok for record in case.traffic if record.name in of_users)
    parts = [f"users lost {f'{lost:,}' if lost else 'none'} of {asked:,} answers"] if asked else []
    if case.without_faults:
        return "; ".join([*parts, "no fault was injected"])
    restored = [(o, f) for o, f in zip(case.objectives, case.findings, strict=True) if isinstance(o, Restored)]
    if restored:
        objective, finding = max(restored, key=lambda pair: pair[1].measured or 0.0)
        what = [one.record.what for one in case.seen if one.record.name == objective.after.fault]
        parts.append(": ".join([finding.reason, *what]))
    return "; ".join(parts) or "every bound was met"


def _traffic(traffic: Traffic, evidence: Evidence) -> TrafficRecord:
    name = traffic.name
    operations = evidence.of_traffic(name)
    counts = operations.counts()
    ok, wrong = counts[Outcome.OK], counts[Outcome.WRONG]
    failures = {outcome: n for outcome, n in counts.items() if outcome not in (Outcome.OK, Outcome.WRONG)}
    named = sorted(failures.items(), key=lambda item: (-item[1], item[0]))
    return TrafficRecord(
        name=name,
        sent=len(operations) - counts[Outcome.CAPPED],
        ok=ok,
        failed=len(operations) - ok - wrong,
        wrong=wrong,
        failures=tuple((outcome.name.lower().replace("_", "-"), n) for outcome, n in named),
        # Of users who come back when they were answered none can be late: there is no time to be late for.
        send_error_p99_s=None if traffic.closed else _rounded(generator_late_s(evidence, name)),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
