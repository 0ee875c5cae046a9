"""Waivers: an objective that is accepted as violated for a while. By whom, why, and until when stands in the file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from harness.errors import ScenarioError
from harness.loader.document import Complaints, Hole, List, Map, read
from harness.loader.lists import line_of
from harness.loader.reading import did_you_mean, known_keys, read_words, shape
from harness.loader.suite import SCENARIO, Known
from harness.words import NAME, TEXT, Reader, word

_EXAMPLE = "{scenario: kill, objective: tail, who: A. Lovelace, why: known slow until v1.3, until: 2026-12-31}"
_FIRST = f"waivers: [{_EXAMPLE}]"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _date(text: str) -> date:
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise ValueError(f"is '{text}': write a date such as 2026-12-31")


DATE = Reader("date", "2026-12-31", _date, pattern=_DATE.pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Counts for every setting of the scenario, and to the end of the day ``until``, UTC."""

    scenario: str = field(metadata=word("scenario", SCENARIO, "the scenario, as the suite names it"))
    objective: str = field(metadata=word("objective", NAME, "the objective that is accepted as violated"))
    who: str = field(metadata=word("who", TEXT, "who accepts it"))
    why: str = field(metadata=word("why", TEXT, "why it is accepted"))
    until: date = field(metadata=word("until", DATE, "the last day on which it counts"))


def parse(data: bytes, file: str, known: Mapping[str, Known] | None) -> tuple[Waiver, ...]:
    """``known``: every scenario of the suite; None: not to be checked. Raises ``ScenarioError`` with every problem."""
    complaints = Complaints(file, "list of waivers", _FIRST)
    tree = read(data, complaints)
    found = tuple(waiver for item in _items(tree, complaints) if (waiver := _waiver(item, known, complaints)))
    if complaints.problems:
        raise ScenarioError(complaints.problems)
    return found


def _items(tree: Map | None, complaints: Complaints) -> tuple[Map, ...]:
    if tree is None:
        return ()
    known_keys(tree, ("waivers",), "a list of waivers", complaints)
    entry = tree.get("waivers")
    if entry is None:
        complaints.add(tree.line, f"a list of waivers needs 'waivers'; such as '{_FIRST}'")
    elif not isinstance(entry.value, List | Hole):
        complaints.add(entry.line, f"'waivers' is {shape(entry.value)}: write a list, such as '{_FIRST}'")
    items = entry.value.items if entry and isinstance(entry.value, List) else ()
    for item in items:
        if not isinstance(item, Map | Hole):
            complaints.add(item.line, f"a waiver is {shape(item)}: write keys and values, such as '- {_EXAMPLE}'")
    return tuple(item for item in items if isinstance(item, Map))


def _waiver(item: Map, known: Mapping[str, Known] | None, complaints: Complaints) -> Waiver | None:
    values, whole = read_words(Waiver, item, "a waiver", complaints)
    for key in ("who", "why"):
        if not values.get(key, "-").strip():
            complaints.add(line_of(item, key), f"'{key}' is empty: a waiver without it is none")
    scenario, objective = values.get("scenario"), values.get("objective")
    if known is None:
        return Waiver(**values) if whole else None
    if scenario is not None and scenario not in known:
        text = f"'scenario' is '{scenario}', which the suite does not play{did_you_mean(scenario, known)}"
        complaints.add(line_of(item, "scenario"), text)
    elif scenario is not None and objective is not None and objective not in known[scenario].objectives:
        hint = did_you_mean(objective, known[scenario].objectives)
        complaints.add(line_of(item, "objective"), f"'objective' is '{objective}', which {scenario} has not{hint}")
    return Waiver(**values) if whole else None
