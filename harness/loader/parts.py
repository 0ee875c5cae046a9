"""The parts of a scenario file, each read by itself: what can be said of it without looking at the others."""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from harness.faults import CATALOGUE, Fault
from harness.loader.document import Complaints, Hole, List, Map, Text, quoted
from harness.loader.lists import PARTS, by_word, items_at, line_of, map_at
from harness.loader.reading import Item, article, known_keys, read_words, shape, text_of, text_problem
from harness.loader.steps import Step
from harness.objectives import OBJECTIVES, Objective
from harness.objectives.alerts import AlertRule
from harness.repeat import Repeat
from harness.scenario import Phases, Twin
from harness.stop_when import StopWhen
from harness.traffic import CLIENTS, Traffic
from harness.units import show_planned_s
from harness.words import COUNT, DURATION, NAME, TEXT, word, words_of

VARIABLE = "[A-Za-z_][A-Za-z0-9_]*"
# Variables reach the compose plugin as its environment: a file must not choose which program or which engine that is.
_RESERVED = re.compile(r"PATH|HOME|(LD|DOCKER|COMPOSE|BUILDX|BUILDKIT)_.*", re.IGNORECASE)
_PHASE_MIN_S, _PHASE_MAX_S = 1.0, 86_400.0
_COMPOSE_FILE = re.compile(r"\S{1,250}\.ya?ml", re.ASCII)


def _cluster(text: str) -> object:
    return text if _COMPOSE_FILE.fullmatch(text) else NAME.read(text)


