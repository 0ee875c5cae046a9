"""A scenario file as far as it can be read without a cluster: a draft, and everything that is wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any, TypeVar

from harness.errors import Problem, ScenarioError
from harness.faults import Fault
from harness.loader import parts
from harness.loader.document import LIMIT_BYTES, Complaints, Map, read
from harness.loader.mixing import MixDraft, mix
from harness.loader.reading import Item
from harness.loader.steps import WORDS, Step
from harness.objectives import WINDOWS, Objective
from harness.objectives.alerts import AlertRule
from harness.objectives.when import unknown
from harness.repeat import Repeat
from harness.scenario import Phases, Scenario, Twin, merged
from harness.stop_when import StopWhen
from harness.traffic import Traffic
from harness.units import show_planned_s

T = TypeVar("T")
_FAULT_MIN_S = 0.1
_TAKEN = (*WINDOWS, "end")  # what 'in', 'after' and 'at' understand beside the name of a fault


@dataclass(frozen=True, slots=True)
class Draft:
    """``scenario`` None: something is wrong. ``cluster`` and ``variables`` are there if they alone could be read.

    ``traffic``, ``faults`` (steps among them), ``objectives``: as far as they could be read, with their keys' lines.
    ``lines``: of the keys at the top. ``mix``: what ``random:`` says, to be drawn when the cluster is known.
    """

    file: str
    problems: tuple[Problem, ...]
    scenario: Scenario | None = None
    cluster: str | None = None
    variables: tuple[tuple[str, str], ...] = ()
    traffic: tuple[Item[Traffic], ...] = ()
    faults: tuple[Item[Fault], ...] = ()
    objectives: tuple[Item[Objective], ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)
    seed: int = 1
    mix: MixDraft | None = None

    def as_twin(self) -> "Draft":
        """Of the broken twin that the scenario declares; as it is, where it declares none."""
        scenario = self.scenario
        if scenario is None or scenario.twin is None:
            return self
        return replace(self, scenario=scenario.as_twin(), variables=merged(self.variables, scenario.twin.variables))

    def asking(self, model: str) -> "Draft":
        """Its traffic asks that language model, where it does not say which."""
        items = tuple(replace(item, value=item.value and item.value.asking(model)) for item in self.traffic)
        scenario = self.scenario and replace(self.scenario, traffic=_values(items))
        return replace(self, traffic=items, scenario=scenario)

    def problem(self, key: str, text: str) -> Problem:
        """A further problem at the line of a key at the top, such as ``cluster`` where there is no such file."""
        return Problem(self.file, self.lines.get(key, 0), text)


def parse_file(path: Path, shown: str) -> Draft:
    """``parse`` of a file, of which no more than the limit is read; ``shown`` is its name in messages."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise ScenarioError([Problem(shown, 0, f"cannot be read ({error.strerror}): check its name")]) from error
    return parse(data, shown)


