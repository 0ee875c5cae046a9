"""``random:``, a seeded mix: its numbers, and the faults it draws from, which have no time of their own."""

from dataclasses import dataclass, replace

from harness.faults import CATALOGUE, Fault
from harness.faults.mix import Mix
from harness.loader.document import Complaints, Entry, List, Map, Text, Tree
from harness.loader.lists import Part, by_word, items_at, map_at
from harness.loader.reading import Item, read_words, text_of

TEMPLATES = Part("what is drawn from: faults without 'at' and 'for'", "[{fault: kill, nodes: [1 of node]}]")
_NO_TIME = {"at": "0s", "for": "1s"}  # a template is a fault whose time means nothing


@dataclass(frozen=True, slots=True)
class MixDraft:
    """``item``: the mix, with its templates. ``templates``: each with its lines."""

    item: Item[Mix]
    templates: tuple[Item[Fault], ...]


def mix(tree: Map, faults_s: float | None, complaints: Complaints) -> MixDraft | None:
    """None where the file has none. ``faults_s``: how long the faults phase is, if that could be read."""
    inner = map_at(tree, "random", complaints)
    if inner is None:
        return None
    values, whole = read_words(Mix, inner, "'random'", complaints, also=("faults",))
    if inner.get("faults") is None:
        whole = False
        complaints.add(inner.line, f"'random' needs 'faults': {TEMPLATES.about}; such as 'faults: {TEMPLATES.example}'")
    templates = _templates(inner, complaints)
    whole = whole and all(item.value for item in templates)
    found = Mix(**values, templates=tuple(t.value for t in templates if t.value)) if whole else None
    item = Item(found, None, inner.line, {entry.key: entry.line for entry in inner.entries})
    problems = tuple(found.check(faults_s)) if found and faults_s is not None else ()
    for key, text in problems:
        complaints.add(item.line_of(key), f"'{key}' {text}")
    return MixDraft(replace(item, value=None) if problems else item, templates)


def _templates(inner: Map, complaints: Complaints) -> tuple[Item[Fault], ...]:
    completed = Map(inner.line, tuple(_completed(entry, complaints) for entry in inner.entries))
    kinds = by_word("faults", "fault", CATALOGUE, complaints)
    return items_at(completed, "faults", complaints, kinds, lambda kind: f"a drawn {kind.kind} fault", TEMPLATES)


def _completed(entry: Entry, complaints: Complaints) -> Entry:
    if entry.key != "faults" or not isinstance(entry.value, List):
        return entry
    items = (_as_fault(item, complaints) if isinstance(item, Map) else item for item in entry.value.items)
    return Entry(entry.line, entry.key, List(entry.value.line, tuple(items)))


def _as_fault(template: Map, complaints: Complaints) -> Tree:
    """A template with a time that means nothing and, unless it has one, its kind as its name."""
    for entry in template.entries:
        if entry.key in _NO_TIME:
            complaints.add(entry.line, f"'{entry.key}' is drawn in 'random': take it out")
    kept = tuple(entry for entry in template.entries if entry.key not in _NO_TIME)
    kind = template.get("fault")
    added = dict(_NO_TIME)
    if template.get("name") is None and kind and (name := text_of(kind.value)):
        added["name"] = name
    line = template.line
    return Map(line, (*kept, *(Entry(line, key, Text(line, text)) for key, text in added.items())))
