"""A draft meets its cluster: names that are not there, and faults that contradict each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.cluster import Cluster
from harness.errors import Problem, ScenarioError
from harness.faults import Fault
from harness.loader.reading import Item
from harness.loader.scenario import Draft
from harness.scenario import Scenario
from harness.units import show_planned_s


def bind(draft: Draft, cluster: Cluster) -> Scenario:
    """The scenario; ``ScenarioError`` with every problem, of the draft and of the draft on this cluster."""
    problems = [*draft.problems, *_on(draft, cluster)]
    if problems or draft.scenario is None:
        raise ScenarioError(sorted(set(problems)))
    return draft.scenario


def notes(scenario: Scenario, cluster: Cluster) -> tuple[str, ...]:
    """What is allowed and yet worth knowing before the run, one sentence each."""
    return tuple(dict.fromkeys((*_alive_to_a_check(scenario, cluster), *_unmet(scenario, cluster))))


def _on(draft: Draft, cluster: Cluster) -> Iterator[Problem]:
    sound: list[Item[Fault]] = []
    for load in draft.traffic:
        for key, text in load.value.check(cluster) if load.value else ():
            yield Problem(draft.file, load.line_of(key), f"'{key}' {text}")
    for item in draft.faults:
        found = tuple(item.value.check(cluster)) if item.value else ()
        for key, text in found:
            yield Problem(draft.file, item.line_of(key), f"'{key}' {text}")
        if item.value and not found:
            sound.append(item)
    for line, text in _contradictions(sound, cluster):
        yield Problem(draft.file, line, text)


@dataclass(frozen=True, slots=True)
class _Act:
    """When and where one fault acts, in words: ``gateway -> n1``, ``the process of n1``."""

    name: str
    line: int
    start_s: float
    end_s: float
    places: frozenset[str]

    @classmethod
    def of(cls, item: Item[Fault], fault: Fault, cluster: Cluster) -> "_Act":
        links = {f"{source} -> {target}" for source, target in fault.touches(cluster)}
        nodes = {f"the process of {node}" for node in fault.stops(cluster)}
        end_s = round(fault.at_s + fault.for_s, 9)
        return cls(fault.name, item.line, fault.at_s, end_s, frozenset(links | nodes))

    def meets(self, other: "_Act") -> frozenset[str]:
        """Where both act at once. One that begins as the other ends does not meet it: heals come first."""
        apart = self.end_s <= other.start_s or other.end_s <= self.start_s
        return frozenset() if apart else self.places & other.places


def _contradictions(faults: Sequence[Item[Fault]], cluster: Cluster) -> Iterator[tuple[int, str]]:
    """For each fault the first one above it that acts on the same place at the same time."""
    acts = [_Act.of(item, item.value, cluster) for item in faults if item.value]
    for index, act in enumerate(acts):
        for other in acts[:index]:
            if shared := act.meets(other):
                first = min(shared) + (f" and {len(shared) - 1} more" if len(shared) > 1 else "")
                start_s, end_s = max(act.start_s, other.start_s), min(act.end_s, other.end_s)
                span = f"{show_planned_s(start_s)} to {show_planned_s(end_s)}"
                both = f"'{act.name}' and '{other.name}' (line {other.line}) both act on {first}"
                yield act.line, f"{both}, from {span} of the faults phase: move one, or give it another target"
                break


def _alive_to_a_check(scenario: Scenario, cluster: Cluster) -> Iterator[str]:
    """Toxiproxy accepts before it dials. (A cut of such a link is set before its redirect, so it is a true silence.)"""
    for fault in scenario.faults:
        for link in sorted(scenario.proxied(cluster)):
            if link.target in fault.stops(cluster):
                yield (
                    f"{link} runs through Toxiproxy, which accepts before it dials: while {fault.name} has "
                    f"{link.target} stopped, a TCP health check on that link finds it alive (an HTTP check does not)"
                )


def _unmet(scenario: Scenario, cluster: Cluster) -> Iterator[str]:
    """A fault on a link to a node that another fault has stopped: nothing can meet it meanwhile."""
    for stopping in scenario.faults:
        stopped = stopping.stops(cluster)
        for fault in scenario.faults:
            apart = fault.at_s + fault.for_s <= stopping.at_s or stopping.at_s + stopping.for_s <= fault.at_s
            shared = sorted(stopped & {target for _, target in fault.touches(cluster)})
            if shared and not apart:
                yield (
                    f"{fault.name} acts on links to {', '.join(shared)} while {stopping.name} has it stopped: "
                    f"less traffic than usual will meet {fault.name}"
                )