CLUSTER = replace(NAME, example="NAME", read=_cluster, pattern=rf"(?:{NAME.pattern})|(?:{_COMPOSE_FILE.pattern})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The plain words at the top of a file."""

    name: str = field(metadata=word("scenario", NAME, "its name, which is the name of its file too"))
    about: str = field(metadata=word("about", TEXT, "what is broken and what users may notice, for a manager"))
    cluster: str = field(metadata=word("cluster", CLUSTER, "the compose file it runs on, compose/NAME.yaml"))
    seed: int = field(default=1, metadata=word("seed", COUNT, "the only source of randomness"))
    time_limit_s: float | None = field(
        default=None, metadata=word("time_limit", DURATION, "a run that takes longer is stopped and healed")
    )
    tags: tuple[str, ...] = field(default=(), metadata=word("tags", NAME, "what a suite picks it by", many=True))
    baseline: str | None = field(
        default=None, metadata=word("baseline", NAME, "the saved figures it is held against, baselines/NAME.json")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What a broken twin is for."""

    violated: tuple[str, ...] = field(
        metadata=word("violated", NAME, "exactly the objectives that must be violated", many=True)
    )


def head(tree: Map, complaints: Complaints) -> dict[str, Any]:
    """The keyword arguments for ``Head`` that could be read; and a complaint for each part that is missing."""
    values, _ = read_words(Head, tree, "a scenario", complaints, also=PARTS)
    if values.get("about", "-").strip() == "":
        complaints.add(
            line_of(tree, "about"), "'about' is empty: say in a sentence what is broken and what users notice"
        )
    for key, part in PARTS.items():
        if part.required and tree.get(key) is None:
            complaints.add(tree.line, f"a scenario needs '{key}': {part.about}; such as '{key}: {part.example}'")
    return values


def phases(tree: Map, complaints: Complaints) -> Phases | None:
    inner = map_at(tree, "phases", complaints)
    if inner is None:
        return None
    values, whole = read_words(Phases, inner, "'phases'", complaints)
    for key, one in words_of(Phases).items():
        length_s = values.get(one.name)
        if length_s is not None and length_s < _PHASE_MIN_S:
            whole = False
            text = f"'{key}' is {show_planned_s(length_s)}: nothing can be measured in that; write at least 1s"
            complaints.add(line_of(inner, key), text)
        if length_s is not None and length_s > _PHASE_MAX_S:
            whole = False
            complaints.add(line_of(inner, key), f"'{key}' is {length_s / 3600:,.0f} h: write at most 24h")
    return Phases(**values) if whole else None


def traffic(tree: Map, complaints: Complaints) -> tuple[Item[Traffic], ...]:
    kinds = by_word("traffic", "client", CLIENTS, complaints)
    return items_at(tree, "traffic", complaints, kinds, lambda kind: f"{kind.client} traffic")


def faults(tree: Map, complaints: Complaints) -> tuple[Item[Fault], ...]:
    kinds = by_word("faults", "fault", CATALOGUE, complaints)
    return items_at(tree, "faults", complaints, kinds, lambda kind: article(f"{kind.kind} fault"))


def steps(tree: Map, complaints: Complaints) -> tuple[Item[Step], ...]:
    return items_at(tree, "steps", complaints, lambda _: (Step, ""), lambda _: "a step")


def stop_when(tree: Map, complaints: Complaints) -> tuple[Item[StopWhen], ...]:
    return items_at(tree, "stop_when", complaints, lambda _: (StopWhen, ""), lambda _: "a condition of 'stop_when'")


def repeat(tree: Map, complaints: Complaints) -> Repeat | None:
    inner = map_at(tree, "repeat", complaints)
    if inner is None:
        return None
    values, whole = read_words(Repeat, inner, "'repeat'", complaints)
    if not whole:
        return None
    found = Repeat(**values)
    for key, text in found.check():
        complaints.add(line_of(inner, key), f"'{key}' {text}")
    return found


def alerts(tree: Map, complaints: Complaints) -> tuple[Item[AlertRule], ...]:
    items = items_at(tree, "alerts", complaints, lambda _: (AlertRule, ""), lambda _: "an alert rule")
    names: set[str] = set()
    for item in items:
        for key, text in item.value.check() if item.value else ():
            complaints.add(item.line_of(key), f"'{key}' {text}")
        if item.value and item.value.name in names:
            complaints.add(item.line_of("alert"), f"two alert rules are called '{item.value.name}': keep one")
        names |= {item.value.name} if item.value else set()
    return items


def objectives(tree: Map, complaints: Complaints) -> tuple[Item[Objective], ...]:
    return items_at(
        tree, "objectives", complaints, lambda item: _figure(item, complaints), lambda kind: f"a {kind.key} objective"
    )


def variables(tree: Map, complaints: Complaints) -> tuple[tuple[str, str], ...]:
    """What ``with:`` sets, in the order of the file."""
    inner = map_at(tree, "with", complaints)
    found = []
    for entry in inner.entries if inner else ():
        text = text_of(entry.value)
        if isinstance(entry.value, Hole):
            continue
        if re.fullmatch(VARIABLE, entry.key) is None:
            problem = f"'with' sets {quoted(entry.key)}: a variable has only letters, digits and '_', no digit first"
        elif _RESERVED.fullmatch(entry.key):
            problem = f"'with' sets {quoted(entry.key)}, which belongs to docker and the shell: choose another name"
        elif not isinstance(entry.value, Text):
            problem = f"{quoted(entry.key)} is {shape(entry.value)}: a variable is one text"
        elif text is None:
            problem = f'{quoted(entry.key)} is empty: write "" if that is meant'
        elif unseen := text_problem(text):
            problem = f"{quoted(entry.key)} {unseen}"
        else:
            found.append((entry.key, text))
            continue
        complaints.add(entry.line, problem)
    return tuple(found)


def expected(tree: Map, complaints: Complaints) -> tuple[Item[str], ...] | None:
    """The names that ``expect:`` gives, each with its line; None without it."""
    inner = map_at(tree, "expect", complaints)
    return None if inner is None else _violated(inner, "'expect'", complaints)


def twin(tree: Map, complaints: Complaints) -> tuple[Twin, tuple[Item[str], ...]] | None:
    """What ``twin:`` says, and the names in it, each with its line; None without it, or where it cannot be read."""
    inner = map_at(tree, "twin", complaints)
    if inner is None:
        return None
    if tree.get("expect"):
        text = "'twin' stands beside 'expect': what is violated on the cluster as it is needs no twin; leave one out"
        complaints.add(line_of(tree, "twin"), text)
    turned = variables(inner, complaints)
    if inner.get("with") is None:
        text = "'twin' needs 'with': a variable of the compose file that makes it worse, such as 'with: {RETRIES: 0}'"
        complaints.add(inner.line, text)
    names = _violated(inner, "'twin'", complaints, also=("with",))
    return None if names is None else (Twin(turned, tuple(item.value or "" for item in names)), names)


def _violated(
    inner: Map, what: str, complaints: Complaints, also: tuple[str, ...] = ()
) -> tuple[Item[str], ...] | None:
    values, whole = read_words(Expect, inner, what, complaints, also=also)
    if not whole:
        return None
    names, entry = Expect(**values).violated, inner.get("violated")
    if not names:
        complaints.add(
            line_of(inner, "violated"),
            f"'violated' is empty: name the objectives it must violate, or leave {what} out",
        )
    items = entry.value.items if entry and isinstance(entry.value, List) else (inner,)
    return tuple(Item(name, name, item.line, {}) for name, item in zip(names, items, strict=True))


def _figure(item: Map, complaints: Complaints) -> tuple[type[Objective], str] | None:
    """The class whose figure an objective asks for: the one key that is in the table."""
    figures = [entry.key for entry in item.entries if entry.key in OBJECTIVES]
    if len(figures) == 1:
        return OBJECTIVES[figures[0]], figures[0]
    if len(figures) > 1:
        both = " and ".join(f"'{key}'" for key in figures)
        complaints.add(item.line, f"an objective asks for {both}: make it {len(figures)} objectives")
        return None
    keys = {key for kind in OBJECTIVES.values() for key in words_of(kind)}
    if known_keys(item, keys, "an objective", complaints):
        complaints.add(item.line, f"an objective needs the figure that it bounds: one of {', '.join(OBJECTIVES)}")
    return None
