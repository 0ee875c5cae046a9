"""What agents do beside a node, in real containers: a pod, a node of two processes on two volumes, and us beside it."""

import json
import select
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
            with open(path, 'ab') as file:
                file.write(bytes(4096))
                file.flush()
                os.fsync(file.fileno())
            said[path] = 'ok'
        except OSError as error:
            said[path] = error.strerror
    try:
        while len(files) < 30:
            files.append(open('/dev/null'))
        said['files'] = 'ok'
    except OSError as error:
        said['files'] = error.strerror
    files.clear()
    print(said, flush=True)
    time.sleep(0.05)
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
        command = ["docker", "exec", "-i", str(beside.id), "python3", "-uc", DRIVER]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.took_s: dict[str, float] = {}

    def ask(self, verb: str, primitive: Beside | None = None, lease_s: float = 30.0) -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([verb, msgspec.to_builtins(primitive), lease_s]) + "\n")
        self._process.stdin.flush()
        assert select.select([self._process.stdout], [], [], 20.0)[0], f"no answer to {verb}"
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
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()  # an engine's exec may not notice that its container is gone
            self._process.wait()


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
        _, output = self.beside.exec_run(["sh", "-c", command])
        assert isinstance(output, bytes)
        return output.decode()


@pytest.fixture(scope="module")
def place(engine: docker.DockerClient, images: Mapping[str, str]) -> Iterator[Place]:
    """Everything that any of the mechanisms asks for, at once."""
    name, image = f"test-beside-{uuid.uuid4().hex[:8]}", images["sidecar"]
    kinds = (Signal, Hog, Fill, Throttle, Syscalls, ReadOnly, Descriptors, Ephemeral, Flip)
    capabilities = sorted({capability for kind in kinds for capability in kind.capabilities})
    tmpfs = {"type": "tmpfs", "device": "tmpfs", "o": "size=24m"}
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
            pid_mode=f"container:{node.id}", volumes_from=[str(node.id)], cap_drop=["ALL"], cap_add=capabilities,
            volumes={
                "/sys/fs/cgroup": {"bind": "/sys/fs/cgroup"},
                "/proc/sys/net": {"bind": KERNEL_SETTINGS},
                str(PACKAGE): {"bind": "/opt/harness/harness", "mode": "ro"},
            },
            detach=True,
        )  # fmt: skip
        made.append(beside)
        there = Place(node, beside)
        until(lambda: "files" in there.said(), 20.0)
        yield there
    finally:
        for thing in reversed(made):
            thing.remove(force=True)


@pytest.fixture
def agent(place: Place) -> Iterator[Agent]:
    found = Agent(place.beside)
    yield found
    found.close()


def went(said: str) -> bool:
    """All that the node tried went well."""
    return said.count("'ok'") == 3


@pytest.mark.parametrize(
    ("primitive", "seen", "node_says"),
    [
        pytest.param(Fill("n", "/data"), {"enospc": 1, "free_bytes": 0}, "No space left on device", id="fill"),
        pytest.param(Fill("n", "/data", 65536), {"enospc": 1}, "", id="fill-but-for-64KiB"),
        pytest.param(Descriptors("n", 20), {"limit_max": 20}, "Too many open files", id="descriptors"),
        pytest.param(ReadOnly("n", "/data"), {"erofs": 1, "writable": 0}, "Read-only file system", id="read-only"),
        pytest.param(
            Syscalls("n", "/data/log", ("fsync",), "EIO"),
            {"traced": 2, "untraced": 0}, "Input/output error", id="syscalls",
        ),
        pytest.param(Flip("n", "/data/tab*", 3, 7), {"differs": 1, "flipped_bytes": 3}, "", id="flip"),
        pytest.param(Signal("n", "the-worker", "STOP", "CONT"), {"matching": 1, "stopped": 1}, "", id="stop-and-go-on"),
    ],
)  # fmt: skip
def test_a_change_bites_is_seen_from_outside_and_is_gone(
    place: Place, agent: Agent, primitive: Beside, seen: Mapping[str, float], node_says: str
) -> None:
    before = agent.fire(primitive)
    during = agent.ask("readings")
    assert {name: during[name] for name in seen} == seen
    assert {name: before[name] for name in seen} != seen
    assert agent.ask("elements") == 1
    until(lambda: node_says in place.said())
    agent.heal()
    after = agent.ask("readings")
    changing = ("open_files_max", "free_bytes")  # the node lives on
    assert {k: v for k, v in after.items() if k not in changing} == {
        k: v for k, v in before.items() if k not in changing
    }
    assert agent.ask("elements") == 0
    until(lambda: went(place.said()))


def test_what_strace_answered_is_counted_by_strace(place: Place, agent: Agent) -> None:
    agent.fire(Syscalls("n", "/data/log", ("fsync",), lie=True))
    until(lambda: agent.ask("met")["packets"] > 3)
    agent.heal()
    assert agent.ask("met")["packets"] > 3


