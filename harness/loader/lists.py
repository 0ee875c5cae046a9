"""How a part at the top of a file is read where it is a map or a list: its shape first, then item after item."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from harness.faults import Fault
from harness.loader.document import Complaints, Entry, Hole, List, Map, Text, quoted
from harness.loader.reading import Item, did_you_mean, read_words, shape, text_of
from harness.loader.steps import Step
from harness.objectives import Objective
from harness.objectives.alerts import AlertRule
from harness.stop_when import StopWhen
from harness.traffic import Traffic
from harness.words import NAME

T = TypeVar("T", Fault, Traffic, Objective, Step, StopWhen, AlertRule)


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
    "steps": Part("what an operator does", "[{name: drain-n1, at: 5s, on: n1, run: [PROGRAM, ARGUMENT]}]", False),
    "random": Part(
        "a seeded mix of faults", "{count: 5, for: 3s..8s, faults: [{fault: kill, nodes: [1 of node]}]}", False
    ),
    "repeat": Part("how often it is played, and what that must show", "{runs: 10, confidence: 95%}", False),
    "stop_when": Part("when to stop and heal", '[{of: chat, success: "< 50%", over: 5s}]', False),
    "alerts": Part(
        "alert rules for the run's Prometheus", '[{alert: NodeDown, expr: "up{job="node"} == 0", for: 2s}]', False
    ),
    "objectives": Part("what must hold", '[{name: answers, of: chat, success: ">= 99.5%"}]'),
    "with": Part("variables of the compose file", '{RETRIES: "0"}', False),
    "expect": Part("what a broken twin is for", "{violated: [answers]}", False),
    "twin": Part(
        "how the cluster is broken so that it must fail", '{with: {RETRIES: "0"}, violated: [answers]}', False
    ),
}


def line_of(tree: Map, key: str) -> int:
    entry = tree.get(key)
    return entry.line if entry else tree.line


def map_at(tree: Map, key: str, complaints: Complaints) -> Map | None:
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


def items_at(
    tree: Map,
    key: str,
    complaints: Complaints,
    kind_of: Callable[[Map], tuple[type[T], str] | None],
    noun: Callable[[type[T]], str],
    part: Part | None = None,
) -> tuple[Item[T], ...]:
    """The items of one list: of each the class that ``kind_of`` finds, filled by that class's own words.

    ``kind_of``: the class, and the key that named it ("": none did). ``part``: what stands under ``key``, if it is none
    of the keys at the top.
    """
    entry, part = tree.get(key), part or PARTS[key]
    if entry is None:
        return ()
    if not isinstance(entry.value, List):
        _complain_of_shape(entry, part, "a list", complaints)
        return ()
    if not entry.value.items and part.required:
        complaints.add(entry.line, f"'{key}' is empty: name at least one, such as '{key}: {part.example}'")
    return tuple(_each(entry.value, part, key, complaints, kind_of, noun))


def _each(
    tree: List,
    part: Part,
    under: str,
    complaints: Complaints,
    kind_of: Callable[[Map], tuple[type[T], str] | None],
    noun: Callable[[type[T]], str],
) -> Iterator[Item[T]]:
    for item in tree.items:
        if isinstance(item, Hole):
            continue
        if not isinstance(item, Map):
            example = f"'- {part.example[1:-1]}'"
            complaints.add(
                item.line, f"an item of '{under}' is {shape(item)}: write keys and values, such as {example}"
            )
            continue
        found, value = kind_of(item), None
        if found is not None:
            kind, key = found
            values, whole = read_words(kind, item, noun(kind), complaints, also=(key,) if key else ())
            value = kind(**values) if whole else None
        yield Item(value, _name(item), item.line, {entry.key: entry.line for entry in item.entries})


def _name(item: Map) -> str | None:
    """The item's name, if it is one; also of an item with something else wrong in it."""
    entry = item.get("name")
    text = text_of(entry.value) if entry else None
    return text if text is not None and re.fullmatch(NAME.pattern, text) else None


def by_word(
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
