"""Containers that load generators are compared in: all in one network namespace with nothing but a loopback.

What is asked has a core of its own, and so has who asks, ours and the peers alike.
"""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from docker.errors import DockerException, NotFound
from docker.models.containers import Container

from bench import peers
from bench.idle_cluster import bound, images, labels
from harness.clock import monotonic_ns, to_ns
from harness.drivers.docker import connect
from harness.errors import AgentError, EngineError
from harness.operations import Operation, unpack
from harness.wire import (
    CLIENT_METRICS_PORT,
    Failed,
    FromClient,
    Hello,
    Lines,
    Load,
    LoadDone,
    Operations,
    decode_from_client,
    encode,
)

NGINX = 8080
_LONGEST_S = 60.0
_SCRAPES = f"""\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - {{job_name: client, static_configs: [{{targets: ["127.0.0.1:{CLIENT_METRICS_PORT}"]}}]}}
"""


@dataclass(frozen=True, slots=True)
class Yard:
    """``target``: where nginx and the peers' tools are; ``peer``: the same image, on the generators' core."""

    target: Container
    ours: Container
    peer: Container

    def run(self, container: Container, *argv: str, given: str = "", timeout_s: float = _LONGEST_S) -> str:
        """What a command in a container printed. Raises ``AgentError``."""
        command = ["docker", "exec", "-i", str(container.id), *argv]
        try:
            done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            raise AgentError(f"{argv[0]} did not end within {timeout_s:.0f} s") from error
        if done.returncode:
            raise AgentError(f"{argv[0]} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
        return done.stdout

    @contextmanager
    def outage(self, port: int, after_s: float, for_s: float, how: str) -> Iterator["subprocess.Popen[str]"]:
        """A server with one outage; its second line says when that was."""
        code = (Path(__file__).parent / "outage_server.py").read_text()
        words = [str(port), str(after_s), str(for_s), how]
        argv = ["docker", "exec", "-i", str(self.target.id), "timeout", "60", "python3", "-c", code, *words]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                if process.stdout.readline().strip() != "ready":
                    raise AgentError("the server with a known outage did not start")
                yield process
            finally:
                assert process.stdin is not None
                process.stdin.close()  # which is how it knows
                process.wait(_LONGEST_S)

    def load(self, load: Load) -> list[Operation]:
        """One load by our generator, from half a second from now on; ``load``'s instants count from its start."""
        argv = ["python3", "-m", "harness.client", "--metrics-address", "127.0.0.1"]
        with subprocess.Popen(
            ["docker", "exec", "-i", str(self.ours.id), *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            try:
                return _loaded(process, load)
            finally:
                process.kill()


def _loaded(process: "subprocess.Popen[bytes]", load: Load) -> list[Operation]:
    messages = _messages(process)
    hello = next(messages)
    if not isinstance(hello, Hello):
        raise AgentError("the load generator did not say hello")
    start_ns = hello.now_ns + to_ns(0.5)
    length_ns = load.end_ns - load.start_ns
    fields = {name: getattr(load, name) for name in load.__struct_fields__}
    assert process.stdin is not None
    process.stdin.write(encode(Load(**{**fields, "start_ns": start_ns, "end_ns": start_ns + length_ns})))
    process.stdin.flush()
    operations: list[Operation] = []
    for message in messages:
        match message:
            case Operations():
                operations += unpack(message.packed)
            case Failed():
                raise AgentError(message.text)
            case LoadDone():
                process.stdin.close()
                process.wait(10)
                return sorted(operations)
    raise AgentError("the load generator ended before its load did")


def _messages(process: "subprocess.Popen[bytes]") -> Iterator[FromClient]:
    lines, stdout = Lines(), process.stdout
    assert stdout is not None
    until_ns = monotonic_ns() + to_ns(_LONGEST_S)
    while monotonic_ns() < until_ns and (data := os.read(stdout.fileno(), 1 << 16)):
        for line in lines.feed(data):
            yield decode_from_client(line)


@contextmanager
def yard(record: Path) -> Iterator[Yard]:
    """Up; gone when this ends. Raises ``EngineError``, also where the peers are not here."""
    others, client = peers.image(), connect()
    own = images(bound().config)
    label = labels(record)
    name = f"{label.project}-yard-{secrets.token_hex(3)}"
    cores = os.cpu_count() or 1
    made: list[Container] = []

    def start(part: str, image: str, core: int, environment: dict[str, str] | None = None) -> Container:
        found = client.containers.run(
            image,
            name=f"{name}-{part}",
            labels=label.of("node", part),
            cpuset_cpus=str(core % cores),
            network_mode=f"container:{made[0].id}" if made else "none",
            detach=True,
            environment=environment or {},
        )
        made.append(found)
        return found

    try:
        target = start("target", others, 0)
        target.exec_run(["nginx"], detach=True)
        ours, peer = start("ours", own["client"], 1), start("peer", others, 1)
        start("prometheus", own["prometheus"], 0, environment={"PROMETHEUS_CONFIG": _SCRAPES})
        yield Yard(target, ours, peer)
    except DockerException as error:
        raise EngineError(f"the containers of the generators cannot be had: {error}") from error
    finally:
        for container in reversed(made):
            with suppress(NotFound):
                container.remove(force=True, v=True)
        client.close()
