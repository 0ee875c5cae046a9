"""What spoils a measurement: the reasons for which a finding cannot be taken at its word."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.objectives import Finding, Objective
from harness.objectives.aftermath import generator_late_s
from harness.objectives.courses import unseen
from harness.operations import Outcome
from harness.recording.events import FaultFired, LoadEnded, Trouble
from harness.recording.evidence import WALL, Evidence, Window
from harness.scenario import Phases, Scenario
from harness.stats import ended as ended_like
from harness.stats import succeeded
from harness.traffic import Traffic
from harness.units import show_s, show_share

# A generator later than this (or than half the gap between operations) did not put on the load that was asked for.
# Below it lateness is part of each figure's error: latency counts from the due time, so that it only ever adds.
LATE_S = 0.100
BASELINE = 0.99  # a warm-up with less success than this is no baseline
SENT = 0.95  # of the operations that should have fallen due
SCRAPED = 0.95  # of the scrapes that were due
UNSEEN_S = 1.0  # four scrapes in a row of one target
CLOCK_S = 0.005  # what a pod's clock may be unsure or may have moved
WALL_S = 0.250  # what the wall clock may have moved: one scrape


@dataclass(frozen=True, slots=True)
class Doubt:
    """``rests``: whether a finding of that objective rests on what is doubted.

    ``always``: not even a violation stands. False: harm that was seen stays harm, but nothing is held; unless the
    finding ``hangs`` on what is doubted: of a fault that never was, neither its harm nor its absence says anything.
    """

    text: str
    rests: Callable[[Objective], bool]
    always: bool = True
    hangs: Callable[[Objective], bool] = lambda objective: False

    def voids(self, objective: Objective, finding: Finding) -> bool:
        """Whether that finding cannot be taken at its word."""
        undone = self.always or finding.outcome == "held" or self.hangs(objective)
        return undone and self.rests(objective)


def everything(objective: Objective) -> bool:
    return True


def _prometheus(objective: Objective) -> bool:
    return objective.by_prometheus


def _course(objective: Objective) -> bool:
    return bool(objective.courses()) and objective.by_prometheus


def _alone(one: Objective) -> Callable[[Objective], bool]:
    return lambda objective: objective is one


def _any_traffic(objective: Objective) -> bool:
    return objective.traffic_name is not None


def _one_traffic(name: str) -> Callable[[Objective], bool]:
    return lambda objective: objective.traffic_name == name


def measurement_doubts(scenario: Scenario, evidence: Evidence) -> Iterator[Doubt]:
    """Everything that makes the measurement itself invalid, whatever the faults did; most important first."""
    yield from _troubles(scenario, evidence)
    yield from _unfinished(evidence)
    yield from _clock_doubts(evidence)
    for traffic in scenario.traffic:
        for text in _traffic_doubts(traffic, scenario.phases, evidence):
            yield Doubt(text, _one_traffic(traffic.name))
    for text in _scrape_doubts(evidence):
        yield Doubt(text, _prometheus)
    for text in _course_doubts(evidence):
        yield Doubt(text, _course)
    for objective in scenario.objectives:
        if other := objective.contradicted(evidence):
            yield Doubt(other, _alone(objective))


def _unfinished(evidence: Evidence) -> Iterator[Doubt]:
    """A figure over half a window is not the figure: what went well may go wrong yet, and the other way round."""
    ended = evidence.ended
    if ended is None:
        yield Doubt("the recording has no end: the run was cut off", everything)
    elif ended.how != "finished":
        how = "failed" if ended.how == "failed" else f"was {ended.how}"
        yield Doubt(f"the run {how} before its end", everything)


def _troubles(scenario: Scenario, evidence: Evidence) -> Iterator[Doubt]:
    """A node that dies before any fault was no part of the experiment; one that dies later may be its finding."""
    fired_ns = min((event.before_ns for event in evidence.of(FaultFired)), default=None)
    for trouble in evidence.of(Trouble):
        if any(objective.tells(trouble, evidence) for objective in scenario.objectives):
            continue
        match trouble.kind:
            case "agent-lost" | "proxy-lost":
                yield Doubt(trouble.text, everything)
            case "client-lost":
                yield Doubt(trouble.text, _any_traffic)
            case "prometheus-lost":
                yield Doubt(trouble.text, _prometheus)
            case "node-died":
                yield Doubt(trouble.text, everything, always=fired_ns is None or trouble.at_ns < fired_ns)
            case "interrupted" | "stopped" | "other":
                yield Doubt(trouble.text, everything, always=trouble.kind != "other")
            case "not-healed":
                pass  # it overrides every finding, see judge()


def _clock_doubts(evidence: Evidence) -> Iterator[Doubt]:
    clocks = evidence.clocks()
    if not set(clocks) - {WALL}:
        yield Doubt("no pod's clock was compared with ours, so instants cannot be put in order", everything)
    for node, looks in clocks.items():
        first, last = looks[0], looks[-1]
        unsure_s = min(look.error_ns for look in looks) / 1e9
        moved_s = (abs(last.offset_ns - first.offset_ns) - first.error_ns - last.error_ns) / 1e9
        if unsure_s > CLOCK_S:
            text = f"the clock of {node} is known to {show_s(unsure_s)} only (at most {show_s(CLOCK_S)})"
            yield Doubt(text, everything)
        # Only Prometheus goes by the wall clock, which is slewed all the time: a step counts, a drift does not.
        if moved_s > (WALL_S if node == WALL else CLOCK_S):
            text = f"the clock of {node} moved against ours by at least {show_s(moved_s)} during the run"
            yield Doubt(text, _prometheus if node == WALL else everything)


def _traffic_doubts(traffic: Traffic, planned: Phases, evidence: Evidence) -> Iterator[str]:
    name, operations = traffic.name, evidence.of_traffic(traffic.name)
    seen_s = evidence.phases["all"].length_s if evidence.phases else 0.0
    due = traffic.due(planned.warmup_s, planned.faults_s, seen_s)
    if due is not None and len(operations) < SENT * due:
        yield f"{name}: {len(operations):,} operations were recorded; {due:,.0f} should have fallen due"
    capped = ended_like(operations, Outcome.CAPPED)
    if capped:
        yield f"{name}: {capped:,} operations were never sent: {traffic.in_flight_max:,} were in flight already"
    most = traffic.history_max()
    if most is not None and len(operations) - capped >= most:
        yield f"{name}: the load ended early, after the {most:,} operations that a history may have"
    ended = next((event for event in evidence.of(LoadEnded) if event.traffic == name), None)
    if ended is None:
        yield f"{name}: the load generator never said that it was done"
    elif len(operations) - capped < ended.sent:
        yield f"{name}: {ended.sent:,} operations were sent and only {len(operations) - capped:,} recorded"
    late_s, allowed_s = generator_late_s(evidence, name), max(LATE_S, 0.5 * traffic.gap_s)
    if late_s is not None and late_s > allowed_s:
        yield f"{name}: the load generator was {show_s(late_s)} late (p99; at most {show_s(allowed_s)})"
    warmup = evidence.due_in(name, evidence.phases.get("warmup", Window(0, 0)))
    if not warmup:
        yield f"{name}: nothing fell due in the warm-up, so there is no baseline"
    elif succeeded(warmup) < BASELINE * len(warmup):
        share = show_share(succeeded(warmup) / len(warmup))
        yield f"{name}: only {share} of the warm-up succeeded, before any fault (at least {show_share(BASELINE)})"


def _scrape_doubts(evidence: Evidence) -> Iterator[str]:
    if not evidence.scraped():
        yield "nothing shows that Prometheus scraped without holes"
    for target in evidence.scraped():
        if target.seen < SCRAPED * target.expected:
            yield f"Prometheus has {target.seen:,} of {target.expected:,} scrapes of {target.target}"


def _course_doubts(evidence: Evidence) -> Iterator[str]:
    """A hole in what Prometheus saw: the last value before it stands for all that came to be in it."""
    found = unseen(evidence)
    if found and found[0] > UNSEEN_S:
        yield f"Prometheus did not look for {show_s(found[0])}, until {show_s(found[1])} into the run"
