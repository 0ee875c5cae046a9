"""How each traffic came through each fault: the phases of its recovery, each with its bound, or why it has none."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from harness.clock import to_ns
from harness.cluster import Cluster
from harness.faults import Fault
from harness.judge.doubts import Doubt
from harness.judge.verdict import Phase, PhaseName, Recovery
from harness.objectives import Bound, Moment
from harness.objectives.aftermath import Milestone, start_of
from harness.objectives.claimed import Claimed
from harness.objectives.restored import HOLD_S, Detected, FailedOver, OfTraffic, Repaired, Restored
from harness.objectives.until import Until
from harness.recording.evidence import Evidence
from harness.scenario import Scenario
from harness.targets import pending
from harness.units import show_planned_s

_NO_BOUND = Bound("<=", float("inf"), "")


@dataclass(frozen=True, slots=True)
class _Step:
    phase: PhaseName
    objective: Until
    source: str


def hit(fault: Fault, to: str, cluster: Cluster, evidence: Evidence) -> frozenset[str]:
    """The nodes that a fault hits, as the traffic to the node ``to`` sees it.

    Of a fault on links it is whoever ``to`` cannot reach as before; of any other, whose process or pod it is done to.
    Where ``to`` is a role its nodes are asked themselves: hit are those that are apart from most others of them.
    """
    if pending(fault):  # nobody could be told when it was due, and so nobody was hit
        return frozenset()
    pairs = fault.touches(cluster)
    if cluster.has(to):
        entry = cluster.pod_of(to)
        ends = {one for pair in pairs if entry in pair for one in pair if one != entry}
    else:
        ends = _apart(pairs, [cluster.pod_of(name) for name in cluster.of_role(to)])
    fired = set() if pairs else {event.node for event in evidence.fired(fault.name)}
    pods = ends | fired | fault.shakes(cluster)
    stopped = fault.stops(cluster)
    return frozenset(node.name for node in cluster.nodes if node.name in stopped | fired or node.pod in pods)


def _apart(pairs: Collection[tuple[str, str]], among: Sequence[str]) -> set[str]:
    """Of these pods those that have such a pair with more than half of the others."""
    met = {one: {other for other in among if {(one, other), (other, one)} & set(pairs)} for one in among}
    return {one for one, others in met.items() if 2 * len(others) > len(among) - 1}


def recoveries(scenario: Scenario, evidence: Evidence, doubts: Sequence[Doubt]) -> tuple[Recovery, ...]:
    """By fault and traffic, in the order of the file: of users', and of looks that an objective is about.

    ``evidence`` knows whom each fault hit.
    """
    asked = {one.traffic for one in scenario.objectives if isinstance(one, OfTraffic)}
    return tuple(
        Recovery(
            fault=fault.name,
            traffic=traffic.name,
            phases=tuple(_phase(step, scenario, evidence, doubts) for step in _steps(fault, traffic.name, scenario)),
        )
        for fault in scenario.faults
        for traffic in scenario.traffic
        if traffic.of_users or traffic.name in asked
    )


def _steps(fault: Fault, traffic: str, scenario: Scenario) -> Iterator[_Step]:
    begin, end = Moment(fault.name, False), Moment(fault.name, True)
    well = _well(scenario, traffic, begin)
    yield _Step(
        "detected",
        Detected(name="", traffic=traffic, after=begin, bound=_NO_BOUND),
        f"the first operation of {traffic} that failed or was late",
    )
    yield from _claims("detected", begin, scenario)
    yield _Step(
        "failed over",
        FailedOver(name="", traffic=traffic, after=begin, bound=_NO_BOUND),
        f"the first good answer of {traffic} by a node that was not hit",
    )
    yield _Step("restored", well, f"the first {show_planned_s(well.hold_s)} in which {traffic} was well")
    yield _Step(
        "repaired",
        Repaired(name="", traffic=traffic, after=end, bound=_NO_BOUND),
        f"the answers of {traffic}, by the node that gave them",
    )
    yield from _claims("repaired", end, scenario)


def _claims(phase: PhaseName, moment: Moment, scenario: Scenario) -> Iterator[_Step]:
    """What the system itself said, where the scenario knows how it says so."""
    for one in scenario.objectives:
        if isinstance(one, Claimed) and one.after == moment:
            yield _Step(phase, one, f"what the system said itself: {one.source}")


def _well(scenario: Scenario, traffic: str, after: Moment) -> Restored:
    """What well means, as the scenario's own objectives have it: of this fault, else of its end, else the default."""
    asked = [one for one in scenario.objectives if isinstance(one, Restored) and one.traffic == traffic]
    own = [one for moment in (after, Moment(after.fault, True)) for one in asked if one.after == moment]
    hold_s, well_s = (own[0].hold_s, own[0].well_s) if own else (HOLD_S, None)
    return Restored(name="", traffic=traffic, after=after, hold_s=hold_s, well_s=well_s, bound=_NO_BOUND)


def _phase(step: _Step, scenario: Scenario, evidence: Evidence, doubts: Sequence[Doubt]) -> Phase:
    reached = step.objective.reach(evidence)
    doubted = [doubt for doubt in doubts if doubt.rests(step.objective)]
    spoilt = next((doubt.text for doubt in doubted if doubt.always), None)
    if reached.after_s is None or spoilt:
        return Phase(step.phase, None, None, step.source, spoilt or reached.why)
    other = step.objective.contradicted(evidence)
    doubtful = (other or "", *(doubt.text for doubt in doubted))
    known = (reached.why, *doubtful, *_meanwhile(step.objective, reached, scenario, evidence))
    scraped = step.objective.as_prometheus_saw(evidence)
    return Phase(
        step.phase,
        round(reached.after_s, 6),
        round(reached.error_s or 0.0, 6),
        step.source,
        "; ".join(dict.fromkeys(text for text in known if text)),
        None if scraped.after_s is None else round(scraped.after_s, 6),
        None if scraped.error_s is None else round(scraped.error_s, 6),
    )


def _meanwhile(objective: Until, reached: Milestone, scenario: Scenario, evidence: Evidence) -> Iterator[str]:
    """Other faults in force between the moment and the milestone: the figure may be theirs."""
    start = start_of(evidence, objective.after)
    if isinstance(start, str):
        return
    until_ns = start.begin_ns + to_ns(reached.after_s or 0.0)
    spells = {
        fault.name: evidence.spell(fault.name) for fault in scenario.faults if fault.name != objective.after.fault
    }
    others = [
        name
        for name, spell in spells.items()
        if spell and spell.window.start_ns <= until_ns and start.begin_ns < spell.window.end_ns
    ]
    if others:
        yield f"{', '.join(others)} {'was' if len(others) == 1 else 'were'} in force meanwhile"