def test_a_killed_worker_is_gone_and_the_node_starts_another(place: Place, agent: Agent) -> None:
    agent.fire(Signal("n", "the-worker", "KILL"))
    until(lambda: agent.ask("readings") == {"matching": 1, "stopped": 0, "gone": 1, "handled": 0})
    agent.heal()


def test_busy_loops_use_the_nodes_own_share(place: Place, agent: Agent) -> None:
    before = agent.fire(Hog("n", "cpu", 2))
    assert before["loops"] == 0
    until(lambda: agent.ask("readings")["loops_used_s"] > 0.2)
    during = agent.ask("readings")
    assert during["loops"] == 2
    assert during["cpu_used_s"] > before["cpu_used_s"] + 0.2
    assert during["waited_s"] >= before["waited_s"]
    agent.heal()
    assert agent.ask("readings")["loops"] == 0


def test_memory_is_taken_in_the_nodes_group_and_given_back(place: Place, agent: Agent) -> None:
    before = agent.fire(Hog("n", "memory", size_bytes=30_000_000))
    during = agent.ask("readings")
    assert during["anonymous_bytes"] - before["anonymous_bytes"] > 29_000_000
    agent.heal()
    until(lambda: agent.ask("readings")["anonymous_bytes"] < before["anonymous_bytes"] + 5_000_000)


def test_the_kernel_kills_the_largest_of_the_nodes_processes_once(place: Place, agent: Agent) -> None:
    before = agent.fire(Hog("n", "oom"))
    after = agent.ask("readings")
    assert after["oom_kills"] == before["oom_kills"] + 1
    assert after["used_bytes"] < MEMORY_BYTES / 2
    agent.heal()
    until(lambda: went(place.said()))


def test_a_direct_write_takes_as_long_as_the_bound_says(place: Place, agent: Agent) -> None:
    before = agent.fire(Throttle("n", "/disk", 500_000))
    until(lambda: "write_s" in agent.ask("readings"))
    during = agent.ask("readings")
    figure("direct write", before=before["write_s"], during=during["write_s"])
    assert during["write_s"] > 0.15 > before["write_s"]
    agent.heal()
    until(lambda: "write_s" in agent.ask("readings"))
    assert agent.ask("readings")["write_s"] < 0.15


def test_local_ports_come_from_the_range_only(place: Place, agent: Agent) -> None:
    agent.fire(Ephemeral("n", 40000, 10))
    assert all(40000 <= agent.ask("readings")["local_port"] < 40010 for _ in range(5))
    agent.heal()
    assert place.run("cat /proc/sys/net/ipv4/ip_local_port_range").split() == ["32768", "60999"]


@pytest.mark.parametrize(
    ("primitive", "said"),
    [
        (Fill("n", "/disk"), "on the host's own disk, which is never filled"),
        (Throttle("n", "/data", 1_000_000), "lies on no disk of its own"),
        (ReadOnly("n", "/data/inner"), "is no mount of the node's"),
        (Signal("n", "NODE-ONE", "STOP"), "no process there is called 'NODE-ONE'"),
        (Signal("n", "subprocess", "STOP"), "the node's first process, which the kernel protects"),
        (Hog("n", "memory", size_bytes=200_000_000), "left under the node's limit"),
        (Flip("n", "/data/nothing*"), "no file matches"),
    ],
)
def test_what_cannot_be_done_here_is_refused_when_it_is_armed(agent: Agent, primitive: Beside, said: str) -> None:
    with pytest.raises(Refused, match=said):
        agent.ask("arm", primitive)
    assert agent.ask("elements") == 0


def test_a_keeper_that_was_killed_is_succeeded_by_one_that_undoes(place: Place, agent: Agent) -> None:
    before = agent.fire(Descriptors("n", 1000))
    place.run("kill -9 $(grep -l harness-keeper /proc/[0-9]*/comm | cut -d/ -f3)")
    agent.heal()
    assert agent.ask("readings")["limit_max"] == before["limit_max"]


def test_when_the_agent_is_killed_its_keepers_undo(place: Place) -> None:
    agent = Agent(place.beside)
    agent.fire(Ephemeral("n", 40000, 10))
    place.run("kill -9 $(grep -la 'import mechanisms' /proc/[0-9]*/cmdline | cut -d/ -f3 | grep -v -e self)")
    until(lambda: place.run("cat /proc/sys/net/ipv4/ip_local_port_range").split() == ["32768", "60999"])
    agent.close()


def test_past_its_lease_a_keeper_undoes_without_being_told(place: Place, agent: Agent) -> None:
    agent.fire(Fill("n", "/data"), lease_s=0.3)
    until(lambda: agent.ask("readings")["enospc"] == 0)
    agent.heal()