def parse(data: bytes, file: str) -> Draft:
    """Never raises: every problem that can be seen without a cluster is in the draft."""
    complaints = Complaints(file)
    tree = read(data, complaints)
    if tree is None:
        return Draft(file, tuple(complaints.problems))
    found = _parts(tree, complaints)
    _check(found, file, complaints)
    return Draft(
        file=file,
        problems=tuple(complaints.problems),
        scenario=None if complaints.problems else _scenario(found),
        cluster=found.head.get("cluster"),
        variables=found.variables,
        traffic=found.traffic,
        faults=found.faults,
        objectives=found.objectives,
        lines=found.lines,
        seed=found.head.get("seed", 1),
        mix=found.mix,
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the parts of one file say, as far as they could be read. ``twin``: with what it must violate."""

    lines: Mapping[str, int]
    head: Mapping[str, Any]
    phases: Phases | None
    traffic: tuple[Item[Traffic], ...]
    faults: tuple[Item[Fault], ...]
    mix: MixDraft | None
    stop_when: tuple[Item[StopWhen], ...]
    repeat: Repeat | None
    alerts: tuple[Item[AlertRule], ...]
    objectives: tuple[Item[Objective], ...]
    variables: tuple[tuple[str, str], ...]
    expected: tuple[Item[str], ...] | None
    twin: tuple[Twin, tuple[Item[str], ...]] | None

    @property
    def violated(self) -> tuple[Item[str], ...]:
        """What must be violated: of the cluster as it is, and of its twin."""
        return (*(self.expected or ()), *(self.twin[1] if self.twin else ()))


def _parts(tree: Map, complaints: Complaints) -> _Parts:
    head, phases = parts.head(tree, complaints), parts.phases(tree, complaints)
    return _Parts(
        lines={entry.key: entry.line for entry in tree.entries},
        head=head,
        phases=phases,
        traffic=parts.traffic(tree, complaints),
        faults=(*parts.faults(tree, complaints), *_steps(parts.steps(tree, complaints), phases, complaints)),
        mix=mix(tree, phases.faults_s if phases else None, complaints),
        stop_when=parts.stop_when(tree, complaints),
        repeat=parts.repeat(tree, complaints),
        alerts=parts.alerts(tree, complaints),
        objectives=parts.objectives(tree, complaints),
        variables=parts.variables(tree, complaints),
        expected=parts.expected(tree, complaints),
        twin=parts.twin(tree, complaints),
    )


def _check(found: _Parts, file: str, complaints: Complaints) -> None:
    """What is wrong between the parts."""
    traffic = _names(found.traffic)
    _file_name(found.head.get("name"), file, found.lines, complaints)
    _own_names(found.traffic, "pieces of traffic", complaints)
    _own_names(found.faults, "faults", complaints)
    _own_names(found.objectives, "objectives", complaints)
    _times(found.faults, found.phases, complaints)
    _own_names(found.mix.templates if found.mix else (), "drawn faults", complaints)
    _time_limit(found.head.get("time_limit_s"), found.phases, found.lines, complaints)
    _references(found.objectives, traffic, _names(found.faults), found.alerts, complaints)
    _conditions(found.stop_when, traffic, complaints)
    _violated(found.violated, _names(found.objectives), complaints)


def _scenario(found: _Parts) -> Scenario | None:
    """Of a file that nothing is wrong with."""
    if found.phases is None:
        return None
    head = parts.Head(**found.head)
    return Scenario(
        name=head.name,
        about=head.about,
        cluster=head.cluster,
        seed=head.seed,
        phases=found.phases,
        traffic=_values(found.traffic),
        faults=_values(found.faults),
        objectives=_values(found.objectives),
        variables=found.variables,
        expected=None if found.expected is None else _names(found.expected),
        tags=head.tags,
        stop_when=_values(found.stop_when),
        time_limit_s=head.time_limit_s,
        repeat=found.repeat,
        twin=found.twin[0] if found.twin else None,
        baseline=head.baseline,
        alerts=_values(found.alerts),
    )


def _violated(named: Iterable[Item[str]], objectives: tuple[str, ...], complaints: Complaints) -> None:
    for item in named:
        for _, text in unknown("violated", item.name or "", objectives, "objective"):
            complaints.add(item.line, f"'violated' {text}")


def _conditions(stop_when: Iterable[Item[StopWhen]], traffic: tuple[str, ...], complaints: Complaints) -> None:
    for condition in stop_when:
        for key, text in condition.value.check(traffic) if condition.value else ():
            complaints.add(condition.line_of(key), f"'{key}' {text}")


def _steps(steps: Iterable[Item[Step]], phases: Phases | None, complaints: Complaints) -> tuple[Item[Fault], ...]:
    """Each step as the fault it stands for."""
    found = []
    for item in steps:
        step = item.value
        fault: Fault | None = None
        if step is not None and phases is not None:
            if step.for_s is None and step.at_s >= phases.faults_s:
                begins, phase = show_planned_s(step.at_s), show_planned_s(phases.faults_s)
                text = f"'at' is {begins} into the faults phase, which lasts {phase}: lower it or lengthen the phase"
                complaints.add(item.line_of("at"), text)
            else:
                fault = step.fault(phases.faults_s)
        found.append(Item(fault, item.name, item.line, item.lines, WORDS))
    return tuple(found)


def _time_limit(limit_s: float | None, phases: Phases | None, lines: Mapping[str, int], complaints: Complaints) -> None:
    if limit_s is not None and phases is not None and limit_s <= phases.total_s:
        text = f"'time_limit' is {show_planned_s(limit_s)}, and the phases alone last {show_planned_s(phases.total_s)}"
        complaints.add(lines["time_limit"], f"{text}: leave it time to start and to leave")


def _values(items: Iterable[Item[T]]) -> tuple[T, ...]:
    return tuple(item.value for item in items if item.value is not None)


def _names(items: Iterable[Item[Any]]) -> tuple[str, ...]:
    """Also of items with something wrong in them: who refers to one of those made no mistake."""
    return tuple(dict.fromkeys(item.name for item in items if item.name is not None))


def _file_name(name: str | None, file: str, lines: Mapping[str, int], complaints: Complaints) -> None:
    path = PurePath(file)
    if name is not None and path.suffix in (".yaml", ".yml") and path.stem != name:
        text = f"'scenario' is '{name}', but the file is {path.name}: give both the same name"
        complaints.add(lines["scenario"], text)


def _own_names(items: Iterable[Item[T]], noun: str, complaints: Complaints) -> None:
    first: dict[str, int] = {}
    for item in items:
        line = item.line_of("name")
        if item.name is not None and item.name in first:
            where = f"the other on line {first[item.name]}"
            complaints.add(line, f"two {noun} are called '{item.name}' ({where}): give each its own name")
        elif item.name is not None:
            first[item.name] = line


def _times(faults: Iterable[Item[Fault]], phases: Phases | None, complaints: Complaints) -> None:
    for item in faults:
        fault = item.value
        if fault is None:
            continue
        if fault.name in _TAKEN:
            text = f"'name' is '{fault.name}', which is a window of every run: give the fault another name"
            complaints.add(item.line_of("name"), text)
        if fault.for_s < _FAULT_MIN_S:
            text = f"'for' is {show_planned_s(fault.for_s)}: nobody would notice; write at least 100ms"
            complaints.add(item.line_of("for"), text)
        if phases is not None and round(fault.at_s + fault.for_s, 9) > phases.faults_s:
            end, phase = show_planned_s(fault.at_s + fault.for_s), show_planned_s(phases.faults_s)
            text = f"'{fault.name}' would end {end} into the faults phase, which lasts {phase}"
            complaints.add(item.line_of("for"), f"{text}: shorten 'for' or lengthen the phase")


def _references(
    objectives: Iterable[Item[Objective]],
    traffic: tuple[str, ...],
    faults: tuple[str, ...],
    alerts: tuple[Item[AlertRule], ...],
    complaints: Complaints,
) -> None:
    rules = tuple(rule.name for rule in _values(alerts))
    whole = len(rules) == len(alerts)  # the name of a rule with something wrong in it is not known
    for item in objectives:
        one = item.value
        for key, text in (*one.check(traffic, faults), *(one.check_alerts(rules) if whole else ())) if one else ():
            complaints.add(item.line_of(key), f"'{key}' {text}")
