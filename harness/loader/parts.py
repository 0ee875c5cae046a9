"""The parts of a scenario file, each read by itself: what can be said of it without looking at the others."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from harness.faults import CATALOGUE, Fault
from harness.loader.document import Complaints, Entry, Hole, List, Map, Text, quoted
from harness.loader.reading import Item, article, did_you_mean, known_keys, read_words, shape, text_of, text_problem
from harness.objectives import OBJECTIVES, Objective
from harness.scenario import Phases
from harness.traffic import CLIENTS, Traffic
from harness.units import show_planned_s
from harness.words import COUNT, NAME, TEXT, word, words_of

T = TypeVar("T", Fault, Traffic, Objective)
VARIABLE = "[A-Za-z_][A-Za-z0-9_]*"
# Variables reach the compose plugin as its environment: a file must not choose which program or which engine that is.
_RESERVED = re.compile(r"PATH|HOME|(LD|DOCKER|COMPOSE|BUILDX|BUILDKIT)_.*", re.IGNORECASE)
_PHASE_MIN_S, _PHASE_MAX_S = 1.0, 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The plain words at the top of a file."""

    name: str = field(metadata=word("scenario", NAME, "its name, which is the name of its file too"))
    about: str = field(metadata=word("about", TEXT, "what is broken and what users may notice, for a manager"))
    cluster: str = field(metadata=word("cluster", NAME, "the compose file it runs on, compose/NAME.yaml"))
    seed: int = field(default=1, metadata=word("seed", COUNT, "the only source of randomness"))
    tags: tuple[str, ...] = field(default=(), metadata=word("tags", NAME, "what a suite picks it by", many=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What a broken twin is for."""

    violated: tuple[str, ...] = field(
        metadata=word("violated", NAME, "exactly the objectives that must be violated", many=True)
    )


@dataclass(frozen=True, slots=True)
class Part:
    """A key at the top whose value is more than a word."""

    about: str
    example: str
    required: bool = True


PARTS: dict[str, Part] = {
    "phases": Part("how long each phase lasts", "{warmup: 10s, faults: 30s, recovery: 20s}"),
    "traffic": Part("the load", "[{name: chat, client: ollama-generate, to: gateway, rate: 50/s}]"),
    "faults": Part("what is broken, and when", "[{fault: kill, name: dead-n1, at: 5s, for: 20s, nodes: [n1]}]", False),
    "objectives": Part("what must hold", '[{name: answers, of: chat, success: ">= 99.5%"}]'),
    "with": Part("variables of the compose file", '{RETRIES: "0"}', False),
    "expect": Part("what a broken twin is for", "{violated: [answers]}", False),
}


def head(tree: Map, complaints: Complaints) -> dict[str, Any]:
    """The keyword arguments for ``Head`` that could be read; and a complaint for each part that is missing."""
    values, _ = read_words(Head, tree, "a scenario", complaints, also=PARTS)
    if values.get("about", "-").strip() == "":
        complaints.add(_line(tree, "about"), "'about' is empty: say in a sentence what is broken and what users notice")
    for key, part in PARTS.items():
        if part.required and tree.get(key) is None:
            complaints.add(tree.line, f"a scenario needs '{key}': {part.about}; such as '{key}: {part.example}'")
    return values


def phases(tree: Map, complaints: Complaints) -> Phases | None:
    inner = _map(tree, "phases", complaints)
    if inner is None:
        return None
    values, whole = read_words(Phases, inner, "'phases'", complaints)
    for key, one in words_of(Phases).items():
        length_s = values.get(one.name)
        if length_s is not None and length_s < _PHASE_MIN_S:
            whole = False
            text = f"'{key}' is {show_planned_s(length_s)}: nothing can be measured in that; write at least 1s"
            complaints.add(_line(inner, key), text)
        if length_s is not None and length_s > _PHASE_MAX_S:
            whole = False
            complaints.add(_line(inner, key), f"'{key}' is {length_s / 3600:,.0f} h: write at most 24h")
    return Phases(**values) if whole else None


def traffic(tree: Map, complaints: Complaints) -> tuple[Item[Traffic], ...]:
    kinds = _by_word("traffic", "client", CLIENTS, complaints)
    return _items(tree, "traffic", complaints, kinds, lambda kind: f"{kind.client} traffic")


def faults(tree: Map, complaints: Complaints) -> tuple[Item[Fault], ...]:
    kinds = _by_word("faults", "fault", CATALOGUE, complaints)
    return _items(tree, "faults", complaints, kinds, lambda kind: article(f"{kind.kind} fault"))


def objectives(tree: Map, complaints: Complaints) -> tuple[Item[Objective], ...]:
    return _items(
        tree, "objectives", complaints, lambda item: _figure(item, complaints), lambda kind: f"a {kind.key} objective"
    )


def variables(tree: Map, complaints: Complaints) -> tuple[tuple[str, str], ...]:
    """What ``with:`` sets, in the order of the file."""
    inner = _map(tree, "with", complaints)
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
    inner = _map(tree, "expect", complaints)
    if inner is None:
        return None
    values, whole = read_words(Expect, inner, "'expect'", complaints)
    if not whole:
        return None
    names, entry = Expect(**values).violated, inner.get("violated")
    if not names:
        complaints.add(
            _line(inner, "violated"), "'violated' is empty: name the objectives it must violate, or leave 'expect' out"
        )
    items = entry.value.items if entry and isinstance(entry.value, List) else (inner,)
    return tuple(Item(name, name, item.line, {}) for name, item in zip(names, items, strict=True))


def _line(tree: Map, key: str) -> int:
    entry = tree.get(key)
    return entry.line if entry else tree.line


def _map(tree: Map, key: str, complaints: Complaints) -> Map | None:
    """The map under ``key``; a complaint if it is something else, or nothing where it is required."""
    entry, part = tree.get(key), PARTS[key]
    if entry is None or isinstance(entry.value, Map):
        return entry.value if entry and isinstance(entry.value, Map) else None
    _complain_of_shape(entry, part, "a map", complaints)
    return None


def _complain_of_shape(entry: Entry, part: Part, wanted: str, complaints: Complaints) -> None:
    nothing = isinstance(entry.value, Text) and entry.value.text is None
    if isinstance(entry.value, Hole) or (nothing and not part.required):
        return
    complaints.add(
        entry.line, f"'{entry.key}' is {shape(entry.value)}: write {wanted}, such as '{entry.key}: {part.example}'"
    )


def _items(
    tree: Map,
    key: str,
    complaints: Complaints,
    kind_of: Callable[[Map], tuple[type[T], str] | None],
    noun: Callable[[type[T]], str],
) -> tuple[Item[T], ...]:
    """The items of one list: of each the class that ``kind_of`` finds, filled by that class's own words."""
    entry, part = tree.get(key), PARTS[key]
    if entry is None:
        return ()
    if not isinstance(entry.value, List):
        _complain_of_shape(entry, part, "a list", complaints)
        return ()
    if not entry.value.items and part.required:
        complaints.add(entry.line, f"'{key}' is empty: name at least one, such as '{key}: {part.example}'")
    return tuple(_each(entry.value, key, complaints, kind_of, noun))


def _each(
    tree: List,
    part: str,
    complaints: Complaints,
    kind_of: Callable[[Map], tuple[type[T], str] | None],
    noun: Callable[[type[T]], str],
) -> Iterator[Item[T]]:
    for item in tree.items:
        if isinstance(item, Hole):
            continue
        if not isinstance(item, Map):
            example = f"'- {PARTS[part].example[1:-1]}'"
            complaints.add(item.line, f"an item of '{part}' is {shape(item)}: write keys and values, such as {example}")
            continue
        found, value = kind_of(item), None
        if found is not None:
            kind, key = found
            values, whole = read_words(kind, item, noun(kind), complaints, also=(key,))
            value = kind(**values) if whole else None
        yield Item(value, _name(item), item.line, {entry.key: entry.line for entry in item.entries})


def _name(item: Map) -> str | None:
    """The item's name, if it is one; also of an item with something else wrong in it."""
    entry = item.get("name")
    text = text_of(entry.value) if entry else None
    return text if text is not None and re.fullmatch(NAME.pattern, text) else None


def _by_word(
    part: str, key: str, table: Mapping[str, type[T]], complaints: Complaints
) -> Callable[[Map], tuple[type[T], str] | None]:
    """The class that the text under ``key`` (``fault: kill``) names in ``table``."""

    def kind_of(item: Map) -> tuple[type[T], str] | None:
        entry = item.get(key)
        if entry is not None and isinstance(entry.value, Hole):
            return None
        text = text_of(entry.value) if entry else None
        if text is not None and text in table:
            return table[text], key
        if entry is None:
            complaints.add(item.line, f"an item of '{part}' needs '{key}': one of {', '.join(sorted(table))}")
        elif text is None:
            complaints.add(entry.line, f"'{key}' is {shape(entry.value)}: write one of {', '.join(sorted(table))}")
        else:
            complaints.add(entry.line, f"{quoted(text)} is not a {key}{did_you_mean(text, table)}")
        return None

    return kind_of


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
