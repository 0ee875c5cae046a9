"""Systems that are the user's to build: where their image is, they are played; where not, it is said whose it is."""

import os
from pathlib import Path

import docker
import pytest

from harness.weave.pods import LABEL_RUN
from tests.cluster.experiments import Experiment

NOBODYS = "localhost/built-by-nobody"


def test_an_image_that_nobody_built_is_one_sentence_and_nothing_is_left(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    code, said = Experiment.start("mpreg-kill", tmp_path, "--with", f"MPREG_IMAGE={NOBODYS}").finish()
    assert code == 4
    assert said.splitlines()[-1] == (
        f"Image {NOBODYS} (of n1) is not on this engine, and nobody serves it: it is yours to build, as the first "
        "lines of the compose file say; then try again."
    )
    runs = {container.labels.get(LABEL_RUN, "") for container in engine.containers.list(all=True, sparse=True)}
    assert not any("mpreg-kill" in run for run in runs)


@pytest.mark.parametrize(("name", "variable"), [("mpreg-kill", "MPREG_IMAGE"), ("tinyllm-restart", "TINYLLM_IMAGE")])
def test_where_its_image_is_a_scenario_of_it_is_as_written(
    engine: docker.DockerClient, tmp_path: Path, name: str, variable: str
) -> None:
    image = os.environ.get(variable) or f"localhost/{name.partition('-')[0]}"
    try:
        engine.images.get(image)
    except docker.errors.ImageNotFound:
        pytest.skip(f"{image} is not on this engine: it is yours to build (compose/{name.partition('-')[0]}.yaml)")
    code, said = Experiment.start(name, tmp_path).finish()
    assert code == 0, said
