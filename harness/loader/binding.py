"""A draft meets its cluster: words become nodes, a mix becomes faults, and what cannot be is refused."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from harness.cluster import Cluster
from harness.errors import Problem, ScenarioError
from harness.faults import Fault
from harness.faults.mix import expand
from harness.faults.overlap import COMPOSES, Act, act, apart, clash
from harness.loader.reading import Item
from harness.loader.scenario import Draft
from harness.scenario import Scenario
from harness.targets import Problems, aim, stand_ins
from harness.units import show_planned_s

Found = Mapping[str, Mapping[str, str]]  # fault -> word -> the node that was looked up for it


def bind(draft: Draft, cluster: Cluster, seed: int | None = None, found: Found | None = None) -> Scenario:
    """The scenario; ``ScenarioError`` with every problem, of the draft and of the draft on this cluster.

    ``seed``: instead of the file's own. ``found``: who was looked up in a run that is over.
    """
    bound = _bound(draft, cluster, draft.seed if seed is None else seed)
    problems = [*draft.problems, *_on(draft, cluster), *bound.problems]
    if problems or draft.scenario is None:
        raise ScenarioError(sorted(set(problems)))
    scenario = replace(draft.scenario, seed=bound.seed, faults=tuple(place.fault for place in bound.places))
    return scenario.resolved(cluster, found or {})


def notes(scenario: Scenario, cluster: Cluster) -> tuple[str, ...]:
    """What is allowed and yet worth knowing before the run, one sentence each."""
    loads = (note for traffic in scenario.traffic for note in traffic.notes())
    found = (*_alive_to_a_check(scenario, cluster), *_unmet(scenario, cluster), *_composed(scenario, cluster), *loads)
    asked = (note for objective in scenario.objectives for note in objective.notes(partial(_due, scenario)))
    return tuple(dict.fromkeys((*found, *asked)))


def _due(scenario: Scenario, traffic: str, window: str) -> float | None:
    """How many operations are planned to fall due in a window; None: nobody can know (a closed loop)."""
    phases = scenario.phases
    warmup_s, ends_s = phases.warmup_s, phases.warmup_s + phases.faults_s
    spans_s = {fault.name: (warmup_s + fault.at_s, warmup_s + fault.at_s + fault.for_s) for fault in scenario.faults}
    spans_s |= {"all": (0.0, phases.total_s), "warmup": (0.0, warmup_s), "faults": (warmup_s, ends_s)}
    start_s, end_s = (spans_s | {"recovery": (ends_s, phases.total_s)})[window]
    load = next(one for one in scenario.traffic if one.name == traffic)
    before, until = (load.due(warmup_s, phases.faults_s, at_s) for at_s in (start_s, end_s))
    return None if before is None or until is None else until - before


@dataclass(frozen=True, slots=True)
class _Place:
    """A fault that is right by itself, on names as far as they are known, and the line it stands on."""

    fault: Fault
    line: int
    stand_ins: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _Bound:
    """The faults of a draft on a cluster, in the order of the file, the drawn ones last."""

    seed: int
    places: tuple[_Place, ...]
    problems: tuple[Problem, ...]


def _bound(draft: Draft, cluster: Cluster, seed: int) -> _Bound:
    problems: list[Problem] = []
    places: list[_Place] = []
    for item in draft.faults:
        placed = _placed(item, cluster, seed)
        if isinstance(placed, _Place):
            places.append(placed)
        else:
            problems += [
                Problem(draft.file, item.line_of(key), f"'{item.word_of(key)}' {text}") for key, text in placed
            ]
    drawn = _drawn(draft, cluster, seed, [act(place.fault, place.stand_ins, cluster) for place in places])
    places += [place for place in drawn if isinstance(place, _Place)]
    problems += [problem for problem in drawn if isinstance(problem, Problem)]
    problems += [Problem(draft.file, line, text) for line, text in _contradictions(places, cluster)]
    return _Bound(seed, tuple(places), tuple(problems))


def _placed(item: Item[Fault], cluster: Cluster, seed: int) -> _Place | Problems:
    """The fault on names; or what is wrong with it, whoever it hits. (Nothing, where it could not even be read.)"""
    if item.value is None:
        return ()
    fault, unclear = aim(item.value, cluster, seed)
    if unclear:
        return unclear
    may_be = stand_ins(fault, cluster, seed)
    wrong = [tuple(one.check(cluster)) for one in may_be]
    right = tuple(one for one, problems in zip(may_be, wrong, strict=True) if not problems)
    if not right:
        return wrong[0] if wrong else (("nodes", "stands for nobody, whoever is found: name others"),)
    return _Place(fault, item.line, right)


def _drawn(draft: Draft, cluster: Cluster, seed: int, beside: Sequence[Act]) -> list[_Place | Problem]:
    """The faults of ``random:``; or what is wrong with one it draws from, or with all of them together."""
    if draft.mix is None:
        return []
    wrong = [
        Problem(draft.file, template.line_of(key), f"'{key}' {text}")
        for template in draft.mix.templates
        if not isinstance(placed := _placed(template, cluster, seed), _Place)
        for key, text in placed
    ]
    item = draft.mix.item
    if wrong or item.value is None or draft.scenario is None:
        return [*wrong]
    try:
        faults = expand(item.value, cluster, seed, draft.scenario.phases.faults_s, beside)
    except ValueError as error:
        return [Problem(draft.file, item.line_of("at_once"), f"'at_once' {error}")]
    named = {fault.name: fault.line for fault in draft.faults}
    taken = [(fault.name, named[fault.name]) for fault in faults if fault.name in named]
    if taken:
        text = (
            f"'random' makes a fault called '{taken[0][0]}', as is the one on line {taken[0][1]}: give one another name"
        )
        return [Problem(draft.file, item.line_of("name"), text)]
    return [_Place(fault, item.line, stand_ins(fault, cluster, seed)) for fault in faults]


def _on(draft: Draft, cluster: Cluster) -> Iterator[Problem]:
    for load in draft.traffic:
        for key, text in load.value.check(cluster) if load.value else ():
            yield Problem(draft.file, load.line_of(key), f"'{key}' {text}")
    for asked in draft.objectives:
        for key, text in asked.value.check_on(cluster) if asked.value else ():
            yield Problem(draft.file, asked.line_of(key), f"'{key}' {text}")


def _contradictions(places: Sequence[_Place], cluster: Cluster) -> Iterator[tuple[int, str]]:
    """For each fault the first one above it that it cannot be together with."""
    acts = [act(place.fault, place.stand_ins, cluster) for place in places]
    for index, (place, one) in enumerate(zip(places, acts, strict=True)):
        for other_place, other in zip(places[:index], acts, strict=False):
            if where := clash(one, other):
                start_s, end_s = max(one.start_s, other.start_s), min(one.end_s, other.end_s)
                span = f"{show_planned_s(start_s)} to {show_planned_s(end_s)}"
                both = f"'{one.name}' and '{other.name}' (line {other_place.line}) both act on {where}"
                yield place.line, f"{both}, from {span} of the faults phase: move one, or give it another target"
                break


def _alive_to_a_check(scenario: Scenario, cluster: Cluster) -> Iterator[str]:
    """Toxiproxy accepts before it dials. (A cut of such a link is set before its redirect, so it is a true silence.)"""
    proxied = sorted(scenario.proxied(cluster))
    for fault in scenario.stand_ins(cluster):
        for link in proxied:
            if link.target in fault.stops(cluster):
                yield (
                    f"{link} runs through Toxiproxy, which accepts before it dials: while {fault.name} has "
                    f"{link.target} stopped, a TCP health check on that link finds it alive (an HTTP check does not)"
                )


def _acts(scenario: Scenario, cluster: Cluster) -> tuple[Act, ...]:
    return tuple(act(f, stand_ins(f, cluster, scenario.seed), cluster) for f in scenario.faults)


def _unmet(scenario: Scenario, cluster: Cluster) -> Iterator[str]:
    """A fault on a link to a node that another fault has stopped: nothing can meet it meanwhile."""
    acts = _acts(scenario, cluster)
    for stopping in acts:
        for one in acts:
            shared = sorted(stopping.stops & {target for _, target in one.links})
            if shared and not apart(one, stopping) and one is not stopping:
                yield (
                    f"{one.name} acts on links to {', '.join(shared)} while {stopping.name} has it stopped: "
                    f"less traffic than usual will meet {one.name}"
                )


def _composed(scenario: Scenario, cluster: Cluster) -> Iterator[str]:
    """Faults on one link at a time are one fault made of all; the witness of the weaker one may see nothing."""
    acts = _acts(scenario, cluster)
    for index, one in enumerate(acts):
        met = [o for o in acts[:index] if not apart(one, o) and one.links & o.links and not (one.stops or o.stops)]
        if met:
            link = " -> ".join(min(one.links & met[0].links))
            others = met[0].name + (f" and {len(met) - 1} more" if len(met) > 1 else "")
            yield f"{one.name} is on {link} together with {others} for a time: {COMPOSES}"
