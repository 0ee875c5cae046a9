"""The scenarios that come with the package."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.cluster import Cluster, Node
from harness.loader import bind, notes, parse_file
from harness.scenario import Scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
NAMES = sorted(
    path.relative_to(SCENARIOS).with_suffix("").as_posix()
    for path in SCENARIOS.rglob("*.yaml")
    if path.parent.name != "suites"
)


def load(name: str, cluster: Cluster) -> Scenario:
    return bind(parse_file(SCENARIOS / f"{name}.yaml", f"{name}.yaml"), cluster)


def etcd(count: int) -> Cluster:
    """The members of compose/etcd.yaml."""
    ports, leader = (2379, 2380), "etcd_server_is_leader"
    names = (f"n{i}" for i in range(1, count + 1))
    nodes = (Node(n, "member", "member", n, i, ports, "2379/metrics", leader) for i, n in enumerate(names, 1))
    return Cluster("etcd", tuple(nodes))


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_scenario_loads_without_a_note_and_has_tags(name: str, ollama: Cluster) -> None:
    drafted = parse_file(SCENARIOS / f"{name}.yaml", f"{name}.yaml")
    clusters = {"ollama": ollama, "etcd": etcd(int(dict(drafted.variables).get("NODE_COUNT", "3")))}
    cluster = clusters[str(drafted.cluster)]
    scenario = load(name, cluster)
    assert notes(scenario, cluster) == ()
    assert scenario.tags


@pytest.mark.parametrize("name", ["kill", "partition"])
def test_a_broken_twin_is_its_scenario_on_a_worse_gateway(name: str, ollama: Cluster) -> None:
    twin, good = load(f"broken/{name}", ollama), load(name, ollama)
    assert replace(twin, about=good.about, variables=(), expected=None, tags=good.tags) == good
    assert twin.variables == (
        ("CHECKS", "off"), ("RETRIES", "0"), ("CONNECT_TIMEOUT", "30s"), ("SERVER_TIMEOUT", "60s"),
    )  # fmt: skip
    assert twin.expected == ("answers", "recovery", "slow", "excluded")
