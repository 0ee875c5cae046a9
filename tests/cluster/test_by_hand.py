"""A cluster that is up, broken by hand, on real containers: as people do it, and when what they do it with dies."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.cluster.experiments import container, cut_elements, left_of, within

SHORT = Path(__file__).parent / "scenarios" / "short-partition.yaml"

pytestmark = pytest.mark.usefixtures("images")


def harness(*arguments: str, timeout_s: float = 120) -> tuple[int, str]:
    command = [sys.executable, "-m", "harness", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def up(tmp_path: Path) -> Iterator[str]:
    """The project of a cluster with two nodes and the load of the short cut."""
    code, output = harness("up", str(SHORT), "--with", "NODE_COUNT=2", "--for", "5m", "--runs", str(tmp_path))
    assert code == 0, output
    (down,) = [line for line in output.splitlines() if line.startswith("down ")]
    project = down.split()[-1]
    yield project
    harness("down", project)


def test_a_cluster_that_is_up_is_broken_by_hand_heals_when_whoever_broke_it_is_killed_and_leaves_nothing_behind(
    up: str, engine: docker.DockerClient
) -> None:
    code, output = harness("inject", "--cluster", up, "kill", "n2", "--for", "2s")
    assert code == 0 and "\nhealed    after " in output and "\nchat      before " in output, output
    node = engine.containers.get(container(engine, up, "node", "n2"))
    assert node.status == "running"

    sidecar = container(engine, up, "pod", "n1")
    command = [sys.executable, "-m", "harness", "inject", "--cluster", up, "partition", "n1", "--for", "60s"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as breaking:
        assert breaking.stdout is not None
        assert any(line.startswith("in force") for line in breaking.stdout)
        assert cut_elements(engine, sidecar) > 0
        breaking.send_signal(signal.SIGKILL)
        within(1.0, lambda: cut_elements(engine, sidecar) == 0)

    assert harness("inject", "--cluster", up, "partition", "n9")[0] == 2
    assert harness("down", up) == (0, f"{up}: gone\n")
    assert left_of(engine, up) == []


def test_debug_stops_at_the_fault_with_all_of_it_there_to_look_at_and_enter_ends_it(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    command = [sys.executable, "-m", "harness", "debug", str(SHORT), "--with", "NODE_COUNT=2", "--runs", str(tmp_path)]
    with subprocess.Popen(
        command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as debugging:
        assert debugging.stdout is not None and debugging.stdin is not None
        said = list(iter(debugging.stdout.readline, "press Enter to heal it and take everything down\n"))
        assert any(line.startswith("STOPPED at ") for line in said), said
        (project,) = [line.split(".run=")[1].strip() for line in said if ".run=" in line]
        assert cut_elements(engine, container(engine, project, "pod", "n1")) > 0
        output, _ = debugging.communicate("\n", timeout=60)
    assert debugging.returncode == 0, output
    assert "healed  and gone; nothing was judged\n" in output
    assert left_of(engine, project) == []
