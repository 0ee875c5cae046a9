"""A suite file: which scenarios are played one after the other, under which variables, how often, and what is left out.

Read like a scenario file: every problem at once, each with its line and what to do.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod

from harness.errors import ScenarioError
from harness.loader import parts
from harness.loader.document import Complaints, Entry, Hole, List, Map, Text, Tree, quoted, read
from harness.loader.lists import line_of
from harness.loader.reading import did_you_mean, read_words, shape
from harness.units import show_planned_s
from harness.words import COUNT, DURATION, NAME, TEXT, Reader, word

Variables = tuple[tuple[str, str], ...]
REPEATS_MAX, RUNS_MAX = 100, 1000
_PATH = re.compile(rf"{NAME.pattern}(?:/{NAME.pattern})*")
_EXAMPLE = "[partition, {scenario: kill, repeats: 3}, {tags: [network]}]"


def _path(text: str) -> str:
    if _PATH.fullmatch(text):
        return text
    raise ValueError(f"is '{text}': write a scenario's name, such as partition or broken/kill")


SCENARIO = Reader("scenario", "partition", _path, pattern=_PATH.pattern)


@dataclass(frozen=True, slots=True)
class Known:
    """What a suite asks of a scenario: its tags, how long its phases last together, its objectives' names, its seed."""

    tags: tuple[str, ...]
    lasts_s: float
    objectives: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Play:
    """One scenario under one setting of its variables. ``skip``: why it is not played; empty: it is.

    ``lasts_s``: its phases, once. ``seed`` None: the scenario's own; played several times, each run has one that
    follows from it.
    """

    scenario: str
    variables: Variables
    repeats: int
    lasts_s: float
    skip: str = ""
    seed: int | None = None

    @property
    def label(self) -> str:
        """``kill``, or ``kill (BALANCE=leastconn)``."""
        return label(self.scenario, self.variables)


@dataclass(frozen=True, slots=True)
class Suite:
    """``plays``: in the order in which they are played. ``time_limit_s`` None: it takes as long as it takes."""

    name: str
    about: str
    plays: tuple[Play, ...]
    time_limit_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The plain words at the top of a suite file."""

    name: str = field(metadata=word("suite", NAME, "its name, which is the name of its file too"))
    about: str = field(metadata=word("about", TEXT, "what it is for, for a manager"))
    time_limit_s: float | None = field(
        default=None, metadata=word("time_limit", DURATION, "what does not fit into it is not played")
    )
    repeats: int = field(default=1, metadata=word("repeats", COUNT, "how often each scenario is played"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One item of ``scenarios:``; a bare name is an item with nothing but ``scenario``."""

    scenario: str | None = field(default=None, metadata=word("scenario", SCENARIO, "its name"))
    tags: tuple[str, ...] = field(
        default=(), metadata=word("tags", NAME, "every scenario with all of them that no other line names", many=True)
    )
    without: tuple[str, ...] = field(
        default=(), metadata=word("without", NAME, "but none with one of these tags", many=True)
    )
    nights: int = field(
        default=1,
        metadata=word("nights", COUNT, "of what 'tags' mean a part each day, so that all are in so many days"),
    )
    repeats: int | None = field(default=None, metadata=word("repeats", COUNT, "how often it is played"))
    skip: str = field(default="", metadata=word("skip", TEXT, "why it is not played"))


def label(scenario: str, variables: Variables) -> str:
    named = " ".join(f"{name}={value}" for name, value in variables)
    return f"{scenario} ({named})" if named else scenario


def parse(data: bytes, file: str, known: Mapping[str, Known], day: int = 0) -> Suite:
    """``known``: every scenario there is; ``day``: a number that grows by one each day.

    Raises ``ScenarioError`` with everything that is wrong.
    """
    complaints = Complaints(file, "suite")
    tree = read(data, complaints)
    suite = _suite(tree, known, day, complaints) if tree else None
    if suite is None or complaints.problems:
        raise ScenarioError(tuple(dict.fromkeys(complaints.problems)))
    return suite


