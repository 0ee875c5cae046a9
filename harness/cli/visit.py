"""``harness run`` with OLLAMA_HOST: an Ollama that runs already gets a load, and a verdict on its answers."""

import http.client
import platform

import msgspec

import harness
from harness.cli import ollama
from harness.cli.bound import Bound
from harness.drivers.visited import Visited
from harness.errors import StartError
from harness.recording.folder import Recorder
from harness.report.live import Live
from harness.runner.inbox import Inbox
from harness.runner.play import How, Options
from harness.runner.visit import Visit
from harness.weave import Readiness

_ASK_S = 5.0
_LOADS_S = 60.0  # what a model may take to be loaded

Facts = list[tuple[str, str]]


class _Version(msgspec.Struct):
    version: str


class _Model(msgspec.Struct):
    name: str


class _Tags(msgspec.Struct):
    models: list[_Model]


def look(bound: Bound) -> Facts:
    """What is there. Raises ``StartError``: nobody answers, or not with the models that the scenario asks."""
    at = f"{ollama.LOOPBACK}:{bound.port}"
    try:
        version, models = _asked(bound.port or 0)
    except (OSError, http.client.HTTPException, ValueError, msgspec.MsgspecError) as error:
        why = str(error) or type(error).__name__
        raise StartError(
            f"No Ollama answers at {at} (OLLAMA_HOST): {why}; start one with 'ollama serve', or unset it."
        ) from error
    for name in _models(bound):
        if not {name, f"{name}:latest"} & models:
            there = ", ".join(sorted(models)) or "none"
            raise StartError(
                f"The Ollama at {at} has no model '{name}' (it has {there}): name one of them with OLLAMA_TEST_MODEL."
            )
    return [
        ("harness", harness.__version__),
        ("ollama", f"{version} at {at}, as it was found"),
        *(("model", name) for name in _models(bound)),
        ("kernel", platform.release()),
    ]


def play(bound: Bound, recorder: Recorder, options: Options, live: Live, inbox: Inbox) -> How:
    """A load of ours, as a process of this machine. There is nothing to heal, and so nobody who guards."""
    ready = tuple(_question(name) for name in _models(bound))
    running = Visited(ollama.LOOPBACK)
    try:
        return Visit(bound.scenario, bound.cluster, ready, running, recorder, live, inbox, options, lambda: None).play()
    finally:
        live.close()
        recorder.close()


def _models(bound: Bound) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for traffic in bound.scenario.traffic for name in traffic.models_asked()))


def _question(model: str) -> Readiness:
    words = (("model", model), ("prompt", "hello 3"), ("tokens", "2"))
    return Readiness("gateway", "ollama-generate", words, timeout_s=_LOADS_S)


def _asked(port: int) -> tuple[str, frozenset[str]]:
    """Its version and its models. Raises ``OSError``, ``HTTPException`` or ``ValueError``: that is no Ollama."""
    connection = http.client.HTTPConnection(ollama.LOOPBACK, port, timeout=_ASK_S)  # which knows of no proxy
    try:
        version = msgspec.json.decode(_got(connection, "/api/version"), type=_Version).version
        models = msgspec.json.decode(_got(connection, "/api/tags"), type=_Tags).models
    finally:
        connection.close()
    return version, frozenset(model.name for model in models)


def _got(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    answer = connection.getresponse()
    if answer.status != 200:
        raise ValueError(f"{path} has status {answer.status}")
    return answer.read()
