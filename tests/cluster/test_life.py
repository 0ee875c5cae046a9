"""What an engine does to a node, on real containers: every deed, what the engine says of it, and its way back."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import docker
import pytest
from docker.models.containers import Container

from harness.drivers import beside
from harness.drivers.docker import DockerCluster
from harness.engine import Change, Limits
from harness.errors import AgentError, EngineError
from harness.primitives import Beside
from harness.runner.life.archives import content, with_text
from harness.weave.pods import LABEL_NODE, LABEL_PART, LABEL_RECORD, LABEL_RUN
from harness.wire import Heartbeat

pytestmark = pytest.mark.cluster

# A node that says when it starts, serves a port, ends at TERM after a moment, and works as hard as it is told to.
PROGRAM = """
import os, signal, socket, sys, threading, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.1), os._exit(7)))
listener = socket.create_server(("", 8000))
print("ready", flush=True)
threading.Thread(target=lambda: [time.sleep(0.05) for _ in iter(int, 1)], daemon=True).start()
if os.path.exists("/data/busy"):
    while True: pass
time.sleep(1000)
"""


class Traces(Beside, frozen=True):
    capabilities: ClassVar[tuple[str, ...]] = ("SYS_PTRACE",)


class Settings(Beside, frozen=True):
    control_groups: ClassVar[bool] = True
    kernel_settings: ClassVar[bool] = True


class Node:
    """One node with its sidecar, and what the engine said of it."""

    def __init__(self, engine: docker.DockerClient, image: str) -> None:
        self.run = f"try-life-{uuid.uuid4().hex[:8]}"
        self._engine, self._image = engine, image
        self.pod = self._start("pod", ["sleep", "1000"], init=True)
        self.volume = engine.volumes.create(f"{self.run}-data", labels={LABEL_RUN: self.run})
        self.container = self._start(
            "node",
            ["python3", "-c", PROGRAM],
            network_mode=f"container:{self.pod.id}",
            volumes=[f"{self.volume.name}:/data", "/anonymous"],
        )
        self.cluster = DockerCluster(engine, self.run)
        self.said: list[Change] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for change in self.cluster.changes():
            self.said.append(change)

    def _start(self, part: str, command: list[str], **options: Any) -> Container:
        labels = {LABEL_RUN: self.run, LABEL_PART: part, LABEL_NODE: "n1", LABEL_RECORD: ""}
        found = self._engine.containers.run(
            self._image,
            entrypoint=command,
            detach=True,
            name=f"{self.run}-{part}",
            labels=labels,
            **options,
        )
        assert isinstance(found, Container)
        return found

    def status(self) -> str:
        self.container.reload()
        return self.container.status

    def words(self) -> list[str]:
        """What the engine said of the node, in order."""
        return [change.action for change in self.said if change.part == "node"]

    def run_in(self, *command: str) -> str:
        output = self.container.exec_run(list(command)).output
        assert isinstance(output, bytes)
        return output.decode()


@pytest.fixture
def node(engine: docker.DockerClient, images: Mapping[str, str]) -> Iterator[Node]:
    found = Node(engine, images["sidecar"])
    within(10, lambda: b"ready" in found.container.logs())
    yield found
    assert found.cluster.stop().left == ()


def within(seconds: float, true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_node_is_ended_and_started_and_frozen_and_the_engine_says_each(node: Node) -> None:
    cluster = node.cluster
    within(5, lambda: cluster.listening("n1"))
    assert cluster.start("n1") is False
    cluster.freeze("n1")
    assert (node.status(), cluster.listening("n1")) == ("paused", False)
    assert (cluster.thaw("n1"), cluster.thaw("n1"), node.status()) == (True, False, "running")
    cluster.stop_node("n1", 5)
    node.container.reload()
    assert (node.status(), node.container.attrs["State"]["ExitCode"]) == ("exited", 7)  # it was asked, and answered
    assert cluster.start("n1") is True
    cluster.kill("n1")
    cluster.restart("n1", 1)
    assert node.status() == "running"
    told = ["pause", "unpause", "kill", "die", "stop", "start", "kill", "die", "start", "restart"]
    within(5, lambda: [word for word in node.words() if word in told][-10:] == told)
    with pytest.raises(EngineError, match="has no node container for n2"):
        cluster.kill("n2")


def test_a_crash_lets_the_restart_policy_act_and_a_kill_does_not(node: Node) -> None:
    node.container.update(restart_policy={"Name": "always"})
    node.cluster.crash("n1", "boom")
    within(5, lambda: node.words().count("start") >= 1 and node.status() == "running")
    assert "die" in node.words()
    node.cluster.kill("n1")
    assert node.status() == "exited"
    with pytest.raises(EngineError, match=r"n1 could not crash: it does not run \(exited\)"):
        node.cluster.crash("n1", "boom")
    assert [c for c in node.cluster._ours() if c.labels[LABEL_PART] == beside.PART] == []


def test_limits_bite_are_seen_by_the_kernel_and_go_back(node: Node) -> None:
    cluster = node.cluster
    free = cluster.limits("n1")
    assert free == Limits()
    cluster.bound("n1", Limits(cpu_quota_us=5_000, memory_bytes=64 << 20, memory_swap_bytes=64 << 20, processes=5))
    before = cluster.usage("n1")
    assert (before.memory_limit_bytes, before.processes_limit) == (64 << 20, 5)
    node.run_in("python3", "-c", "import time; e = time.time() + 0.3\nwhile time.time() < e: pass")
    assert cluster.usage("n1").throttled_s > before.throttled_s
    assert cluster.run("n1", "few", ["sh", "-c", "for i in 1 2 3 4 5 6; do sleep 0.5 & done; wait"], 5).exit_code
    cluster.bound("n1", free)
    after = cluster.usage("n1")
    assert (after.processes_limit, cluster.limits("n1")) == (0, free)
    assert after.memory_limit_bytes != 64 << 20
    cluster.restart("n1", 1)
    assert cluster.limits("n1") == free
    assert node.words().count("update") == 2


def test_a_file_is_replaced_with_its_owner_and_mode_and_goes_back_even_while_the_node_is_down(node: Node) -> None:
    node.run_in(
        "sh", "-c", "echo old > /etc/n.conf; chown 77:78 /etc/n.conf; chmod 640 /etc/n.conf; ln -s n.conf /etc/l"
    )
    cluster, path = node.cluster, "/etc/n.conf"
    old = cluster.read_file("n1", path)
    assert content(old) == b"old\n"
    cluster.write_file("n1", path, with_text(old, "not = a = config\n"))
    look = ("sh", "-c", f"cat {path}; stat -c '%u %g %a' {path}")
    assert node.run_in(*look) == "not = a = config\n77 78 640\n"
    cluster.kill("n1")
    cluster.write_file("n1", path, old)
    cluster.start("n1")
    assert node.run_in(*look) == "old\n77 78 640\n"
    for wrong, said in (("/etc/l", "is a link to"), ("/etc", "is a directory"), ("/etc/none", "could not be read")):
        with pytest.raises(EngineError, match=said):
            cluster.read_file("n1", wrong)


def test_broken_hardware_takes_the_nodes_own_volumes_with_it(node: Node, engine: docker.DockerClient) -> None:
    anonymous = next(m["Name"] for m in node.container.attrs["Mounts"] if m["Destination"] == "/anonymous")
    node.cluster.discard("n1")
    assert {v.name for v in engine.volumes.list()} & {anonymous, node.volume.name} == set()
    with pytest.raises(EngineError, match="has no node container for n1"):
        node.cluster.start("n1")
    within(5, lambda: node.words()[-1:] == ["destroy"])


def test_a_command_ends_with_its_code_or_at_its_time(node: Node) -> None:
    done = node.cluster.run("n1", "drain", ["sh", "-c", "echo out; echo err >&2; exit 3"], 10)
    assert (done.exit_code, sorted(done.text.split())) == (3, ["err", "out"])
    with pytest.raises(EngineError, match=r"'sleep 77' did not end within 0.3 s in n1; it was killed"):
        node.cluster.run("n1", "drain", ["sleep", "77"], 0.3)
    assert "77" not in node.run_in("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    assert node.cluster.run("n1", "drain", ["nonesuch"], 5).exit_code in (126, 127)


def test_a_program_beside_a_node_has_what_its_fault_needs_and_ends_with_its_input(node: Node) -> None:
    look = (
        "import os, sys, json\n"
        "caps = int([l for l in open('/proc/self/status') if l.startswith('CapEff')][0].split()[1], 16)\n"
        "groups = any(os.access(f'/sys/fs/cgroup/{g}cgroup.procs', os.W_OK) for g in ('', 'memory/'))\n"
        "port = '/host/proc/sys/net/ipv4/ip_local_port_range'\n"
        "print(json.dumps([sys.argv[1], open('/proc/1/cmdline').read()[:7], os.path.isdir('/data'), caps, groups,\n"
        "    os.path.exists(port)]), flush=True)\n"
        "sys.stdin.read()\n"
    )
    for primitive, seen in ((Traces("n1"), "524288, false, false"), (Settings("n1"), "0, true, true")):
        stream = beside.open_agent(
            node.cluster._client, node.container, node.pod, "skew", [primitive], ("python3", "-c", look)
        )
        lines = stream.lines()
        assert next(lines).decode() == f'["n1", "python3", true, {seen}]'
        stream.send(Heartbeat(1))
        stream.close()
        assert list(lines) == []
    within(5, lambda: len(node.cluster._ours()) == 2)  # each removed by the engine as soon as it had ended
    assert node.run_in("ls", "-d", "/anonymous") == "/anonymous\n"


def test_an_agent_beside_a_node_is_taken_away_whatever_it_does(node: Node) -> None:
    stream = beside.open_agent(
        node.cluster._client, node.container, node.pod, "skew", [], ("python3", "-c", "import time; time.sleep(1000)")
    )
    node.cluster.close_beside("n1", "another")
    assert len(node.cluster._ours()) == 3
    node.cluster.close_beside("n1", "skew")
    node.cluster.close_beside("n1", "skew")
    assert list(stream.lines()) == []
    assert len(node.cluster._ours()) == 2
    node.cluster.kill("n1")
    with pytest.raises((AgentError, EngineError), match="could not be started"):
        node.cluster.open_beside("n1", "skew", [Traces("n1")])
    assert len(node.cluster._ours()) == 2
