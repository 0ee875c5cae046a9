"""However a run ends, its faults end with it, and nothing of it stays."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import docker
import pytest

from harness.recording import events
from selfchaos import kinds, leftovers
from tests.cluster.experiments import (
    Experiment,
    container,
    cut_elements,
    left_of,
    run_in,
    within,
)

SHORT = Path(__file__).parent / "scenarios" / "short-partition.yaml"
SLOW = Path(__file__).parent / "scenarios" / "short-latency.yaml"

pytestmark = pytest.mark.usefixtures("images")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_cleanly(number: signal.Signals, tmp_path: Path, engine: docker.DockerClient) -> None:
    run = Experiment.start(SHORT, tmp_path)
    run.until_in_force(4)
    run.signal(number)
    code, output = run.finish(60)
    assert code == 130, output
    assert run.verdict().outcome == "inconclusive"
    assert left_of(engine, run.project()) == []


def test_when_the_harness_is_killed_links_heal_within_a_second_and_nothing_stays(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    run = Experiment.start(SHORT, tmp_path)
    run.until_in_force(4)
    sidecar = container(engine, run.project(), "pod", "n1")
    assert cut_elements(engine, sidecar) > 0
    run.signal(signal.SIGKILL)
    within(1.0, lambda: _healed(engine, sidecar))
    within(30.0, lambda: left_of(engine, run.project()) == [])
    run.finish()


def test_when_the_harness_is_frozen_links_heal_within_seven_seconds_and_nothing_stays(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    run = Experiment.start(_long_cut(tmp_path / "long"), tmp_path / "runs")
    run.until_in_force(4)
    sidecar = container(engine, run.project(), "pod", "n1")
    run.signal(signal.SIGSTOP)
    try:
        within(7.0, lambda: _healed(engine, sidecar))
        within(40.0, lambda: left_of(engine, run.project()) == [])
    finally:
        run.signal(signal.SIGCONT)
    code, output = run.finish(60)
    assert code in (3, 4), output  # it never says held of a run it slept through
    assert left_of(engine, run.project()) == []


def test_a_run_that_died_with_its_guardian_keeps_others_from_starting_until_it_is_healed(
    tmp_path: Path, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(leftovers.MARK, tmp_path.name)
    run = Experiment.start(_tiny(tmp_path), tmp_path / "runs")
    run.until_in_force(2)
    sidecar = container(engine, run.project(), "pod", "n2")
    (guard,) = [process.pid for process in leftovers.processes(tmp_path.name) if " guard " in process.command]
    os.kill(guard, signal.SIGKILL)
    run.signal(signal.SIGKILL)
    within(1.0, lambda: _healed(engine, sidecar))  # the agents need nobody for that
    run.finish()
    assert left_of(engine, run.project()) != []
    code, output = Experiment.start(_tiny(tmp_path / "next"), tmp_path / "next" / "runs").finish(60)
    assert code == 4 and f"{run.project()} died" in output and "harness heal" in output
    healed = subprocess.run([sys.executable, "-m", "harness", "heal", run.project()], capture_output=True, text=True)
    assert (healed.returncode, healed.stdout) == (0, f"{run.project()}: gone\n"), healed.stderr
    assert left_of(engine, run.project()) == []


@pytest.mark.parametrize("program", ["harness.agent", "toxiproxy"])
def test_when_a_program_of_a_sidecar_is_killed_everything_heals_and_the_run_is_inconclusive(
    program: str, tmp_path: Path, engine: docker.DockerClient
) -> None:
    run = Experiment.start(SLOW, tmp_path)
    run.until_in_force(1)
    sidecar = container(engine, run.project(), "pod", "gateway")
    _kill_in(engine, sidecar, program)
    code, output = run.finish(90)
    assert (code, run.verdict().outcome) == (3, "inconclusive"), output
    assert any(isinstance(e, events.Trouble) and e.kind == "agent-lost" for e in run.events())
    assert left_of(engine, run.project()) == []


def test_a_node_that_dies_by_itself_is_a_finding_where_it_is_asked_for(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    asking = tmp_path / SHORT.name
    asking.write_text(SHORT.read_text() + '  - {name: alive, crashes: "== 0"}\n')
    run = Experiment.start(asking, tmp_path / "runs")
    run.until_in_force(1)
    engine.containers.get(container(engine, run.project(), "node", "n2")).kill()
    code, output = run.finish(90)
    (alive,) = (found for found in run.verdict().findings if found.objective == "alive")
    assert (code, alive.outcome, alive.measured, alive.details[0][0]) == (1, "violated", 1.0, "n2"), output
    assert "n2 ended by itself with exit code 137" in output
    assert any(isinstance(e, events.Trouble) and (e.kind, e.node) == ("node-died", "n2") for e in run.events())
    assert left_of(engine, run.project()) == []


def _long_cut(folder: Path) -> Path:
    """The short cut made long, so that what ends it is the lease and not the schedule."""
    folder.mkdir(exist_ok=True)
    text = SHORT.read_text().replace("faults: 7s", "faults: 40s").replace("for: 5s", "for: 30s")
    (folder / "short-partition.yaml").write_text(text)
    return folder / "short-partition.yaml"


def _tiny(folder: Path) -> Path:
    """Self-chaos's own small cluster, and a partition of four seconds on it."""
    folder.mkdir(exist_ok=True)
    (folder / "compose").symlink_to(Path(kinds.__file__).parent / "compose")
    (folder / "self-chaos.yaml").write_text(kinds.scenario("partition", kinds.SHORT))
    return folder / "self-chaos.yaml"


def _healed(engine: docker.DockerClient, sidecar: str) -> bool:
    """No element of a fault is left, or the whole table is gone, or the sidecar itself."""
    try:
        return cut_elements(engine, sidecar) == 0
    except (AssertionError, docker.errors.APIError):
        return True


def _kill_in(engine: docker.DockerClient, sidecar: str, program: str) -> None:
    """SIGKILL the one process in the sidecar whose command line names the program; by its id."""
    code = (
        "import os,signal;"
        "me=os.getpid();"
        "found=[int(p) for p in os.listdir('/proc') if p.isdigit() and int(p) not in (1,me)"
        f" and '{program}' in open(f'/proc/{{p}}/cmdline').read().replace(chr(0),' ')];"
        "[os.kill(p,signal.SIGKILL) for p in found]; print(found)"
    )
    assert run_in(engine, sidecar, ["python3", "-c", code]).strip() != "[]"
