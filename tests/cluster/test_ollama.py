"""Models: the slow one, one of a user's own, and an Ollama that runs already; each with a real Ollama."""

import io
import json
import tarfile
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from harness.client.answers import node_of
from harness.recording import events
from tests.cluster.experiments import Experiment, left_of, within

SHORT = """
scenario: short
about: Questions for a few seconds, and nothing else.
cluster: ollama
seed: 7
phases: {warmup: 2s, faults: 3s, recovery: 1s}
traffic:
  - {name: chat, client: ollama-generate, to: gateway, rate: 20/s, timeout: 5s, pattern: "n2-0.00 "}
objectives:
  - {name: answers, of: chat, success: ">= 99%", in: all}
  - {name: truth, of: chat, wrong: "== 0", in: all}
"""


@dataclass(frozen=True)
class Running:
    """An Ollama that runs already, at a port of 127.0.0.1: ``tiny``, ``slow``, and ``mine``, which is tiny as well."""

    container: Container
    port: int

    def post(self, path: str, question: Mapping[str, object]) -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", json.dumps(question).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            data = answer.read()
        assert isinstance(data, bytes)
        return data

    def answers(self) -> bool:
        try:
            self.post("/api/generate", {"model": "tiny", "prompt": "hello 3", "options": {"num_predict": 1}})
        except OSError:
            return False
        return True


@pytest.fixture(scope="module")
def running(engine: docker.DockerClient, images: Mapping[str, str]) -> Iterator[Running]:
    container = engine.containers.run(
        images["ollama"], detach=True, environment={"HARNESS_NODE": "n2"}, ports={"11434/tcp": ("127.0.0.1", 0)}
    )
    try:
        container.reload()
        (published, *_) = container.ports["11434/tcp"] or [{}]
        found = Running(container, int(published["HostPort"]))
        within(60, found.answers)
        found.post("/api/copy", {"source": "tiny", "destination": "mine"})
        yield found
    finally:
        container.remove(force=True, v=True)


@pytest.fixture
def short(tmp_path: Path) -> Path:
    file = tmp_path / "short.yaml"
    file.write_text(SHORT)
    return file


def test_an_answer_of_the_slow_model_is_known_and_is_under_way_for_a_while(running: Running) -> None:
    question = {"model": "slow", "prompt": "hello 7", "options": {"num_predict": 24, "temperature": 0}}
    frames = [json.loads(line) for line in running.post("/api/generate", question).splitlines()]
    assert node_of("".join(frame["response"] for frame in frames), 700, 24) == "n2"
    assert frames[-1]["eval_duration"] / frames[-1]["eval_count"] >= 5e6  # nanoseconds for a token


def test_an_ollama_that_runs_gets_a_load_and_a_verdict_and_goes_on(
    running: Running, short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: docker.DockerClient
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", f"localhost:{running.port}")
    monkeypatch.setenv("OLLAMA_TEST_MODEL", "mine")
    run = Experiment.start(short, tmp_path)
    code, output = run.finish()
    verdict = run.verdict()
    assert (code, verdict.outcome) == (0, "held"), output
    assert [(record.name, record.sent, record.ok) for record in verdict.traffic] == [("chat", 120, 120)]
    (began,) = (event for event in run.events() if isinstance(event, events.Began))
    assert ("model", "mine") in began.facts
    assert left_of(engine, run.project()) == []
    assert running.answers()


def given(running: Running, folder: Path, monkeypatch: pytest.MonkeyPatch, *, whole: bool) -> None:
    """The model ``mine``, for one node, in a folder as Ollama keeps it on a user's machine.

    Not ``whole``: a file of it is cut off.
    """
    monkeypatch.setenv("OLLAMA_MODELS", str(folder))
    monkeypatch.setenv("OLLAMA_TEST_MODEL", "mine")
    monkeypatch.setenv("OLLAMA_TEST_NODE_COUNT", "1")
    pieces, _ = running.container.get_archive("/models/manifests/registry.ollama.ai/library/tiny-n2/latest")
    manifest = next(iter(unpacked(b"".join(pieces))))
    target = folder / "manifests/registry.ollama.ai/library/mine/latest"
    target.parent.mkdir(parents=True)
    target.write_bytes(manifest)
    (folder / "blobs").mkdir()
    layers = [json.loads(manifest)["config"], *json.loads(manifest)["layers"]]
    for name in (layer["digest"].replace(":", "-") for layer in layers):
        pieces, _ = running.container.get_archive(f"/models/blobs/{name}")
        data = next(iter(unpacked(b"".join(pieces))))
        (folder / "blobs" / name).write_bytes(data if whole or len(data) < 100_000 else data[:100_000])


def unpacked(archive: bytes) -> Iterator[bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as file:
        for member in file:
            opened = file.extractfile(member)
            if opened is not None:
                yield opened.read()


def test_a_model_of_the_users_own_is_in_every_node_and_its_answers_are_held_against_the_pattern(
    running: Running, short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: docker.DockerClient
) -> None:
    given(running, tmp_path / "models", monkeypatch, whole=True)
    run = Experiment.start(short, tmp_path)  # n1 answers as n2: the model is that of the folder
    code, output = run.finish()
    assert (code, run.verdict().outcome) == (0, "held"), output
    assert left_of(engine, run.project()) == []


def test_a_model_that_does_not_load_is_what_the_run_says_it_waited_for_and_nothing_is_left(
    running: Running, short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: docker.DockerClient
) -> None:
    given(running, tmp_path / "models", monkeypatch, whole=False)
    run = Experiment.start(short, tmp_path, "--with", "LOAD_TIMEOUT=3s")
    code, output = run.finish()
    assert code == 4, output
    assert "a right answer from n1 (server_error: " in output
    assert "Traceback" not in output
    assert left_of(engine, run.project()) == []
