"""The load generator in a client container, asking one real Ollama node; a network of their own, nothing published."""

import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import TypeVar

import docker
import pytest
from docker.models.containers import Container

from harness.clock import monotonic_ns, to_ns
from harness.drivers.docker import connect
from harness.drivers.images import Images
from harness.drivers.streams import ExecStream
from harness.operations import Operation, unpack
from harness.wire import (
    CLIENT_METRICS_PORT,
    Answered,
    FromClient,
    Hello,
    Load,
    LoadDone,
    Message,
    Once,
    Operations,
    decode_from_client,
)

pytestmark = pytest.mark.cluster
PACKAGE = Path(__file__).parents[2] / "harness"
PORT = 11434
M = TypeVar("M", bound=Message)


@dataclass
class Pair:
    """A client container and a node that it knows as ``node``; the programs started in the client."""

    engine: docker.DockerClient
    client: Container
    node: Container

    def start(self) -> "Program":
        return Program(self.engine, str(self.client.id))

    def output(self, python: str) -> str:
        _, output = self.client.exec_run(["python3", "-c", python])
        assert isinstance(output, bytes)
        return output.decode()


class Program:
    """The load generator, through the stream that the harness uses."""

    def __init__(self, engine: docker.DockerClient, container: str) -> None:
        self.stream = ExecStream(engine.api, container, ("python3", "-m", "harness.client"))
        self._lines = self.stream.lines()
        self.heard: list[FromClient] = []
        self.next(Hello)

    def next(self, kind: type[M]) -> M:
        for line in self._lines:
            self.heard.append(message := decode_from_client(line))
            if isinstance(message, kind):
                return message
        raise AssertionError(f"no {kind.__name__} before the end; last heard {self.heard[-1:]}")

    def close(self) -> None:
        self.stream.close()
        self.stream._file.close()  # docker-py leaves the socket of an exec open
        self.stream._socket.close()

    def operations(self) -> list[Operation]:
        return sorted(o for m in self.heard if isinstance(m, Operations) for o in unpack(m.packed))


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    images = Images(PACKAGE.parent / "dockerfiles", PACKAGE, lambda line: None).ensure(("client", "ollama"))
    engine = connect()
    name = f"try-client-{uuid.uuid4().hex[:8]}"
    network = engine.networks.create(name)
    containers: list[Container] = []
    try:
        for role, environment in (("ollama", {"HARNESS_NODE": "n2"}), ("client", {})):
            container = engine.containers.run(
                images[role], name=f"{name}-{role}", network=name, environment=environment, detach=True
            )
            containers.append(container)
        node, client = containers
        network.disconnect(node)
        network.connect(node, aliases=["node"])
        yield Pair(engine, client, node)
    finally:
        for container in containers:
            container.remove(force=True, v=True)
        network.remove()
        engine.close()


def ready(program: Program, deadline_s: float = 60.0) -> Answered:
    """Ask one question after the other until one is answered right."""
    until_s = time.monotonic() + deadline_s
    number = 0
    while time.monotonic() < until_s:
        number += 1
        options = (("prompt", "hello 3"), ("tokens", "3"))
        program.stream.send(Once(number, "ollama-generate", "node", PORT, 10.0, options))
        answer = program.next(Answered)
        if answer.outcome == "OK":
            return answer
        time.sleep(0.2)
    raise AssertionError(f"not ready: {answer}")


def load(**changes: object) -> Load:
    start_ns = monotonic_ns() + to_ns(0.2)
    common = {"traffic": "chat", "client": "ollama-generate", "host": "node", "port": PORT, "rate_per_s": 50.0}
    rest = {"timeout_s": 5.0, "connection": "keep-alive", "in_flight_max": 1000, "seed": 7}
    when = {"start_ns": start_ns, "end_ns": start_ns + to_ns(5)}
    return Load(**{**common, **rest, **when, **changes})  # type: ignore[arg-type]  # by name


def test_a_real_node_answers_every_one_of_50_questions_a_second(pair: Pair) -> None:
    program = pair.start()
    try:
        assert ready(program).text == " n2-0300 n2-0301 n2-0302"
        program.stream.send(load())
        done = program.next(LoadDone)
        scraped = pair.output(
            f"from urllib.request import *; print(urlopen('http://127.0.0.1:{CLIENT_METRICS_PORT}/metrics').read())"
        )
    finally:
        program.close()
    got = program.operations()
    errors_ms, latencies_ms = ([1000 * getattr(o, what) for o in got] for what in ("send_error_s", "latency_s"))
    for what, values in (("send error", errors_ms), ("latency", latencies_ms)):
        print(f"{what}: p50 {quantiles(values, n=2)[0]:.3f} ms, p99 {quantiles(values, n=100)[98]:.3f} ms")  # noqa: T201
    assert Counter((o.outcome.name, o.node, o.status) for o in got) == {("OK", "n2", 2): 250}
    assert (done.sent, len(got)) == (250, 250)
    assert 'harness_operations_total{outcome="ok",traffic="chat"} 250.0' in scraped
    assert 'harness_outage_seconds{traffic="chat"} 0.0' in scraped


def test_a_node_killed_in_mid_load_and_started_again_is_an_outage_and_its_recovery(pair: Pair) -> None:
    program = pair.start()
    try:
        ready(program)
        program.stream.send(load(rate_per_s=20.0, timeout_s=1.0))
        while len(program.operations()) < 20:
            program.next(Operations)
        pair.node.kill()
        time.sleep(0.5)
        pair.node.start()
        program.next(LoadDone)
        assert ready(program).outcome == "OK"
    finally:
        program.close()
    outcomes = [o.outcome.name for o in program.operations()]
    assert len(outcomes) == 100
    assert outcomes[:15] == ["OK"] * 15
    assert "WRONG" not in outcomes
    assert outcomes.count("OK") < 98


def test_the_end_of_its_input_ends_the_program_in_the_container(pair: Pair) -> None:
    program = pair.start()
    assert "harness.client" in processes(pair.client)
    program.close()
    until_s = time.monotonic() + 5
    while "harness.client" in processes(pair.client):
        assert time.monotonic() < until_s
        time.sleep(0.05)


def processes(container: Container) -> str:
    return str(container.top()["Processes"])
