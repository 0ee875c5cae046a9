"""Whole runs on real Ollama nodes: the verdicts that people act on."""

from collections.abc import Mapping
from pathlib import Path

import docker
import pytest

from harness.cli import results
from harness.drivers.docker import DockerCluster
from harness.judge import verdict as verdicts
from harness.judge.judge import judge
from harness.recording import events
from tests.cluster.experiments import Experiment, container, left_of, run_in, shortened

HERE = Path(__file__).parent / "scenarios"

pytestmark = pytest.mark.usefixtures("images")


def outcomes(verdict: verdicts.Verdict) -> Mapping[str, str]:
    return {finding.objective: finding.outcome for finding in verdict.findings}


def test_a_good_gateway_holds_while_one_node_is_cut_off(tmp_path: Path, engine: docker.DockerClient) -> None:
    run = Experiment.start("partition", tmp_path)
    code, output = run.finish()
    verdict = run.verdict()
    assert (code, verdict.outcome) == (0, "held"), output
    assert set(outcomes(verdict).values()) == {"held"}
    (fault,) = verdict.faults
    assert (fault.seen, fault.exercised, fault.healed, fault.unharmed) == (True, True, True, True)
    assert fault.planned_s == (15.0, 35.0)
    assert fault.in_force_s == pytest.approx(15.0, abs=0.1)
    assert fault.healed_s == pytest.approx(35.0, abs=0.1)
    assert output.splitlines().count("") >= 3  # a headline, a table of objectives, a table of faults
    assert left_of(engine, run.project()) == []
    # An old run gets the same verdict, byte for byte, from its record alone.
    assert verdicts.encode(judge(*results.load(run.folder))) == (run.folder / "verdict.json").read_bytes()


def test_a_gateway_without_checks_and_retries_is_violated_on_what_its_twin_names(tmp_path: Path) -> None:
    run = Experiment.start(shortened("broken/partition", tmp_path), tmp_path / "runs")
    code, output = run.finish()
    verdict = run.verdict()
    assert (code, verdict.outcome, verdict.as_expected) == (0, "violated", True), output
    assert verdict.faults[0].seen and verdict.faults[0].exercised
    named = {"answers", "recovery", "slow", "excluded"}
    assert {name for name, outcome in outcomes(verdict).items() if outcome == "violated"} == named


def test_the_broken_gateway_holds_as_long_as_nothing_is_broken_around_it(tmp_path: Path) -> None:
    run = Experiment.start(shortened("broken/partition", tmp_path), tmp_path / "runs", "--no-faults")
    code, output = run.finish()
    verdict = run.verdict()
    assert (code, verdict.outcome) == (0, "held"), output
    assert "excluded" not in outcomes(verdict)
    assert verdict.faults == ()


@pytest.mark.parametrize("name", ["kill", "latency"])
def test_a_good_gateway_holds(name: str, tmp_path: Path) -> None:
    run = Experiment.start(shortened(name, tmp_path), tmp_path / "runs")
    code, output = run.finish()
    assert (code, run.verdict().outcome) == (0, "held"), output
    assert all(f.seen and f.exercised and f.healed and f.unharmed for f in run.verdict().faults), output


def test_a_killed_node_shows_on_a_gateway_without_checks_and_retries(tmp_path: Path) -> None:
    run = Experiment.start(shortened("broken/kill", tmp_path), tmp_path / "runs")
    code, output = run.finish()
    assert (code, run.verdict().outcome, run.verdict().as_expected) == (0, "violated", True), output


def test_a_fault_whose_rules_were_taken_away_makes_the_run_inconclusive(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    run = Experiment.start(HERE / "short-partition.yaml", tmp_path)
    run.until_in_force(4)
    for pod in ("gateway", "n1", "n2", "n3"):
        sidecar = container(engine, run.project(), "pod", pod)
        run_in(engine, sidecar, ["nft", "flush", "table", "inet", "harness"])
    code, output = run.finish()
    assert (code, run.verdict().outcome) == (3, "inconclusive"), output
    assert not run.verdict().faults[0].seen
    assert left_of(engine, run.project()) == []


def test_two_runs_at_once_do_not_meet_and_the_one_that_is_kept_stays_up_healed_until_it_is_taken_down(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    kept = Experiment.start(HERE / "short-partition.yaml", tmp_path / "kept", "--keep")
    other = Experiment.start(HERE / "short-partition.yaml", tmp_path / "other")
    for run in (kept, other):
        _, output = run.finish()
        fault = run.verdict().faults[0]
        assert (fault.seen, fault.exercised, fault.healed) == (True, True, True), output
    assert kept.project() != other.project()
    assert left_of(engine, other.project()) == []
    assert any("n1" in name for name in left_of(engine, kept.project()))
    assert [event.kept for event in kept.events() if isinstance(event, events.TornDown)] == [True]
    assert DockerCluster(engine, kept.project()).stop().left == ()
    assert left_of(engine, kept.project()) == []
