"""What agents do beside a node, in real containers: a pod, a node of two processes on two volumes, and us beside it."""

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import msgspec
import pytest
from docker.models.containers import Container

from harness.primitives import (
    KERNEL_SETTINGS,
    Beside,
    Descriptors,
    Ephemeral,
    Fill,
    Flip,
    Hog,
    ReadOnly,
    Signal,
    Syscalls,
    Throttle,
)

pytestmark = pytest.mark.cluster
PACKAGE = Path(__file__).parents[2] / "harness"
MEMORY_BYTES = 128 << 20

NODE = """
import os, subprocess, sys, time
child = [sys.executable, '-c', 'import time; held = bytearray(24 << 20)\\nwhile True: time.sleep(0.01)', 'the-worker']
worker = subprocess.Popen(child)
table = os.open('/data/table', os.O_RDWR | os.O_CREAT)
os.ftruncate(table, 4096)
os.close(table)
files, said = [], {}
while True:
    if worker.poll() is not None:
        said['worker'] = worker.returncode
        worker = subprocess.Popen(child)
    for path in ('/data/log', '/disk/log'):
        try:
            with open(path, 'a') as file:
                file.write('x')
                file.flush()
                os.fsync(file.fileno())
            said[path] = 'ok'
        except OSError as error:
            said[path] = error.strerror
    try:
        files.append(open('/dev/null'))
        said['files'] = 'ok'
        if len(files) > 30:
            files.clear()
    except OSError as error:
        said['files'] = error.strerror
    with open('/dev/shm/said', 'w') if said['files'] == 'ok' else open(files.pop().fileno(), 'w') as file:
        pass
    print(said, flush=True)
    time.sleep(0.02)
"""

DRIVER = """
import sys, time, msgspec
from harness.agent.beside import mechanisms
from harness.errors import AgentError
from harness.primitives import BesidePrimitive
(ours,) = mechanisms()
for line in sys.stdin:
    verb, primitive, lease_s = msgspec.json.decode(line)
    began, result = time.monotonic(), None
    try:
        if verb == 'arm':
            ours.arm('f', [msgspec.convert(primitive, BesidePrimitive)], lease_s)
        elif verb == 'elements':
            result = ours.elements()
        else:
            result = getattr(ours, verb)('f')
        said = ['ok', result, time.monotonic() - began]
    except AgentError as error:
        said = ['refused', str(error), 0.0]
    print(msgspec.json.encode(said).decode(), flush=True)
"""


class Refused(Exception):
    pass


class Agent:
    """The mechanisms, in a process beside the node."""

    def __init__(self, beside: Container) -> None:
        command = ["docker", "exec", "-i", beside.name, "python3", "-uc", DRIVER]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.took_s: dict[str, float] = {}

    def ask(self, verb: str, primitive: Beside | None = None, lease_s: float = 30.0) -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([verb, msgspec.to_builtins(primitive), lease_s]) + "\n")
        self._process.stdin.flush()
        what, result, took_s = json.loads(self._process.stdout.readline())
        self.took_s[verb] = took_s
        if what == "refused":
            raise Refused(result)
        return result

    def fire(self, primitive: Beside, lease_s: float = 30.0) -> Mapping[str, float]:
        """Armed, fired, confirmed; what the witness read before."""
        self.ask("arm", primitive, lease_s)
        before: Mapping[str, float] = self.ask("readings")
        self.ask("fire")
        self.ask("confirm_fired")
        figure(type(primitive).__name__, **self.took_s)
        return before

    def heal(self) -> None:
        self.ask("heal")
        assert self.ask("left") == []
        figure("healed", **self.took_s)

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(20)


def figure(what: str, **took_s: float) -> None:
    """What was measured, for who runs this with ``-s``."""
    print(what, {verb: f"{1000 * seconds:.1f} ms" for verb, seconds in took_s.items()})  # noqa: T201


def until(look: Callable[[], bool], within_s: float = 10.0) -> None:
    ends = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < ends, "it has not come to that"
        time.sleep(0.05)


class Place:
    def __init__(self, node: Container, beside: Container) -> None:
        self.node, self.beside = node, beside

    def said(self) -> str:
        return str(self.node.logs(tail=1).decode())

    def run(self, command: str) -> str:
        code, output = self.beside.exec_run(["sh", "-c", command])
        assert isinstance(output, bytes)
        return output.decode()


@pytest.fixture(scope="module")
def place(engine: docker.DockerClient, images: Mapping[str, str]) -> Iterator[Place]:
    """Everything that any of the mechanisms asks for, at once."""
    name, image = f"test-beside-{uuid.uuid4().hex[:8]}", images["sidecar"]
    kinds = (Signal, Hog, Fill, Throttle, Syscalls, ReadOnly, Descriptors, Ephemeral, Flip)
    capabilities = sorted({capability for kind in kinds for capability in kind.capabilities})
    tmpfs = {"type": "tmpfs", "device": "tmpfs", "o": "size=8m"}
    made: list[Any] = []
    try:
        made.append(engine.volumes.create(f"{name}-data", driver="local", driver_opts=tmpfs))
        made.append(engine.volumes.create(f"{name}-disk"))
        pod = engine.containers.run(
            image, ["600"], entrypoint=["sleep"], name=f"{name}-pod", network_mode="none", detach=True
        )
        made.append(pod)
        node = engine.containers.run(
            image, ["-uc", NODE], entrypoint=["python3"], name=f"{name}-n", network_mode=f"container:{pod.id}",
            volumes={f"{name}-data": {"bind": "/data"}, f"{name}-disk": {"bind": "/disk"}},
            mem_limit=MEMORY_BYTES, memswap_limit=MEMORY_BYTES, detach=True,
        )  # fmt: skip
        made.append(node)
        beside = engine.containers.run(
            image, ["600"], entrypoint=["sleep"], name=f"{name}-beside", network_mode=f"container:{pod.id}",
            pid_mode=f"container:{node.id}", volumes_from=[node.id], cap_drop=["ALL"], cap_add=capabilities,
            volumes={
                "/sys/fs/cgroup": {"bind": "/sys/fs/cgroup"},
                "/proc/sys/net": {"bind": KERNEL_SETTINGS},
                str(PACKAGE): {"bind": "/opt/harness/harness", "mode": "ro"},
            },
            detach=True,
        )  # fmt: skip
        made.append(beside)
        there = Place(node, beside)
        until(lambda: "files" in there.said())
        yield there
    finally:
        for thing in reversed(made):
            thing.remove(force=True)


@pytest.fixture
def agent(place: Place) -> Iterator[Agent]:
    found = Agent(place.beside)
    yield found
    found.close()
