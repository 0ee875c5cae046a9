"""Containers of testcontainers: their ports and wait strategies work, our sidecars join them, again after a restart."""

import urllib.request
from collections.abc import Mapping
from pathlib import Path

import docker
import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import HttpWaitStrategy

from harness.cli import healing
from harness.cli.standing import Plan
from harness.drivers.joined import set_up
from harness.pytest_plugin import Partition, Restart
from harness.pytest_plugin.chaos import Chaos
from harness.pytest_plugin.clusters import Clusters
from harness.pytest_plugin.errors import NotHeld
from harness.recording.events import FaultFired, FaultHealed
from harness.recording.folder import read
from tests.cluster.experiments import container, left_of, within


@pytest.fixture(autouse=True)
def no_reaper(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the plugin does for tests, and here is undone after each."""
    for name in ("ryuk_disabled", "tc_host_override", "connection_mode_override"):
        monkeypatch.setattr(testcontainers_config, name, getattr(testcontainers_config, name))
    set_up()


def shop(image: str) -> DockerContainer:
    program = ["python3", "-m", "http.server", "8000"]
    made = DockerContainer(image).with_exposed_ports(8000).with_kwargs(entrypoint=program)
    return made.waiting_for(HttpWaitStrategy(8000))


def test_started_containers_are_cut_off_restarted_and_cut_off_again(
    tmp_path: Path, engine: docker.DockerClient, images: Mapping[str, str]
) -> None:
    made = {"shop": shop(images["client"]), "stock": shop(images["client"])}
    clusters = Clusters(tmp_path)
    standing = clusters.join(Plan("containers", tmp_path), made)
    project = standing.began.project
    try:
        assert any(line.startswith(f"{project}  alive") for line in healing.status())
        port = made["shop"].get_exposed_port(8000)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            assert answer.status == 200
        chaos = Chaos(standing, "joined", tmp_path, "again")
        with chaos.traffic("visits", client="http", to="shop", rate="40/s", timeout="1s", warmup="3s"):
            with chaos.fault(Restart("shop")):
                pass
            with chaos.fault(Partition("shop", from_=["client", "stock"], name="cut")):
                engine.containers.get(container(engine, project, "node", "shop")).restart(timeout=0)
                fired = [0.0]

                def again() -> bool:
                    fired[:] = [1.0 for e in read(chaos.folder).of(FaultFired) if (e.fault, e.node) == ("cut", "shop")]
                    return len(fired) == 2

                within(30, again)
        with pytest.raises(NotHeld):  # a node that somebody restarts behind our back is a doubt
            chaos.finish()
        recorded = read(chaos.folder)
        assert [e.why for e in recorded.of(FaultHealed) if (e.fault, e.node) == ("cut", "shop")] == ["end", "order"]
        assert chaos.verdict is not None
        assert [(f.name, f.healed) for f in chaos.verdict.faults] == [("restart", True), ("cut", True)]
    finally:
        clusters.close()
    assert left_of(engine, project) == []
