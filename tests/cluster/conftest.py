"""What every test with real containers needs: an engine that answers, and the images."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import pytest

from harness.cli import places
from harness.drivers.docker import connect
from harness.drivers.images import Images
from tests.cluster.experiments import end_all


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder starts real containers."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(autouse=True)
def no_run_outlives_its_test() -> Iterator[None]:
    yield
    end_all()


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """No engine is an error here, with its sentence: a test that was not run has not passed."""
    client = connect()
    yield client
    client.close()


@pytest.fixture(scope="session")
def images(engine: docker.DockerClient) -> Mapping[str, str]:
    """Every image of ours: name -> reference."""
    names = [folder.name for folder in places.dockerfiles().iterdir() if (folder / "Dockerfile").is_file()]
    return Images(places.dockerfiles(), places.PACKAGE, print).ensure(names)