def _suite(tree: Map, known: Mapping[str, Known], day: int, complaints: Complaints) -> Suite | None:
    values, whole = read_words(Head, tree, "a suite", complaints, also=("scenarios",))
    file = complaints.file.rpartition("/")[2].rpartition(".")[0]
    if whole and file and values["name"] != file:
        text = f"'suite' is '{values['name']}', but the file is {file}.yaml: give both the same name"
        complaints.add(line_of(tree, "suite"), text)
    _repeats(values.get("repeats"), line_of(tree, "repeats"), complaints)
    plays = _plays(tree, values.get("repeats", 1), known, day, complaints)
    if not whole:
        return None
    suite = Suite(values["name"], values["about"], plays, values.get("time_limit_s"))
    _fits(suite, tree, complaints)
    return suite


def _fits(suite: Suite, tree: Map, complaints: Complaints) -> None:
    played = [play for play in suite.plays if not play.skip]
    runs, lasts_s = sum(play.repeats for play in played), sum(play.repeats * play.lasts_s for play in played)
    if runs > RUNS_MAX:
        complaints.add(line_of(tree, "scenarios"), f"makes {runs:,} runs: at most {RUNS_MAX:,}; take some out")
    if suite.time_limit_s is not None and lasts_s > suite.time_limit_s:
        text = f"'time_limit' is {show_planned_s(suite.time_limit_s)}, and the phases of its {runs} runs alone last"
        complaints.add(line_of(tree, "time_limit"), f"{text} {show_planned_s(lasts_s)}: raise it or take some out")


def _repeats(repeats: int | None, line: int, complaints: Complaints) -> None:
    if repeats is not None and not 1 <= repeats <= REPEATS_MAX:
        complaints.add(line, f"'repeats' is {repeats}: write 1 to {REPEATS_MAX}")


def _plays(tree: Map, repeats: int, known: Mapping[str, Known], day: int, complaints: Complaints) -> tuple[Play, ...]:
    lines = tuple(_lines(tree, complaints))
    named = {entry.value.text for item in lines if (entry := item.get("scenario")) and isinstance(entry.value, Text)}
    found: dict[tuple[str, Variables], Map] = {}
    plays: list[Play] = []
    for item in lines:
        settings = tuple(_settings(item, complaints))
        values, whole = read_words(Line, item, "an item of 'scenarios'", complaints, also=("with", "matrix"))
        _repeats(values.get("repeats"), line_of(item, "repeats"), complaints)
        if "skip" in values and not values["skip"].strip():
            complaints.add(line_of(item, "skip"), "'skip' is empty: say why it is not played")
        line = Line(**values) if whole else Line()
        chosen = _tonight(line, item, _chosen(line, item, known, named, complaints), day, complaints) if whole else ()
        for scenario, variables in product(chosen, settings):
            first = found.setdefault((scenario, variables), item)
            if first is item:
                one, skip = known[scenario], " ".join(line.skip.split())
                plays.append(Play(scenario, variables, line.repeats or repeats, one.lasts_s, skip, one.seed))
            elif line.scenario:
                text = f"{quoted(label(scenario, variables))} stands here twice (first on line {first.line})"
                complaints.add(item.line, f"{text}: keep one, and say 'repeats' if it is to be played more often")
    return tuple(plays)


def _lines(tree: Map, complaints: Complaints) -> Iterator[Map]:
    """Every item as a map; a bare name stands for ``{scenario: NAME}``."""
    entry = tree.get("scenarios")
    if entry is None:
        complaints.add(
            tree.line, f"a suite needs 'scenarios': what it plays, in order; such as 'scenarios: {_EXAMPLE}'"
        )
        return
    if not isinstance(entry.value, List):
        if not isinstance(entry.value, Hole):
            text = f"'scenarios' is {shape(entry.value)}: write a list, such as 'scenarios: {_EXAMPLE}'"
            complaints.add(entry.line, text)
        return
    if not entry.value.items:
        complaints.add(entry.line, f"'scenarios' is empty: name at least one, such as 'scenarios: {_EXAMPLE}'")
    for item in entry.value.items:
        if isinstance(item, Map):
            yield item
        elif isinstance(item, Text) and item.text is not None:
            yield Map(item.line, (Entry(item.line, "scenario", item),))
        elif not isinstance(item, Hole):
            complaints.add(item.line, f"an item of 'scenarios' is {shape(item)}: write a scenario's name, or a map")


