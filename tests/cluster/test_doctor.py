"""The doctor on a real engine: what it tries is really tried, and nothing of it stays."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

import harness
from harness.drivers import doctor
from harness.drivers.docker import connect
from harness.drivers.doctor import MECHANISMS, examine
from harness.drivers.images import Images
from harness.weave import pods
from harness.weave.pods import LABEL_RUN, Labels

pytestmark = [
    pytest.mark.cluster,
    # The socket of an exec is shut down by its stream, and closed by docker-py only when nobody holds it any more.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PACKAGE = Path(harness.__file__).parent
IMAGES = Images(PACKAGE.parent / "dockerfiles", PACKAGE, lambda line: None)


@pytest.fixture
def labels(tmp_path: Path) -> Labels:
    return Labels(f"try-doctor-{secrets.token_hex(3)}", str(tmp_path))


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    found = connect()
    yield found
    found.close()


def left(client: docker.DockerClient, labels: Labels) -> list[str]:
    label = f"{LABEL_RUN}={labels.project}"
    containers = [found.name or "?" for found in client.containers.list(all=True, filters={"label": label})]
    return containers + [found.name or "?" for found in client.networks.list(filters={"label": label})]


def test_everything_that_todays_faults_need_works_here(client: docker.DockerClient, labels: Labels) -> None:
    found = examine(IMAGES, ["sidecar"], labels, lambda line: None)
    assert [trial.mechanism for trial in found.trials] == list(MECHANISMS)
    assert [(trial.mechanism.name, trial.seen) for trial in found.trials if not trial.well] == []
    assert (found.well, found.problem, left(client, labels)) == (True, "", [])


def test_a_sidecar_without_its_rights_is_found_out(
    client: docker.DockerClient, labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def powerless(*arguments: object) -> dict[str, object]:
        return {"cap_drop": ["ALL"], "cap_add": ["SETUID", "SETGID"], "security_opt": [], "init": False}

    monkeypatch.setattr(pods, "sidecar", powerless)
    found = examine(IMAGES, ["sidecar"], labels, lambda line: None)
    unwell = {trial.mechanism.name for trial in found.trials if not trial.well}
    assert (found.well, unwell >= {"nftables", "timeout", "reject", "redirect"}) == (False, True)
    assert left(client, labels) == []


def test_what_was_started_goes_even_when_a_trial_breaks_off(
    client: docker.DockerClient, labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> str:
        assert left(client, labels) != []
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "_reach", broken)
    with pytest.raises(KeyboardInterrupt):
        examine(IMAGES, ["sidecar"], labels, lambda line: None)
    assert left(client, labels) == []
