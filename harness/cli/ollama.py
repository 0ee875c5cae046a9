"""OLLAMA_TEST_MODEL and OLLAMA_HOST: a model of the user's own, and an Ollama that runs already."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.cluster import Cluster, Node
from harness.errors import Problem, ScenarioError
from harness.loader import Draft
from harness.scenario import Scenario
from harness.wire import KNOWN_MODELS

CLUSTER = "ollama"  # what both are for; with a model of the user's own its nodes are those of the next
WITH_MODEL = "ollama-model"
LOOPBACK = "127.0.0.1"
_HOST, _MODEL, _MODELS = "OLLAMA_HOST", "OLLAMA_TEST_MODEL", "OLLAMA_MODELS"
_DEFAULT_PORT = 11434
_ADDRESS = re.compile(r"(?:(\w+)://)?(\[[^\]]*\]|[^:/]*)(?::(\d{1,5}))?/?", re.ASCII)
_NAME = re.compile(r"(?:(?:([\w.-]+(?::\d+)?)/)?([\w.-]+)/)?([\w.-]+)(?::([\w.-]+))?", re.ASCII)


def model() -> str | None:
    """OLLAMA_TEST_MODEL: whom a traffic asks that does not say; None: the tiny one."""
    return os.environ.get(_MODEL) or None


def modelled(draft: Draft) -> Draft:
    """Its traffic asks OLLAMA_TEST_MODEL, where it does not say whom."""
    return draft if (name := model()) is None else draft.asking(name)


def needs_files(cluster: str) -> bool:
    """Whether nodes of this cluster must be given a model of the user's own."""
    name = model()
    return cluster == CLUSTER and name is not None and name.removesuffix(":latest") not in KNOWN_MODELS


def variables() -> Mapping[str, str]:
    """Of the compose file whose nodes have the user's own model. Raises ``ScenarioError``: it is not there."""
    name = model() or ""
    folder = _folder()
    manifest = _manifest(name)
    if not (folder / "manifests" / manifest).is_file():
        there = ", ".join(sorted(_there(folder))) or "none"
        text = f"is '{name}', and {folder} has no such model (there are {there}): fetch it with 'ollama pull {name}'"
        raise ScenarioError([Problem(_MODEL, 0, f"{text}, or say in {_MODELS} where it is")])
    return {"MODEL": name, "MODELS": str(folder), "MANIFEST": manifest}


def _folder() -> Path:
    """Where Ollama keeps models on this machine: what OLLAMA_MODELS says, a user's own, or the service's."""
    if said := os.environ.get(_MODELS):
        return Path(said).absolute()
    own, service = Path.home() / ".ollama/models", Path("/usr/share/ollama/.ollama/models")
    return service if service.is_dir() and not own.is_dir() else own


def _manifest(name: str) -> str:
    """Below ``manifests``: HOST/NAMESPACE/MODEL/TAG, with what Ollama itself puts where a name leaves it out."""
    found = _NAME.fullmatch(name)
    if found is None or ".." in name:
        raise ScenarioError([Problem(_MODEL, 0, f"is '{name}': write a model's name, such as llama3.2 or qwen3:0.6b")])
    return f"{found[1] or 'registry.ollama.ai'}/{found[2] or 'library'}/{found[3]}/{found[4] or 'latest'}"


def _there(folder: Path) -> Iterator[str]:
    for file in (folder / "manifests").glob("*/*/*/*"):
        host, namespace, name, tag = file.relative_to(folder / "manifests").parts
        usual = (host, namespace) == ("registry.ollama.ai", "library")
        yield f"{name}:{tag}" if usual else f"{host}/{namespace}/{name}:{tag}"


def port() -> int | None:
    """OLLAMA_HOST: where an Ollama runs already, on this machine's loopback; None: it is not set.

    Raises ``ScenarioError`` for any other host: what is asked there is not ours to load.
    """
    said = os.environ.get(_HOST)
    if not said:
        return None
    found = _ADDRESS.fullmatch(said.strip())
    scheme, host, number = found.groups() if found else (None, "", None)
    at = int(number) if number else 80 if scheme == "http" else _DEFAULT_PORT
    if found is None or scheme not in (None, "http") or host not in (LOOPBACK, "localhost") or not 0 < at < 65536:
        text = f"is '{said}': an Ollama is asked on this machine only, write 127.0.0.1:{_DEFAULT_PORT} or unset it"
        raise ScenarioError([Problem(_HOST, 0, text)])
    return at


def visited(cluster: str | None) -> int | None:
    """The port of the Ollama that takes the place of this cluster; None: it is started as ever."""
    return port() if cluster == CLUSTER else None


def as_it_runs(at: int) -> Cluster:
    """All that is known of it: where it is asked. The gateway's name, so that traffic finds it."""
    return Cluster(CLUSTER, (Node("gateway", "ollama", "gateway", "gateway", ports=(at,)),))


def refusals(draft: Draft, scenario: Scenario | None, flags: Mapping[str, str]) -> Iterator[Problem]:
    """What cannot be done to, or seen of, an Ollama that runs already: each by its name."""
    runs = f"an Ollama that runs already ({_HOST})"
    without = f"leave it out, or unset {_HOST}"
    for fault in draft.faults:
        yield Problem(draft.file, fault.line, f"'{fault.name}' cannot be injected into {runs}: {without}")
    if draft.mix is not None:
        yield draft.problem("random", f"'random' cannot be injected into {runs}: {without}")
    for asked in draft.objectives:
        one = asked.value
        if one is not None and (one.traffic_name is None or one.by_prometheus or one.question() or one.courses()):
            text = f"'{asked.name}' cannot be measured of {runs}, whose answers alone are seen: {without}"
            yield Problem(draft.file, asked.line, text)
    if scenario is not None and scenario.alerts:
        yield draft.problem("alerts", f"'alerts' cannot be watched of {runs}: {without}")
    for name, _ in draft.variables:
        yield draft.problem("with", f"'{name}' cannot be set of {runs}: {without}")
    for name in flags:
        yield Problem("--with", 0, f"'{name}' cannot be set of {runs}: {without}")
