"""What Prometheus is asked at the end of a run, each at an explicit instant, and the proof that it looked all along."""

from collections.abc import Iterator, Mapping

from harness.clock import wall_offset_ns
from harness.cluster import Cluster
from harness.engine import Monitor
from harness.faults import Fault
from harness.recording.events import Asked, Confirmed, Scraped
from harness.scenario import Scenario
from harness.targets import Ask, otherwise, pending
from harness.weave.scrape import every_s, targets

_ASK_EVERY_NS = 100_000_000


def ask_all(scenario: Scenario, monitor: Monitor, end_ns: int, healed_ns: Mapping[str, int]) -> Iterator[Asked]:
    """One answer per objective that has a question. ``healed_ns``: when each fault was healed, or would have been."""
    for objective in scenario.objectives:
        question = objective.question()
        if question is None:
            continue
        at_ns = healed_ns.get(question.fault, end_ns) if question.fault else end_ns
        time_s = (at_ns + wall_offset_ns()) / 1e9
        answer = monitor.ask(question.query, time_s)
        yield Asked(end_ns, objective.name, question.query, round(time_s, 3), answer.value, answer.error)


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


def scraping(cluster: Cluster, monitor: Monitor, end_ns: int, length_s: float) -> Iterator[Scraped]:
    """For each target: samples of ``up`` in the last ``length_s`` seconds against what was due."""
    time_s = (end_ns + wall_offset_ns()) / 1e9
    for job, instance, _ in targets(cluster):
        query = f'count_over_time(up{{instance="{instance}"}}[{max(1, round(length_s))}s])'
        answer = monitor.ask(query, time_s)
        yield Scraped(end_ns, instance, int(length_s / every_s(job)), int(answer.value or 0))
