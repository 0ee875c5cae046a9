"""The JSON Schema of a scenario file, for editors: made from the same words as the reader, so it cannot differ."""

from collections.abc import Callable, Collection
from dataclasses import MISSING

from harness.faults import CATALOGUE
from harness.faults.mix import Mix
from harness.loader.lists import PARTS
from harness.loader.mixing import TEMPLATES
from harness.loader.parts import VARIABLE, Expect, Head
from harness.loader.steps import Step
from harness.objectives import OBJECTIVES
from harness.objectives.alerts import AlertRule
from harness.repeat import Repeat
from harness.scenario import Phases
from harness.stop_when import StopWhen
from harness.traffic import CLIENTS
from harness.words import COUNT, NAME, TEXT, Word, word_of, words_of

Json = dict[str, object]


def schema() -> Json:
    """JSON Schema 2020-12. What no schema can say (times, references, contradictions) ``harness check`` says."""
    head = _map_of(Head)
    properties = dict(_properties(Head))
    properties |= {key: {**_PARTS[key](), "description": part.about} for key, part in PARTS.items()}
    required = [*_required(Head), *(key for key, part in PARTS.items() if part.required)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A scenario of chaos-harness",
        **head,
        "required": required,
        "properties": properties,
    }


def _variables() -> Json:
    value = {"type": ["string", "number", "boolean"]}
    return {"type": "object", "propertyNames": {"pattern": f"^{VARIABLE}$"}, "additionalProperties": value}


def _twin() -> Json:
    """``twin:``, which is a ``with:`` and an ``expect:`` of its own."""
    named = _map_of(Expect)
    return {
        **named,
        "required": ["with", *_required(Expect)],
        "properties": {"with": _variables(), **_properties(Expect)},
    }


def _mix() -> Json:
    """``random:``, whose faults have no time of their own and need no name."""
    kinds = [_without(_kind(kind, "fault", kind.kind), ("at", "for"), ("name",)) for kind in CATALOGUE.values()]
    faults = {"description": TEMPLATES.about, **_list_of(kinds, at_least=1)}
    whole = _map_of(Mix)
    return {**whole, "required": ["faults", *_required(Mix)], "properties": {"faults": faults, **_properties(Mix)}}


def _without(kind: Json, gone: Collection[str], optional: Collection[str]) -> Json:
    properties, required = kind["properties"], kind["required"]
    if not isinstance(properties, dict) or not isinstance(required, list):
        raise TypeError("a kind of fault is not a map")
    return {
        **kind,
        "required": [key for key in required if key not in (*gone, *optional)],
        "properties": {key: value for key, value in properties.items() if key not in gone},
    }


def _list_of(kinds: Collection[Json], at_least: int) -> Json:
    return {"type": "array", "minItems": at_least, "items": {"oneOf": list(kinds)}}


def _kind(kind: type, key: str, name: str) -> Json:
    """One class whose name stands under ``key``."""
    own = {"required": [key, *_required(kind)], "properties": {key: {"const": name}, **_properties(kind)}}
    return {"title": name, "description": _about(kind), **_map_of(kind), **own}


def _figure(kind: type, key: str) -> Json:
    """One class that is known by a key of its own."""
    return {"title": key, "description": _about(kind), **_map_of(kind)}


def _about(kind: type) -> str:
    about = getattr(kind, "about", "")
    page = getattr(kind, "page", "")
    return f"{about}. {page}".strip() if page else str(about)


def _map_of(kind: type) -> Json:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": _required(kind),
        "properties": _properties(kind),
    }


def _required(kind: type) -> list[str]:
    fields = words_of(kind).items()
    return [key for key, field in fields if field.default is MISSING and field.default_factory is MISSING]


def _properties(kind: type) -> Json:
    return {key: _word(word) for key, field in words_of(kind).items() if (word := word_of(field))}


def _word(word: Word) -> Json:
    one = _reader(word)
    if not word.many:
        return {"description": word.about, **one}
    some = {"type": "array", "items": one, **({} if word.repeats else {"uniqueItems": True})}
    return {"description": word.about, "oneOf": [one, some]}


def _reader(word: Word) -> Json:
    reader = word.reader
    if reader.choices:
        return {"enum": list(reader.choices)}
    if reader is COUNT:
        return {"type": "integer", "minimum": 0}
    if reader in (NAME, TEXT):
        return {"type": "string", **({"pattern": f"^(?:{reader.pattern})$"} if reader.pattern else {})}
    if reader.number:
        return {"type": ["number", "string"], "examples": [reader.example]}
    found: Json = {"type": "string", "examples": [reader.example]}
    return found | ({"pattern": f"^(?:{reader.pattern})$"} if reader.pattern else {})


_PARTS: dict[str, Callable[[], Json]] = {
    "phases": lambda: _map_of(Phases),
    "traffic": lambda: _list_of([_kind(kind, "client", kind.client) for kind in CLIENTS.values()], at_least=1),
    "faults": lambda: _list_of([_kind(kind, "fault", kind.kind) for kind in CATALOGUE.values()], at_least=0),
    "steps": lambda: _list_of([_map_of(Step)], at_least=0),
    "random": _mix,
    "repeat": lambda: _map_of(Repeat),
    "stop_when": lambda: _list_of([_map_of(StopWhen)], at_least=0),
    "alerts": lambda: _list_of([_map_of(AlertRule)], at_least=0),
    "objectives": lambda: _list_of([_figure(kind, key) for key, kind in OBJECTIVES.items()], at_least=1),
    "with": _variables,
    "expect": lambda: _map_of(Expect),
    "twin": _twin,
}