def _chosen(
    line: Line, item: Map, known: Mapping[str, Known], named: Collection[str | None], complaints: Complaints
) -> tuple[str, ...]:
    """The scenarios that one item means."""
    if (line.scenario is None) == (not line.tags):
        complaints.add(item.line, "an item of 'scenarios' needs either 'scenario' or 'tags'")
        return ()
    if line.scenario is not None:
        if line.without:
            complaints.add(line_of(item, "without"), "'without' narrows 'tags': beside 'scenario' it means nothing")
        if line.scenario not in known:
            hint = did_you_mean(line.scenario, known)
            complaints.add(line_of(item, "scenario"), f"'scenario' is {quoted(line.scenario)}, which is none{hint}")
            return ()
        return (line.scenario,)
    every = {tag for one in known.values() for tag in one.tags}
    strange = [("tags", tag) for tag in line.tags if tag not in every]
    strange += [("without", tag) for tag in line.without if tag not in every]
    for key, tag in strange:
        complaints.add(line_of(item, key), f"no scenario has the tag {quoted(tag)}{did_you_mean(tag, every)}")
    tags, without = set(line.tags), set(line.without)
    chosen = [name for name, one in known.items() if tags <= set(one.tags) and not without & set(one.tags)]
    if not chosen and not strange:
        complaints.add(line_of(item, "tags"), "no scenario has all of these tags: take one out")
    return tuple(name for name in chosen if name not in named)


def _tonight(line: Line, item: Map, chosen: tuple[str, ...], day: int, complaints: Complaints) -> tuple[str, ...]:
    """Those whose day it is; all of them within ``nights`` days."""
    if not line.nights or (line.scenario and line.nights > 1):
        text = (
            "is 0: write how many"
            if not line.nights
            else "spreads what 'tags' mean: beside 'scenario' it means nothing"
        )
        complaints.add(line_of(item, "nights"), f"'nights' {text}")
        return ()
    return tuple(name for number, name in enumerate(chosen) if (number - day) % line.nights == 0)


def _settings(item: Map, complaints: Complaints) -> Iterator[Variables]:
    """Every setting of the variables that ``with:`` and ``matrix:`` ask for, the last one turning fastest."""
    fixed = parts.variables(item, complaints)
    axes = tuple(_axes(item, complaints))
    for name, _ in axes:
        if name in dict(fixed):
            text = f"{quoted(name)} is set by 'with' as well: keep one"
            complaints.add(line_of(item, "matrix"), text)
    if prod(len(values) for _, values in axes) > RUNS_MAX:
        complaints.add(line_of(item, "matrix"), f"'matrix' has more than {RUNS_MAX:,} settings: take some values out")
        return
    names = [name for name, _ in axes]
    for values in product(*(values for _, values in axes)):
        yield (*fixed, *zip(names, values, strict=True))


def _axes(item: Map, complaints: Complaints) -> Iterator[tuple[str, tuple[str, ...]]]:
    entry = item.get("matrix")
    example = 'matrix: {NODE_COUNT: ["3", "5"]}'
    if entry is None or isinstance(entry.value, Hole):
        return
    if not isinstance(entry.value, Map):
        complaints.add(entry.line, f"'matrix' is {shape(entry.value)}: write a map, such as '{example}'")
        return
    for axis in entry.value.entries:
        values: tuple[Tree, ...] = axis.value.items if isinstance(axis.value, List) else ()
        if not values:
            seen = "empty" if isinstance(axis.value, List) else shape(axis.value)
            complaints.add(axis.line, f"{quoted(axis.key)} is {seen}: write a list of values, such as '{example}'")
            continue
        # Each value is read as ``with:`` would read it, for the same refusals.
        read_values = [_value(axis.key, value, complaints) for value in values]
        texts = tuple(text for found in read_values for _, text in found)
        if len(set(texts)) < len(texts):
            complaints.add(axis.line, f"{quoted(axis.key)} has a value twice: keep one")
        yield axis.key, texts


def _value(key: str, value: Tree, complaints: Complaints) -> Variables:
    one = Map(value.line, (Entry(value.line, key, value),))
    return parts.variables(Map(value.line, (Entry(value.line, "with", one),)), complaints)
