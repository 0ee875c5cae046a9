"""From a name to a scenario on its cluster: every problem of the file and of the cluster at once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.cli import places
from harness.cluster import Cluster
from harness.drivers import compose
from harness.errors import ClusterError, ScenarioError
from harness.loader import Draft, bind, parse_file
from harness.scenario import Scenario
from harness.weave.weave import describe


@dataclass(frozen=True, slots=True)
class Bound:
    """``config``: the compose file as its plugin resolves it; ``text`` the scenario file, for the record."""

    name: str
    text: bytes
    scenario: Scenario
    cluster: Cluster
    config: str
    compose_file: Path


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line sets: it goes before the scenario, the scenario before the environment."""

    seed: int | None = None
    variables: tuple[tuple[str, str], ...] = ()


def draft(name: str) -> tuple[Path, Draft]:
    file = places.scenario(name)
    return file, parse_file(file, places.shown(file))


def load(name: str, overrides: Overrides) -> Bound:
    """Raises ``ScenarioError`` with all problems; ``ClusterError`` where the compose file itself cannot be read."""
    file, drafted = draft(name)
    if drafted.cluster is None:
        raise ScenarioError(drafted.problems)
    found = places.compose_file(drafted.cluster, file.resolve().parent)
    if found is None:
        known = ", ".join(places.clusters()) or "none"
        text = f"'cluster' is '{drafted.cluster}': there is no compose/{drafted.cluster}.yaml (there are {known})"
        raise ScenarioError([*drafted.problems, drafted.problem("cluster", text)])
    variables = {**_from_environment(), **dict(drafted.variables), **dict(overrides.variables)}
    try:
        config = compose.resolve(found, "chaos", variables)
        cluster = describe(drafted.cluster, config)
    except ClusterError as error:
        if not drafted.problems:
            raise
        raise ScenarioError([*drafted.problems, drafted.problem("cluster", str(error))]) from error
    scenario = bind(drafted, cluster)
    if overrides.seed is not None:
        scenario = replace(scenario, seed=overrides.seed)
    return Bound(places.name_of(file), file.read_bytes(), scenario, cluster, config, found)


def _from_environment() -> Mapping[str, str]:
    count = os.environ.get("OLLAMA_TEST_NODE_COUNT")
    return {"NODE_COUNT": count} if count else {}
