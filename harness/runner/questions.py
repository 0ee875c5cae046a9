"""What Prometheus is asked at the end of a run, each at explicit instants, and the proof that it looked all along."""

import math
from collections.abc import Iterator, Mapping

from harness.clock import to_ns, wall_offset_ns
from harness.cluster import Cluster
from harness.engine import Monitor
from harness.faults import Fault
from harness.objectives.courses import RULES, UNSEEN
from harness.recording.events import Asked, Confirmed, Sampled, Scraped
from harness.scenario import Scenario
from harness.targets import Ask, otherwise, pending
from harness.weave.scrape import SCRAPE_EVERY_S, every_s, targets

_ASK_EVERY_NS = 100_000_000
_STEP_S = 0.1  # a scrape is seen so much later at most
_STEPS_MAX = 10_000  # Prometheus answers with 11,000 at most: a run of hours is seen in longer steps


def ask_all(
    scenario: Scenario, monitor: Monitor, origin_ns: int, end_ns: int, healed_ns: Mapping[str, int]
) -> Iterator[Asked | Sampled]:
    """One answer per objective that has a question, then one per course that some objective needs, asked only once.

    ``origin_ns``, ``end_ns``: of the run. ``healed_ns``: when each fault was healed, or would have been.
    """
    for objective in scenario.objectives:
        question = objective.question()
        if question is None:
            continue
        at_ns = healed_ns.get(question.fault, end_ns) if question.fault else end_ns
        time_s = (at_ns + wall_offset_ns()) / 1e9
        answer = monitor.ask(question.query, time_s)
        yield Asked(end_ns, objective.name, question.query, round(time_s, 3), answer.value, answer.error)
    courses = [query for objective in scenario.objectives for query in objective.courses()]
    for query in dict.fromkeys([*courses, UNSEEN] if courses else ()):
        yield _sampled(query, monitor, origin_ns, end_ns)


def _sampled(query: str, monitor: Monitor, origin_ns: int, end_ns: int) -> Sampled:
    """Prometheus counts wall-clock milliseconds: so the course begins at the first whole one of the run."""
    offset_ns = wall_offset_ns()
    start_ms = -((-origin_ns - offset_ns) // 1_000_000)
    length_s = (end_ns - origin_ns) / 1e9
    step_s = max(_STEP_S, math.ceil(length_s / _STEPS_MAX * 1000) / 1000)
    steps = max(0, int((end_ns + offset_ns - start_ms * 1_000_000) / to_ns(step_s)))
    answer = monitor.range(query, start_ms / 1000, round(start_ms / 1000 + steps * step_s, 3), step_s)
    return Sampled(end_ns, query, start_ms * 1_000_000 - offset_ns, step_s, answer.values, answer.error)


def confirm_all(
    scenario: Scenario,
    cluster: Cluster,
    monitor: Monitor,
    end_ns: int,
    fired_ns: Mapping[str, int],
    resolved: Mapping[str, Fault],
) -> Iterator[Confirmed]:
    """For each fault whose nodes were looked up: were they still who they had been, when it came into force?

    ``resolved``: those faults on names; ``fired_ns``: when each came into force at the earliest.
    """
    for fault in scenario.faults:
        at_ns = fired_ns.get(fault.name)
        if not pending(fault) or at_ns is None or fault.name not in resolved:
            continue
        ask = _asking(monitor, (at_ns + wall_offset_ns()) / 1e9)
        found = {(target.key, target.word): target.nodes for target in resolved[fault.name].targets}
        texts = [
            otherwise(target, node, cluster, ask)
            for target in pending(fault)
            for node in found[target.key, target.word]
        ]
        yield Confirmed(end_ns, fault.name, "; ".join(filter(None, texts)))


def _asking(monitor: Monitor, time_s: float) -> Ask:
    return lambda query: monitor.ask(query, time_s).value


class FirstScrape:
    """Has Prometheus asked every target once? Its first scrape comes 5 s after its start, and no setting hastens it."""

    def __init__(self, cluster: Cluster, monitor: Monitor) -> None:
        self._monitor, self._targets = monitor, len(targets(cluster))
        self._next_ns = 0

    def seen(self, now_ns: int) -> bool:
        """True once every target was asked, whatever it answered; looks at most ten times a second."""
        if now_ns < self._next_ns:
            return False
        self._next_ns = now_ns + _ASK_EVERY_NS
        return self._monitor.ask("count(up)", (now_ns + wall_offset_ns()) / 1e9).value == self._targets


def scraping(
    cluster: Cluster, monitor: Monitor, end_ns: int, length_s: float, *, alerts: bool = False
) -> Iterator[Scraped]:
    """For each target: samples of ``up`` in the last ``length_s`` seconds against what was due.

    ``alerts``: there are alert rules, which are evaluated as often as targets are scraped, and must have been.
    """
    time_s = (end_ns + wall_offset_ns()) / 1e9
    series = {instance: (f'up{{instance="{instance}"}}', every_s(job)) for job, instance, _ in targets(cluster)}
    series |= {"the alert rules": (RULES, SCRAPE_EVERY_S)} if alerts else {}
    for target, (name, every) in series.items():
        answer = monitor.ask(f"count_over_time({name}[{max(1, round(length_s))}s])", time_s)
        yield Scraped(end_ns, target, int(length_s / every), int(answer.value or 0))
