"""Systems that are the user's to build: where their image is, they are played; where not, it is said whose it is."""

import os
import subprocess
import sys
from pathlib import Path

import docker
import pytest

from harness.cli import experiment
from harness.cli.bound import Overrides
from harness.errors import INCONCLUSIVE
from harness.loader.suite import Play
from harness.report.live import live
from harness.runner.play import Options
from harness.signoff.playing import Done, played_once
from harness.weave.pods import LABEL_RUN
from tests.cluster.experiments import Experiment

NOBODYS = "localhost/built-by-nobody"
ABSENT = "127.0.0.1:1/not-built"  # nobody listens on that port of this machine
IMAGES = {"ollamamax": "OLLAMAMAX_IMAGE", "ollamamax-coordinator": "COORDINATOR_IMAGE"}
TEST = """
import pytest

@pytest.mark.chaos(cluster="{cluster}", with_={{"{variable}": "{image}"}})
def test_it(chaos):
    assert False, "it must not run"
"""


def sentence(node: str) -> str:
    return f"Image {ABSENT} (of {node}) is not on this engine and cannot be pulled"


@pytest.mark.parametrize(("scenario", "node"), [("ollamamax-members", "n1"), ("coordinator-kill", "coordinator")])
def test_without_its_image_a_scenario_is_skipped_in_a_suite_with_the_way_out(
    tmp_path: Path, scenario: str, node: str
) -> None:
    variable = IMAGES["ollamamax" if node == "n1" else "ollamamax-coordinator"]

    def player(one: Play) -> Done:
        view = live(sys.stderr)
        try:
            done = experiment.run(one.scenario, Overrides(None, one.variables), Options(), tmp_path, view)
        finally:
            view.close()
        return Done(done.verdict, "", done.interrupted)

    played = played_once(Play(scenario, ((variable, ABSENT),), 1, 36.0), player)
    assert (played.outcome, played.exit_code, played.run) == ("skipped", INCONCLUSIVE, None)
    assert played.sentence.startswith(sentence(node))
    assert played.sentence.endswith(
        f"bring it with 'docker pull {ABSENT}', 'docker load' or a build of yours, then try again."
    )


@pytest.mark.parametrize(("arguments", "outcome"), [((), "1 skipped"), (("--chaos-require-engine",), "1 error")])
def test_without_its_image_a_test_is_skipped_or_an_error_where_that_was_asked_for(
    tmp_path: Path, arguments: tuple[str, ...], outcome: str
) -> None:
    text = TEST.format(cluster="ollamamax", variable=IMAGES["ollamamax"], image=ABSENT)
    (tmp_path / "test_it.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rsE", "-p", "no:cacheprovider", *arguments],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert outcome in done.stdout
    assert sentence("n1") in done.stdout


def test_an_image_that_nobody_built_is_one_sentence_and_nothing_is_left(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    code, said = Experiment.start("mpreg-kill", tmp_path, "--with", f"MPREG_IMAGE={NOBODYS}").finish()
    assert code == 4
    assert said.splitlines()[-1] == (
        f"Image {NOBODYS} (of n1) is not on this engine, and nobody serves it: it is yours to build, as the first "
        "lines of the compose file say; then try again."
    )
    found = engine.api.containers(all=True, filters={"label": LABEL_RUN})
    assert not any("mpreg-kill" in one["Labels"][LABEL_RUN] for one in found)


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
