"""The scenarios that come with the package: each is well, and together they show every kind of fault."""

from functools import cache
from pathlib import Path

import pytest

from harness.cluster import Cluster
from harness.drivers import compose
from harness.faults import CATALOGUE
from harness.loader import bind, notes, parse_file
from harness.scenario import Scenario
from harness.weave.weave import describe

HOME = Path(__file__).parents[1]
FILES = {path.stem: path for path in sorted((HOME / "scenarios").glob("*.yaml"))}
LONGEST_S, LONGEST_OF_TIME_S = 60.0, 300.0  # of those whose subject is time


@cache
def cluster(name: str, variables: tuple[tuple[str, str], ...]) -> Cluster:
    """As the compose plugin reads it, which takes its time: once for each setting of its variables."""
    return describe(name, compose.resolve(HOME / "compose" / f"{name}.yaml", "chaos", dict(variables)))


@cache
def shipped(name: str) -> Scenario:
    """What ``harness check`` does; raises ``ScenarioError`` with all problems."""
    draft = parse_file(FILES[name], FILES[name].name)
    assert draft.cluster
    return bind(draft, cluster(draft.cluster, draft.variables))


@pytest.mark.parametrize("name", FILES)
def test_it_passes_check_without_a_note(name: str) -> None:
    scenario = shipped(name)
    found = notes(scenario, cluster(scenario.cluster, scenario.variables))
    # Users who wait for their answers are what these are about.
    waits = {"hundred-concurrent", "tinyllm-breaker", "tinyllm-restart"}
    assert [note for note in found if "is a closed loop" not in note or name not in waits] == []


@pytest.mark.parametrize("name", FILES)
def test_it_is_called_as_its_file_is_and_found_by_its_cluster(name: str) -> None:
    scenario = shipped(name)
    assert scenario.name == name
    assert scenario.cluster in scenario.tags
    assert len(scenario.tags) > 1


@pytest.mark.parametrize("name", FILES)
def test_it_is_over_within_a_minute(name: str) -> None:
    scenario = shipped(name)
    assert scenario.phases.total_s <= (
        LONGEST_OF_TIME_S if {"endurance", "seed-system"} & {*scenario.tags} else LONGEST_S
    )


@pytest.mark.parametrize("name", FILES)
def test_it_asks_for_answers_and_for_the_truth(name: str) -> None:
    asked = {objective.key for objective in shipped(name).objectives}
    assert {"success", "wrong"} <= asked or "linearizable" in asked  # which is all of the truth about registers


@pytest.mark.parametrize("kind", CATALOGUE)
def test_every_kind_of_fault_is_shown(kind: str) -> None:
    assert [name for name in FILES if any(fault.kind == kind for fault in shipped(name).faults)]


@pytest.mark.parametrize("name", FILES)
def test_it_can_fail_by_its_twin_or_on_the_cluster_as_it_is(name: str) -> None:
    scenario = shipped(name)
    own = (HOME / "scenarios" / "broken" / f"{name}.yaml").is_file()
    assert scenario.twin or scenario.expected or own


@pytest.mark.parametrize("name", FILES)
def test_its_twin_is_well_on_the_worse_cluster(name: str) -> None:
    draft = parse_file(FILES[name], FILES[name].name).as_twin()
    assert draft.cluster
    bind(draft, cluster(draft.cluster, draft.variables))
