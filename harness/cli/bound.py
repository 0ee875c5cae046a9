"""From a name to a scenario on its cluster: every problem of the file and of the cluster at once."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from harness.cli import places
from harness.cluster import Cluster
from harness.drivers import compose
from harness.errors import ClusterError, Problem, ScenarioError
from harness.loader import Draft, bind, parse_file
from harness.scenario import Scenario
from harness.weave.weave import describe

Pairs = tuple[tuple[str, str], ...]
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")


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
    """What the command line sets: it goes before the scenario, the scenario before the environment.

    ``baseline``: a name, or a file.
    """

    seed: int | None = None
    variables: Pairs = ()
    baseline: str | None = None


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
    unknown = [*_unknown(found, drafted, drafted.variables, "with"), *_unknown(found, drafted, overrides.variables, "")]
    try:
        config = compose.resolve(found, "chaos", variables)
        cluster = describe(drafted.cluster, config)
    except ClusterError as error:
        text = str(error).removeprefix(f"{found}: ")
        problem = drafted.problem("cluster", f"'cluster' is '{drafted.cluster}', and {places.shown(found)}: {text}")
        raise ScenarioError([*drafted.problems, *unknown, problem]) from error
    if unknown:
        raise ScenarioError([*drafted.problems, *unknown])
    scenario = bind(drafted, cluster, overrides.seed)
    return Bound(places.name_of(file), file.read_bytes(), scenario, cluster, config, found)


def _unknown(compose_file: Path, drafted: Draft, variables: Pairs, key: str) -> Iterator[Problem]:
    """Variables that the compose file does not have: a misspelt one would be a run of something else."""
    text = compose_file.read_text()
    if re.search(r"(?m)^\s*(extends|include):", text):
        return  # further files, which only the compose plugin knows how to find
    known = sorted(set(_VARIABLE.findall(text)))
    for name, _ in variables:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"it has {', '.join(known) or 'none'}"
            said = f"'{name}' is no variable of {places.shown(compose_file)}; {hint}"
            yield drafted.problem(key, f"'with' {said}") if key else Problem("--with", 0, said)


def _from_environment() -> Mapping[str, str]:
    count = os.environ.get("OLLAMA_TEST_NODE_COUNT")
    return {"NODE_COUNT": count} if count else {}
