"""OLLAMA_TEST_MODEL and OLLAMA_HOST, as somebody sets them; no Ollama is asked here."""

from pathlib import Path

import pytest

from harness.cli import ollama
from harness.cli.bound import Overrides, load
from tests.cli.conftest import SCENARIO, Harness, Said, write

ASKED = """
    scenario: asked
    about: Questions, and nothing else.
    cluster: ollama
    phases: {warmup: 5s, faults: 10s, recovery: 5s}
    traffic:
      - {name: chat, client: ollama-generate, to: gateway, rate: 5/s}
      - {name: tale, client: ollama-chat, to: gateway, rate: 1/s, model: slow}
    faults: []
    objectives:
      - {name: ok, of: chat, success: ">= 99%", in: all}
"""
OUR_OWN = "OLLAMA_HOST: is '{}': an Ollama is asked on this machine only, write 127.0.0.1:11434 or unset it"


@pytest.fixture
def asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The scenario ``asked``, and a folder with one model in it, as Ollama keeps them."""
    write("scenarios/asked.yaml", ASKED)
    folder = home / "models"
    manifest = folder / "manifests/registry.ollama.ai/library/mine/1b"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("{}")
    monkeypatch.setenv("OLLAMA_MODELS", str(folder))
    return folder


def models(name: str) -> list[tuple[str, ...]]:
    return [traffic.models_asked() for traffic in load(name, Overrides()).scenario.traffic]


def test_who_does_not_say_which_model_asks_that_of_the_environment_else_the_tiny_one(
    asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert models("asked") == [("tiny",), ("slow",)]
    monkeypatch.setenv("OLLAMA_TEST_MODEL", "mine:1b")
    assert models("asked") == [("mine:1b",), ("slow",)]


def test_every_node_is_given_the_model_and_must_answer_with_it_before_it_is_ready(
    asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_TEST_MODEL", "mine:1b")
    config = load("asked", Overrides()).config
    assert f"source: {asked}\n" in config and "target: /given\n        read_only: true" in config
    assert "MANIFEST: registry.ollama.ai/library/mine/1b\n" in config
    assert "model: mine:1b\n" in config


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mine", "is 'mine', and {} has no such model (there are mine:1b): fetch it with 'ollama pull mine'"),
        ("x/y:z", "is 'x/y:z', and {} has no such model (there are mine:1b): fetch it with 'ollama pull x/y:z'"),
        ("../../mine", "is '../../mine': write a model's name, such as llama3.2 or qwen3:0.6b"),
    ],
)
def test_a_model_that_is_not_there_is_said_with_those_that_are(
    asked: Path, harness: Harness, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.setenv("OLLAMA_TEST_MODEL", name)
    refused = harness("run", "asked")
    said = said.format(asked)
    more = ", or say in OLLAMA_MODELS where it is" if "fetch" in said else ""
    assert refused == Said(2, "", f"OLLAMA_TEST_MODEL: {said}{more}\n1 problem; nothing was started.\n")


@pytest.mark.parametrize(
    ("said", "port"),
    [
        ("127.0.0.1", 11434),
        ("localhost", 11434),
        ("localhost:8000", 8000),
        ("http://127.0.0.1:8000/", 8000),
        ("http://localhost", 80),
    ],
)
def test_an_ollama_on_the_loopback_takes_the_place_of_the_cluster(
    asked: Path, monkeypatch: pytest.MonkeyPatch, said: str, port: int
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", said)
    found = load("asked", Overrides())
    assert (found.port, found.cluster.names(), found.cluster.node("gateway").ports) == (port, ("gateway",), (port,))


@pytest.mark.parametrize(
    "said",
    [
        "0.0.0.0",
        "192.0.2.7:11434",
        "example.org",
        "https://127.0.0.1",
        "127.0.0.1:99999",
        "127.0.0.1@192.0.2.7",
        "[::]",
    ],
)
@pytest.mark.parametrize("verb", ["check", "run"])
def test_an_ollama_anywhere_else_is_refused(
    asked: Path, harness: Harness, monkeypatch: pytest.MonkeyPatch, said: str, verb: str
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", said)
    assert harness(verb, "asked") == Said(2, "", f"{OUR_OWN.format(said)}\n1 problem; nothing was started.\n")


def test_other_clusters_are_started_as_ever(home: Path, harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1")
    assert harness("check", "mine").out.splitlines()[0] == "mine: well (1 fault, 1 objective, 3 nodes)"
    assert ollama.visited("ollama") == 11434


def test_faults_and_what_cannot_be_seen_of_an_ollama_that_runs_are_refused_by_name(
    asked: Path, harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SCENARIO.replace("cluster: small", "cluster: ollama\n    with: {NODE_COUNT: '2'}")
    text = text.replace("to: app", "to: gateway").replace("app -> db-1", "gateway -> n1")
    write("scenarios/mine.yaml", f'{text}      - {{name: fat, memory: "<= 1GB", in: all}}\n')
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1")
    runs = "an Ollama that runs already (OLLAMA_HOST)"
    way_out = "leave it out, or unset OLLAMA_HOST"
    assert harness("run", "mine", "--with", "CPUS=1") == Said(
        2,
        "",
        f"--with: 'CPUS' cannot be set of {runs}: {way_out}\n"
        f"scenarios/mine.yaml:4: 'NODE_COUNT' cannot be set of {runs}: {way_out}\n"
        f"scenarios/mine.yaml:9: 'cut' cannot be injected into {runs}: {way_out}\n"
        f"scenarios/mine.yaml:12: 'fat' cannot be measured of {runs}, whose answers alone are seen: {way_out}\n"
        "4 problems; nothing was started.\n",
    )


def test_nobody_there_is_one_sentence(asked: Path, harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
    refused = harness("run", "asked")
    assert refused == Said(
        4,
        "",
        "No Ollama answers at 127.0.0.1:1 (OLLAMA_HOST): [Errno 111] Connection refused; "
        "start one with 'ollama serve', or unset it.\n",
    )
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("count", "said"),
    [
        ("0", "0 nodes; write a count from 1 to 16."),
        ("17", "17 nodes; write a count from 1 to 16."),
        ("1000", "1000 nodes; write a count from 1 to 16."),
        ("ten", "x-harness count is 'ten'; write a whole number."),
    ],
)
@pytest.mark.parametrize("verb", ["check", "run"])
def test_a_number_of_nodes_that_cannot_be_is_one_sentence(
    asked: Path, harness: Harness, monkeypatch: pytest.MonkeyPatch, verb: str, count: str, said: str
) -> None:
    monkeypatch.setenv("OLLAMA_TEST_NODE_COUNT", count)
    refused = harness(verb, "asked")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("scenarios/asked.yaml:3: 'cluster' is 'ollama', and ")
    assert refused.err.endswith(f"compose/ollama.yaml: service node: {said}\n1 problem; nothing was started.\n")


@pytest.mark.parametrize(
    ("whom", "said"),
    [
        ("n11", "names 'n11': there is no n11; did you mean 'n1'?"),
        ("30% of nobody", "is '30% of nobody': no node has the role 'nobody' (there are gateway, node)"),
    ],
)
def test_a_node_or_a_role_that_nobody_has_is_one_sentence(
    asked: Path, harness: Harness, monkeypatch: pytest.MonkeyPatch, whom: str, said: str
) -> None:
    fault = f"faults:\n      - {{fault: kill, name: dead, at: 1s, for: 2s, nodes: ['{whom}']}}"
    write("scenarios/asked.yaml", ASKED.replace("faults: []", fault))
    monkeypatch.setenv("OLLAMA_TEST_NODE_COUNT", "10")
    assert harness("run", "asked") == Said(
        2, "", f"scenarios/asked.yaml:9: 'nodes' {said}\n1 problem; nothing was started.\n"
    )
