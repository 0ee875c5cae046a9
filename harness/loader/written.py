"""Words that were said in Python, as the text of a scenario file: read like any other, and kept in the record."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import yaml

from harness.errors import Problem, ScenarioError
from harness.faults import CATALOGUE
from harness.loader.reading import did_you_mean
from harness.objectives import OBJECTIVES
from harness.traffic import CLIENTS
from harness.words import words_of

Part = Literal["traffic", "faults", "objectives"]
Words = Mapping[str, str | tuple[str, ...]]
TABLES: Mapping[Part, Mapping[str, type]] = {"traffic": CLIENTS, "faults": CATALOGUE, "objectives": OBJECTIVES}
_NAMED_BY: Mapping[Part, str] = {"traffic": "client", "faults": "fault"}  # an objective is known by its figure
_LEADING: Mapping[Part, tuple[str, ...]] = {"traffic": ("to",), "faults": ("nodes", "node"), "objectives": ()}
_LINKS = ("link", "links")


@dataclass(frozen=True, slots=True)
class Said:
    """One traffic, fault or objective: ``kind`` is its word in the table of its part; ``words``: key -> text."""

    part: Part
    kind: str
    words: Words

    def but(self, **words: str | None) -> "Said":
        """The same with these words where it has none of its own; None says nothing."""
        return Said(self.part, self.kind, {**{k: v for k, v in words.items() if v is not None}, **self.words})

    def now(self, **words: str) -> "Said":
        """The same with these words, whatever it had."""
        return Said(self.part, self.kind, {**self.words, **words})

    def has(self, key: str) -> bool:
        return key in self.words

    def knows(self, key: str) -> bool:
        """Is that a word of its kind?"""
        return key in words_of(TABLES[self.part][self.kind])

    @property
    def name(self) -> str:
        found = self.words.get("name", "")
        return found if isinstance(found, str) else found[0]


def say(part: Part, kind: str, first: Sequence[object], words: Mapping[str, object]) -> Said:
    """``first``: what was said without its key: nodes or links of a fault, the bound of an objective.

    A word that Python keeps for itself ends with '_' (``from_``, ``in_``, ``for_``); '-' is '_'. Values are what the
    file would say (``"200ms"``), numbers, or lists. Raises ``ScenarioError`` for a key that the kind does not have.
    """
    keys = words_of(TABLES[part][kind])
    found: dict[str, str | tuple[str, ...]] = {}
    if first:
        found[_leading(part, kind, first)] = _text(first[0] if len(first) == 1 else first)
    for word, value in words.items():
        key = next((k for k in (word, word.rstrip("_"), word.rstrip("_").replace("_", "-")) if k in keys), None)
        if key is None:
            hint = did_you_mean(word.rstrip("_"), keys)
            raise ScenarioError([Problem(kind, 0, f"'{word}' is not a word of it{hint}")])
        if value is not None:
            found[key] = _text(value)
    return Said(part, kind, found)


def _leading(part: Part, kind: str, first: Sequence[object]) -> str:
    keys = words_of(TABLES[part][kind])
    if part == "objectives":
        return kind
    wanted = _LINKS if "->" in str(first[0]) else _LEADING[part]
    key = next((key for key in wanted if key in keys), None)
    if key is None:
        raise ScenarioError([Problem(kind, 0, f"say what '{first[0]}' is: it has {', '.join(keys)}")])
    return key


def _text(value: object) -> str | tuple[str, ...]:
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(str(one) for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def write(head: Mapping[str, str], phases: Mapping[str, str], said: Iterable[Said]) -> bytes:
    """The file: what ``parse`` reads."""
    parts: dict[str, list[dict[str, object]]] = {"traffic": [], "faults": [], "objectives": []}
    for one in said:
        named = {_NAMED_BY[one.part]: one.kind} if one.part in _NAMED_BY else {}
        words = {key: list(text) if isinstance(text, tuple) else text for key, text in one.words.items()}
        parts[one.part].append({**named, **words})
    document = {**head, "phases": dict(phases), **parts}
    return yaml.safe_dump(document, sort_keys=False, width=120, allow_unicode=True).encode()
