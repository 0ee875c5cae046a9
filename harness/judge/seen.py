"""Each fault as it was planned, as it was seen, and what there is to doubt about it."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.clock import to_ns
from harness.cluster import Cluster
from harness.faults import Fault, Sighting
from harness.judge.control import harmed
from harness.judge.doubts import Doubt
from harness.judge.verdict import FaultRecord
from harness.objectives import Objective
from harness.primitives import PodPrimitive
from harness.recording.events import Confirmed, Intent, Resolved
from harness.recording.evidence import Evidence, InForce, Window
from harness.scenario import Scenario
from harness.units import show_s

CUT_SHORT = 0.9  # a fault that was in force for less of its planned length was another experiment


@dataclass(frozen=True, slots=True)
class Seen:
    """``doubts``: why nothing that rests on this fault is held. ``unhealed``: why the cluster may still be broken."""

    record: FaultRecord
    in_force: InForce | None
    doubts: tuple[str, ...]
    unhealed: str | None

    @property
    def witnessed(self) -> bool:
        """It was there, for as long as it was meant to be, and traffic met it."""
        return self.record.seen and self.record.exercised and not self.doubts


def planned(fault: Fault, scenario: Scenario, evidence: Evidence) -> Window:
    """When it should have been in force; where the faults phase never began, by the plan of the phases."""
    phase = evidence.phases.get("faults")
    zero_ns = phase.start_ns if phase else evidence.origin_ns + to_ns(scenario.phases.warmup_s)
    start_ns = zero_ns + to_ns(fault.at_s)
    return Window(start_ns, start_ns + to_ns(fault.for_s))


def see(fault: Fault, scenario: Scenario, evidence: Evidence, cluster: Cluster) -> Seen:
    in_force, plan = evidence.in_force(fault.name), planned(fault, scenario, evidence)
    sighting = Sighting(False, False, "never came into force")
    others: tuple[str, ...] = ()
    if in_force is not None:
        sighting = fault.sighting(evidence, cluster, in_force)
        others = harmed(fault, in_force, scenario, evidence)
    record = FaultRecord(
        name=fault.name,
        kind=fault.kind,
        via=fault.via,
        what=fault.describe(),
        planned_s=(_since_s(evidence, plan.start_ns), _since_s(evidence, plan.end_ns)),
        in_force_s=_since_s(evidence, in_force.window.start_ns) if in_force else None,
        healed_s=_since_s(evidence, in_force.window.end_ns) if in_force and in_force.healed else None,
        seen=sighting.seen,
        exercised=sighting.exercised,
        healed=in_force is not None and in_force.healed,
        unharmed=not others,
        witness=sighting.witness,
    )
    doubts = tuple(_doubts(fault, record, in_force, others, evidence, cluster))
    return Seen(record, in_force, doubts, _unhealed(fault, in_force, evidence))


def fault_doubt(seen: Seen, text: str) -> Doubt:
    """What rests on a fault: what speaks of it, and what speaks of no fault in particular, and so of all."""
    name, was = seen.record.name, seen.record.seen

    def rests(objective: Objective) -> bool:
        return not objective.faults() or name in objective.faults()

    return Doubt(text, rests, always=False, hangs=lambda objective: not was and name in objective.faults())


def _doubts(
    fault: Fault,
    record: FaultRecord,
    in_force: InForce | None,
    others: tuple[str, ...],
    evidence: Evidence,
    cluster: Cluster,
) -> Iterator[str]:
    failed = [event for event in evidence.failed(fault.name) if event.action == "inject"]
    for event in failed:
        yield f"{fault.name} could not be injected on {event.node}: {event.text}"
    if in_force is None:
        if not failed:
            yield f"{fault.name} never came into force"
        return
    if moved := _moved(fault, evidence):
        yield f"{fault.name} may have hit another than it names: {moved}"
    if missing := absent(fault, evidence, cluster):
        yield f"{fault.name} never came into force on {', '.join(missing)}"
    if not record.seen:
        why = [f"; {event.text}" for event in evidence.failed(fault.name)]
        yield f"{fault.name} was never seen: {record.witness}{''.join(why[:1])}"
    elif not record.exercised:
        yield f"{fault.name} was met by no traffic: {record.witness}"
    if not fault.ends_itself and in_force.window.length_s < CUT_SHORT * fault.for_s:
        was, why = show_s(in_force.window.length_s), sorted({event.why for event in evidence.healed(fault.name)})
        yield f"{fault.name} was in force for {was} instead of {show_s(fault.for_s)} (ended by: {', '.join(why)})"
    if others:
        yield f"{fault.name} changed what it does not name: {'; '.join(others)}"


def _moved(fault: Fault, evidence: Evidence) -> str:
    """Why whoever was looked up may no longer have been who it was when the fault came into force; "": it still was."""
    if not any(event.fault == fault.name for event in evidence.of(Resolved)):
        return ""
    confirmed = [event for event in evidence.of(Confirmed) if event.fault == fault.name]
    return confirmed[-1].text if confirmed else "nobody was asked whether it was still so when it came into force"


def absent(fault: Fault, evidence: Evidence, cluster: Cluster) -> list[str]:
    """Where it was meant to be and of which nothing more was heard: pods for what is done to networks, else nodes."""
    pods = {node.name: node.pod for node in cluster.nodes}
    intents = [intent for intent in evidence.of(Intent) if intent.fault == fault.name]
    meant = {
        pods.get(primitive.node, primitive.node) if isinstance(primitive, PodPrimitive) else primitive.node
        for intent in intents
        for primitive in intent.primitives
    }
    fired = {event.node for event in evidence.fired(fault.name)}
    return sorted(meant - fired - {event.node for event in evidence.failed(fault.name)})


def _unhealed(fault: Fault, in_force: InForce | None, evidence: Evidence) -> str | None:
    if in_force is None or in_force.healed:
        return None
    nodes = sorted({e.node for e in evidence.fired(fault.name)} - {e.node for e in evidence.healed(fault.name)})
    why = [f": {e.text}" for e in evidence.failed(fault.name) if e.action == "heal" and e.node in nodes]
    return f"{fault.name} was not seen to be gone from {', '.join(nodes)}{''.join(why[:1])}"


def _since_s(evidence: Evidence, at_ns: int) -> float:
    return round(evidence.since_s(at_ns), 6)
