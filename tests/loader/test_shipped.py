"""What the shipped scenarios ask can be told, and the broken twins that are files of their own are what they say."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.cluster import Cluster
from harness.loader import bind, notes, parse_file
from harness.scenario import Scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def load(name: str, cluster: Cluster) -> Scenario:
    return bind(parse_file(SCENARIOS / f"{name}.yaml", f"{name}.yaml"), cluster)


def test_no_quantile_is_asked_of_fewer_operations_than_it_takes(ollama: Cluster) -> None:
    texts = {path.stem: path.read_text() for path in SCENARIOS.glob("*.yaml")}
    names = [name for name, text in texts.items() if "cluster: ollama\n" in text and "NODE_COUNT" not in text]
    said = [f"{name}: {note}" for name in names for note in notes(load(name, ollama), ollama)]
    assert len(names) > 40
    assert [note for note in said if "can never be told" in note] == []


@pytest.mark.parametrize("name", ["kill", "partition"])
def test_a_broken_twin_is_its_scenario_on_a_worse_gateway(name: str, ollama: Cluster) -> None:
    twin, good = load(f"broken/{name}", ollama), load(name, ollama)
    assert replace(twin, about=good.about, variables=(), expected=None, tags=good.tags) == good
    assert twin.variables == (
        ("CHECKS", "off"), ("RETRIES", "0"), ("CONNECT_TIMEOUT", "30s"), ("SERVER_TIMEOUT", "60s"),
    )  # fmt: skip
    assert twin.expected == ("answers", "recovery", "slow", "excluded")
