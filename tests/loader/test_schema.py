"""The schema agrees with the reader, as far as a schema can."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.faults import CATALOGUE
from harness.loader import schema
from harness.objectives import OBJECTIVES
from harness.traffic import CLIENTS
from harness.words import SPAN

SHIPPED = sorted(
    path for path in (Path(__file__).parents[2] / "scenarios").rglob("*.yaml") if path.parent.name != "suites"
)
KEYWORDS = {
    "$schema", "title", "description", "examples", "type", "properties", "required", "additionalProperties", "oneOf",
    "items", "minItems", "uniqueItems", "enum", "const", "pattern", "minimum", "propertyNames",
}  # fmt: skip
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
}  # fmt: skip


def wrong(value: Any, rule: Any, where: str = "file") -> Iterator[str]:
    """What the keywords that our schema uses have to say of a value; enough of JSON Schema for these tests."""
    assert set(rule) <= KEYWORDS, set(rule) - KEYWORDS
    kinds = [rule["type"]] if isinstance(rule.get("type"), str) else rule.get("type", [])
    if kinds and not any(isinstance(value, TYPES[kind]) for kind in kinds):
        yield f"{where} is no {kinds}"
        return
    if "enum" in rule and value not in rule["enum"]:
        yield f"{where} is none of {rule['enum']}"
    if "const" in rule and value != rule["const"]:
        yield f"{where} is not {rule['const']}"
    if "pattern" in rule and isinstance(value, str) and not re.search(rule["pattern"], value):
        yield f"{where} does not match {rule['pattern']}"
    if "oneOf" in rule and (fit := sum(not [*wrong(value, one)] for one in rule["oneOf"])) != 1:
        yield f"{where} fits {fit} of {len(rule['oneOf'])}"
    if isinstance(value, list):
        if len(value) < rule.get("minItems", 0):
            yield f"{where} is too short"
        for item in value if "items" in rule else ():
            yield from wrong(item, rule["items"], f"{where}[]")
    if isinstance(value, dict):
        yield from (f"{where} needs {key}" for key in rule.get("required", ()) if key not in value)
        for key, one in value.items():
            inner = rule.get("properties", {}).get(key, rule.get("additionalProperties", {}))
            yield from [f"{where} has {key}"] if inner is False else wrong(one, inner, f"{where}.{key}")


def as_yaml_1_2(tree: object) -> object:
    """PyYAML reads YAML 1.1, in which ``on``, ``off`` and ``yes`` are booleans; editors read 1.2."""
    if tree is True:
        return "yes"
    if isinstance(tree, dict):
        names = {True: "on", False: "off"}
        return {names[key] if isinstance(key, bool) else key: as_yaml_1_2(value) for key, value in tree.items()}
    return [as_yaml_1_2(item) for item in tree] if isinstance(tree, list) else tree


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_shipped_scenario_fits_the_schema(path: Path) -> None:
    assert list(wrong(as_yaml_1_2(yaml.safe_load(path.read_text())), schema())) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed: 7", "seed: seven", ["file.seed is no ['integer']"]),
        ("seed: 7", "sed: 7", ["file has sed"]),
        ("warmup: 10s", "warmup: 10", ["file.phases.warmup is no ['string']"]),
        ("fault: partition", "fault: partitoin", [f"file.faults[] fits 0 of {len(CATALOGUE)}"]),
        ("nodes: [n1]", "nodes: [n 1]", [f"file.faults[] fits 0 of {len(CATALOGUE)}"]),
        ("style: drop", "style: loud", [f"file.faults[] fits 0 of {len(CATALOGUE)}"]),
        ("rate: 50/s", "rate: 50", [f"file.traffic[] fits 0 of {len(CLIENTS)}"]),
        ("scenario: partition", "scenario: Partition", [r"file.scenario does not match ^(?:[a-z][a-z0-9-]{0,39})$"]),
    ],
)
def test_what_the_loader_refuses_the_schema_refuses(old: str, new: str, said: list[str]) -> None:
    text = SHIPPED[[path.parent.name + path.stem for path in SHIPPED].index("scenariospartition")].read_text()
    assert list(wrong(yaml.safe_load(text.replace(old, new, 1)), schema())) == said


WHOLE = """
scenario: mine
about: Everything that the language has.
cluster: ollama
time_limit: 10m
phases: {warmup: 10s, faults: 60s, recovery: 20s}
traffic: [{name: chat, client: http, to: gateway, rate: 50/s}]
stop_when: [{of: chat, success: "< 50%", over: 5s}]
repeat: {runs: 30, confidence: 99%, stop: sequential, p0: 70%, p1: 95%}
faults: [{fault: kill, name: dead, at: 1s, for: 5s, nodes: [30% of node, leader]}]
steps: [{name: drain, at: 5s, "on": n1, run: [admin, a, a]}]
random:
  count: 4
  at_once: 2
  without: [3]
  for: 3s..8s
  faults: [{fault: kill, nodes: 1 of node}]
objectives: [{name: answers, of: chat, success: ">= 50%"}]
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("scenario", "scenario", []),
        ("time_limit: 10m", "time_limit: 10", ["file.time_limit is no ['string']"]),
        ("30% of node", "lots of node", [f"file.faults[] fits 0 of {len(CATALOGUE)}"]),
        ("over: 5s", "ever: 5s", ["file.stop_when[] fits 0 of 1"]),
        ("runs: 30", "runs: often", ["file.repeat.runs is no ['integer']"]),
        ("sequential", "early", ["file.repeat.stop is none of ['sequential']"]),
        ('"on": n1', "nodes: n1", ["file.steps[] fits 0 of 1"]),
        ("3s..8s", "3..8", [f"file.random.for does not match ^(?:{SPAN.pattern})$"]),
        ("  count: 4\n", "", ["file.random needs count"]),
        ("{fault: kill, nodes", "{fault: kill, at: 5s, nodes", [f"file.random.faults[] fits 0 of {len(CATALOGUE)}"]),
        ("[{fault: kill, nodes: 1 of node}]", "[]", ["file.random.faults is too short"]),
    ],
)
def test_the_schema_knows_the_whole_language(old: str, new: str, said: list[str]) -> None:
    assert WHOLE.count(old) == 1
    assert list(wrong(yaml.safe_load(WHOLE.replace(old, new)), schema())) == said


def test_every_class_of_the_tables_is_in_the_schema_with_a_description() -> None:
    properties: Any = schema()["properties"]
    titles = {part: [one["title"] for one in properties[part]["items"]["oneOf"]] for part in ("faults", "traffic")}
    assert titles == {"faults": list(CATALOGUE), "traffic": list(CLIENTS)}
    figures = properties["objectives"]["items"]["oneOf"]
    assert [one["title"] for one in figures] == list(OBJECTIVES)
    assert all(
        one["description"] for part in ("faults", "traffic", "objectives") for one in properties[part]["items"]["oneOf"]
    )


def test_the_schema_is_json_and_always_the_same() -> None:
    assert json.dumps(schema()) == json.dumps(schema())
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema()["required"] == ["scenario", "about", "cluster", "phases", "traffic", "objectives"]
