"""A real node's clock, skewed from a container beside it: unprivileged image, foreign user, nothing but SYS_PTRACE."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import groupby

import docker
import pytest
from docker.errors import NotFound
from docker.models.containers import Container

from harness.primitives import Clock

pytestmark = pytest.mark.cluster

# A node: every 5 ms it compares the clock it reads with what a system call says, and writes down the change.
NODE = """
import ctypes, threading, time
libc, spec, last = ctypes.CDLL(None), (ctypes.c_long * 2)(), None
def busy():
    while True:
        for _ in range(1000): time.time()
        time.sleep(0.005)
threading.Thread(target=busy, daemon=True).start()
while True:
    libc.syscall(228, 0, spec)
    ahead = round(time.time() - spec[0] - spec[1] / 1e9, 1)
    if ahead != last:
        print(ahead, flush=True)
    last = ahead
    time.sleep(0.005)
"""

BESIDE = """
import json, os, signal, sys, time
from harness.agent.clock.mechanism import Clocks
from harness.primitives import Clock

clocks, (offset_s, lease_s, how) = Clocks(), json.loads(sys.argv[1])
def say(**figures):
    print(json.dumps(figures), flush=True)
clocks.arm("wrong", [Clock("n1", offset_s)], lease_s)
say(**clocks.readings("wrong"))
before = time.perf_counter()
clocks.fire("wrong")
took_ms = (time.perf_counter() - before) * 1000
clocks.confirm_fired("wrong")
say(**clocks.readings("wrong"), took_ms=took_ms)
time.sleep(0.2)  # the node looks at its clock meanwhile
if how == "dies":
    os.kill(os.getpid(), signal.SIGKILL)
clocks.heal("wrong")
assert clocks.left("wrong") == []
say(**clocks.readings("wrong"))
clocks.leave()
"""


@pytest.fixture(params=["0", "1000"], ids=["root", "user"])
def node(request: pytest.FixtureRequest, engine: docker.DockerClient, images: Mapping[str, str]) -> Iterator[Container]:
    found = engine.containers.run(
        images["sidecar"],
        entrypoint=["python3", "-c", NODE],
        user=request.param,
        name=f"test-clock-{uuid.uuid4().hex[:8]}",
        network_mode="none",
        detach=True,
    )
    try:
        assert eventually(found, ["0.0"]) == ["0.0"]
        yield found
    finally:
        with suppress(NotFound):
            found.remove(force=True)


def changes(node: Container) -> list[str]:
    """How far ahead the node's own clock was, in its own words, each time that changed (a reading between is none)."""
    lines = [line.replace("-0.0", "0.0") for line in node.logs().decode().split("\n")[:-1]]
    return [key for key, _ in groupby(line for line in lines if line in {"0.0", "30.0", "-3600.0"})]


def eventually(node: Container, expected: list[str], within_s: float = 10.0) -> list[str]:
    end_s = time.monotonic() + within_s
    while (found := changes(node)) != expected and time.monotonic() < end_s:
        time.sleep(0.05)
    return found


def beside(node: Container, image: str, offset_s: float, lease_s: float, how: str) -> list[dict[str, float]]:
    """What the mechanism read before, during and after, in a container of its own."""
    assert node.client is not None
    helper = node.client.containers.run(
        image,
        entrypoint=["python3", "-c", BESIDE, json.dumps([offset_s, lease_s, how])],
        pid_mode=f"container:{node.id}",
        network_mode="none",
        cap_drop=["ALL"],
        cap_add=list(Clock.capabilities),
        security_opt=["no-new-privileges:true"],
        detach=True,
    )
    try:
        code = helper.wait()["StatusCode"]
        log = helper.logs().decode()
        assert code == (137 if how == "dies" else 0), log
        return [json.loads(line) for line in log.splitlines()]
    finally:
        helper.remove(force=True)


def test_a_nodes_clock_is_skewed_by_a_neighbour_and_comes_back_whoever_dies(
    node: Container, images: Mapping[str, str]
) -> None:
    before, during, after = beside(node, images["sidecar"], 30.0, 60.0, "heals")
    assert before == pytest.approx({"offset_s": 0.0, "processes": 0, "processes_all": 1}, abs=0.01)
    assert after == pytest.approx({"offset_s": 0.0, "processes": 0, "processes_all": 1}, abs=0.01)
    print(f"fired in {during['took_ms']:.2f} ms")  # noqa: T201 - for who runs this with -s
    assert during.pop("took_ms") < 100  # 0.3 ms on a machine that is not busy
    assert during == pytest.approx({"offset_s": 30.0, "processes": 1, "processes_all": 1}, abs=0.01)
    assert eventually(node, ["0.0", "30.0", "0.0"]) == ["0.0", "30.0", "0.0"]
    # The next one finds the stub that was left in the page, is killed, and only the stub's own lease ends it.
    assert len(beside(node, images["sidecar"], -3600.0, 1.0, "dies")) == 2
    told = ["0.0", "30.0", "0.0", "-3600.0", "0.0"]
    assert eventually(node, told) == told
    node.reload()
    assert node.status == "running"


def test_without_the_capability_it_says_what_is_missing(node: Container, images: Mapping[str, str]) -> None:
    assert node.client is not None
    helper = node.client.containers.run(
        images["sidecar"],
        entrypoint=["python3", "-c", BESIDE, json.dumps([30.0, 60.0, "heals"])],
        pid_mode=f"container:{node.id}",
        network_mode="none",
        cap_drop=["ALL"],
        detach=True,
    )
    try:
        assert helper.wait()["StatusCode"] == 1
        said = helper.logs().decode().splitlines()[-1]
        assert said.startswith("harness.errors.AgentError: process 1 may not be traced from here: give this container")
    finally:
        helper.remove(force=True)
    assert changes(node) == ["0.0"]
