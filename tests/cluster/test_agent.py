"""The agent in real sidecars: two or three of them on a network of their own, nothing published."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import docker
import pytest
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool
from docker.utils.socket import frames_iter_no_tty

from harness.clock import monotonic_ns, to_ns, to_s
from harness.drivers.docker import connect
from harness.drivers.images import Images
from harness.drivers.streams import ExecStream
from harness.errors import AgentError
from harness.primitives import Cut, Toxic
from harness.wire import (
    ECHO_PORT,
    METRICS_PORT,
    Address,
    Arm,
    Armed,
    Counters,
    Failed,
    Fired,
    Heal,
    Healed,
    Heartbeat,
    Hello,
    Inspect,
    Message,
    Prepare,
    Prepared,
    Probe,
    Pulse,
    Redirect,
    Stop,
    decode_from_agent,
    encode,
)

pytestmark = pytest.mark.cluster
PACKAGE = Path(__file__).parents[2] / "harness"
CAPABILITIES = ["NET_ADMIN", "KILL", "SETUID", "SETGID"]
PORT = 8000
M = TypeVar("M", bound=Message)


def figure(text: str) -> None:
    """What was measured, for who runs this with ``-s``."""
    print(text)  # noqa: T201


def close_exec(file: Any) -> None:
    """docker-py leaves the socket of an exec open."""
    connection = file._sock
    file.close()
    if connection is not None:
        connection.close()


class Pod:
    """One sidecar, and programs in it."""

    def __init__(self, client: docker.DockerClient, container: Container, network: str) -> None:
        self.api = client.api
        self.programs: list[Program] = []
        self.container = container
        container.reload()
        self.name = str(container.labels["node"])
        there = container.attrs["NetworkSettings"]["Networks"][network]
        self.ip: str = there["IPAddress"]
        self.ipv6: str = there["GlobalIPv6Address"]

    def run(self, *command: str) -> str:
        code, text = self.status(*command)
        assert code == 0, text
        return text

    def status(self, *command: str) -> tuple[int, str]:
        code, output = self.container.exec_run(list(command))
        assert isinstance(output, bytes)
        return int(code or 0), output.decode()

    def python(self, code: str) -> "Program":
        return Program(self, "python3", "-uc", code)

    def table(self) -> str:
        """Our nft table as the kernel lists it; empty when there is none."""
        code, text = self.status("nft", "list", "table", "inet", "harness")
        return "" if code else text

    def log(self) -> str:
        return str(self.container.logs().decode())


class Program:
    """A program in a pod: its lines as they come, each with the instant it came."""

    def __init__(self, pod: Pod, *command: str) -> None:
        self.lines: list[str] = []
        self._changed = threading.Condition()
        started = pod.api.exec_create(pod.container.id, list(command))
        self._output = pod.api.exec_start(started["Id"], socket=True)
        connection: Any = self._output
        connection._sock.settimeout(None)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        pod.programs.append(self)

    def _read(self) -> None:
        rest = ""
        for _, data in frames_iter_no_tty(self._output):
            assert isinstance(data, bytes)
            *lines, rest = (rest + data.decode()).split("\n")
            with self._changed:
                self.lines += lines
                self._changed.notify_all()

    def join(self) -> None:
        """Once its container is gone."""
        self._thread.join(5)
        close_exec(self._output)

    def wait(self, count: int, timeout_s: float = 10.0) -> list[str]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.lines) >= count, timeout_s), self.lines
            return list(self.lines)


class Talk:
    """The harness's end of one agent: sends orders and heartbeats, keeps every message."""

    def __init__(self, pod: Pod, *, read: bool = True) -> None:
        self._pod = pod
        self.messages: list[Message] = []
        self.ended = threading.Event()
        self._changed = threading.Condition()
        self._beating = threading.Event()
        self._stream = ExecStream(pod.api, str(pod.container.id), ["python3", "-m", "harness.agent"])
        if not read:
            self.ended.set()
        else:
            threading.Thread(target=self._read, daemon=True).start()
            self.hello = self.expect(Hello)

    def _read(self) -> None:
        try:
            for line in self._stream.lines():
                with self._changed:
                    self.messages.append(decode_from_agent(line))
                    self._changed.notify_all()
        except AgentError as error:
            figure(str(error))
        with self._changed:
            self.ended.set()
            self._changed.notify_all()

    def _beat(self) -> None:
        number = 0
        while not self._beating.wait(0.5):
            number += 1
            try:
                self.send(Heartbeat(number))
            except AgentError:
                return

    def send(self, message: Message) -> None:
        self._stream.send(message)

    def send_bytes(self, data: bytes) -> None:
        self._stream._socket.sendall(data)

    def keep_alive(self) -> None:
        threading.Thread(target=self._beat, daemon=True).start()

    def freeze(self) -> None:
        self._beating.set()

    def close(self) -> None:
        self.freeze()
        self._stream.close()

    def join(self) -> None:
        """Once its container is gone."""
        self.ended.wait(5)
        close_exec(self._stream._file)

    def expect(self, kind: type[M], where: Callable[[M], bool] = lambda _: True, timeout_s: float = 10.0) -> M:
        """The first such message there was or will be."""

        def found() -> M | None:
            return next((m for m in self.messages if isinstance(m, kind) and where(m)), None)

        with self._changed:
            self._changed.wait_for(lambda: found() is not None or self.ended.is_set(), timeout_s)
            message = found()
        said = [m for m in self.messages if not isinstance(m, Probe | Pulse)][-10:]
        assert message is not None, (kind, said, self._pod.log())
        return message

    def ask(self, order: Message, kind: type[M], timeout_s: float = 5.0) -> M:
        """Send an order and wait for the first such message after it."""
        since = len(self.messages)
        self.send(order)

        def found() -> M | None:
            return next((m for m in self.messages[since:] if isinstance(m, kind)), None)

        with self._changed:
            self._changed.wait_for(lambda: found() is not None, timeout_s)
            message = found()
        assert message is not None, (order, self.messages[since:])
        return message

    def probes(self, since_ns: int, until_ns: int) -> list[Probe]:
        return [m for m in list(self.messages) if isinstance(m, Probe) and since_ns <= m.sent_ns < until_ns]


class Cluster:
    """Some pods that know each other's addresses, with an agent in each that was asked for."""

    def __init__(self, pods: list[Pod]) -> None:
        self.pods = {pod.name: pod for pod in pods}
        self.talks: list[Talk] = []

    def __getitem__(self, name: str) -> Pod:
        return self.pods[name]

    def agent(self, name: str, *redirects: Redirect, every_s: float = 0.1) -> Talk:
        talk = Talk(self[name])
        self.talks.append(talk)
        prepared = talk.ask(self.prepare(name, *redirects, every_s=every_s), Prepared)
        assert prepared.now_ns > talk.hello.now_ns
        talk.keep_alive()
        return talk

    def prepare(self, name: str, *redirects: Redirect, every_s: float = 0.1) -> Prepare:
        addresses = tuple(Address(pod.name, (pod.ip, pod.ipv6)) for pod in self.pods.values())
        peers = tuple(peer for peer in self.pods if peer != name)
        return Prepare(name, addresses, (PORT,), redirects, peers, every_s, 0.5)

    def serve(self, name: str) -> None:
        """An echo on PORT of a pod, as its node would serve it."""
        assert self[name].python(_SERVER).wait(1) == ["listening"]

    def ask_once(self, source: str, ip: str) -> list[str]:
        """One byte over a fresh connection: the answer or the error, and the seconds it took."""
        return self[source].python(f"HOST, PORT = {ip!r}, {PORT}\n{_CONNECT}").wait(2)

    def talker(self, source: str, target: str) -> Program:
        """An established connection that says something every 20 ms; a line with the instant for each answer."""
        program = self[source].python(f"HOST, PORT = {self[target].ip!r}, {PORT}\n{_TALKER}")
        program.wait(3)
        return program


_SERVER = f"""
import socket, threading
def serve(connection):
    try:
        while data := connection.recv(4096):
            connection.sendall(data)
    except OSError:
        pass
server = socket.create_server(("::", {PORT}), family=socket.AF_INET6, dualstack_ipv6=True)
print("listening")
while True:
    threading.Thread(target=serve, args=(server.accept()[0],)).start()
"""

_TALKER = """
import socket, time
with socket.create_connection((HOST, PORT)) as connection:
    while True:
        connection.sendall(b"x")
        if not connection.recv(1):
            break
        print(time.monotonic_ns())
        time.sleep(0.02)
print("closed")
"""

_CONNECT = """
import socket, time
start = time.monotonic()
try:
    with socket.create_connection((HOST, PORT), 1.0) as connection:
        connection.sendall(b"x")
        print(connection.recv(1).decode())
except OSError as error:
    print(type(error).__name__)
print(time.monotonic() - start)
"""


@pytest.fixture(scope="session")
def image() -> str:
    images = Images(PACKAGE.parent / "dockerfiles", PACKAGE, print)
    return images.ensure(["sidecar"])["sidecar"]


@pytest.fixture
def cluster(image: str) -> Iterator[Cluster]:
    client, run = connect(), f"try-agent-{uuid.uuid4().hex[:8]}"
    ipv6 = IPAMPool(subnet=f"fd{run[-2:]}:{run[-6:-2]}::/64")
    network = client.networks.create(run, ipam=IPAMConfig(pool_configs=[ipv6]), enable_ipv6=True)

    def start(name: str) -> Pod:
        container = client.containers.run(
            image,
            name=f"{run}-{name}",
            network=run,
            labels={"node": name},
            cap_drop=["ALL"],
            cap_add=CAPABILITIES,
            detach=True,
        )
        return Pod(client, container, run)

    with ThreadPoolExecutor() as threads:
        pods = list(threads.map(start, ("n1", "n2", "n3")))
        cluster = Cluster(pods)
        yield cluster
        for talk in cluster.talks:
            talk.close()
        list(threads.map(lambda pod: pod.container.remove(force=True), pods))
        for talk in cluster.talks:
            talk.join()
        for program in (program for pod in pods for program in pod.programs):
            program.join()
    network.remove()
    client.close()


def soon(delay_s: float = 0.2) -> int:
    return monotonic_ns() + to_ns(delay_s)


def cut(node: str, peer: str, *, hook: str = "in", style: str = "drop") -> Cut:
    return Cut(node, peer, hook, style)  # type: ignore[arg-type]  # literals, spelled in each test


def arm(fault: str, *primitives: Cut | Toxic, at_ns: int, for_s: float = 2.0) -> Arm:
    return Arm(fault, at_ns, at_ns + to_ns(for_s), for_s + 2.0, primitives)


def eventually(holds: Callable[[], bool], timeout_s: float = 5.0) -> float:
    """Seconds until it holds."""
    start = time.monotonic()
    while not holds():
        assert time.monotonic() < start + timeout_s, "it never did"
        time.sleep(0.01)
    return time.monotonic() - start


def stall_s(lines: list[str], since_ns: int) -> float:
    """The longest pause between answers, from ``since_ns`` on."""
    instants = [since_ns, *(int(line) for line in lines if line.isdigit() and int(line) > since_ns)]
    return max(to_s(b - a) for a, b in pairwise(instants))


# --- packets ----------------------------------------------------------------------------------------------------------


def test_a_drop_stalls_an_established_connection_which_goes_on_after_the_heal(
    cluster: Cluster,
) -> None:
    cluster.serve("n2")
    talk = cluster.agent("n2")
    talker = cluster.talker("n1", "n2")
    at_ns = soon()
    talk.ask(arm("lost-n2", cut("n2", "n1"), cut("n2", "n1", hook="out"), at_ns=at_ns, for_s=1.5), Armed)
    fired = talk.expect(Fired)
    assert "lost-n2/in4-drop" in cluster["n2"].table()
    healed = talk.expect(Healed)
    before = len(talker.lines)
    talker.wait(before + 5)
    assert talker.lines[-1] != "closed"
    assert 1.4 < stall_s(talker.lines, fired.after_ns) < 5
    assert healed.why == "schedule"
    assert healed.packets > 0
    assert healed.bytes > 0
    figure(f"fired {to_s(fired.before_ns - at_ns) * 1e3:.2f}..{to_s(fired.after_ns - at_ns) * 1e3:.2f} ms after T")


def test_probes_are_lost_while_their_peer_is_cut_and_no_others(cluster: Cluster) -> None:
    talk = cluster.agent("n1")
    talk.ask(arm("lost-n2", cut("n1", "n2"), at_ns=soon(), for_s=1.5), Armed)
    fired, healed = talk.expect(Fired), talk.expect(Healed)
    time.sleep(0.7)
    during = talk.probes(fired.after_ns, healed.before_ns)
    after = talk.probes(healed.after_ns, monotonic_ns() - to_ns(0.6))
    assert {probe.peer for probe in during if probe.rtt_s is None} == {"n2"}
    assert {probe.peer for probe in during if probe.rtt_s is not None} == {"n3"}
    assert {probe.error for probe in during if probe.peer == "n2"} == {"no answer within 0.5 s"}
    assert all(probe.rtt_s is not None and probe.rtt_s < 0.1 for probe in after)
    assert healed.echoes > 0
    assert healed.packets == 0


def test_a_cut_link_leaves_the_other_direction_well(cluster: Cluster) -> None:
    cluster.serve("n1")
    cluster.serve("n2")
    talk = cluster.agent("n2")
    to_n2, to_n1 = cluster.talker("n1", "n2"), cluster.talker("n2", "n1")
    link = [Cut("n2", "n1", hook, "drop", PORT, "node") for hook in ("in", "out")]
    talk.ask(arm("cut", *link, at_ns=soon(), for_s=1.0), Armed)
    fired, healed = talk.expect(Fired), talk.expect(Healed)
    to_n2.wait(len(to_n2.lines) + 5)
    during = [m for m in talk.probes(fired.after_ns, healed.before_ns) if m.peer == "n1"]
    assert stall_s(to_n2.lines, fired.after_ns) > 0.9
    assert stall_s(to_n1.lines, fired.after_ns) < 0.3
    assert during
    assert all(probe.rtt_s is not None for probe in during), "n2 -> n1 is not cut, so its probes are well"
    assert healed.packets > 0


def test_a_link_cut_at_its_source_takes_that_link_and_its_probes_only(cluster: Cluster) -> None:
    cluster.serve("n2")
    cluster.serve("n1")
    talk, other = cluster.agent("n1"), cluster.agent("n2")
    to_n1 = cluster.talker("n2", "n1")
    link = [Cut("n1", "n2", hook, "drop", PORT, "peer") for hook in ("in", "out")]
    talk.ask(arm("cut", *link, at_ns=soon(), for_s=1.0), Armed)
    fired, healed = talk.expect(Fired), talk.expect(Healed)
    time.sleep(0.6)
    lost = {p.peer for p in talk.probes(fired.after_ns, healed.before_ns - to_ns(0.5)) if p.rtt_s is None}
    assert lost == {"n2"}
    assert stall_s(to_n1.lines, fired.after_ns) < 0.3
    assert {p.rtt_s is None for p in other.probes(fired.after_ns, healed.before_ns)} == {False}


def test_a_cut_covers_ipv6_as_well(cluster: Cluster) -> None:
    cluster.serve("n2")
    talk = cluster.agent("n2")
    assert cluster.ask_once("n1", cluster["n2"].ipv6)[0] == "x"
    talk.ask(arm("lost-n2", cut("n2", "n1"), at_ns=soon(0.05), for_s=30), Armed)
    talk.expect(Fired)
    assert cluster.ask_once("n1", cluster["n2"].ipv6)[0] == "TimeoutError"
    talk.ask(Heal("lost-n2"), Healed)
    assert cluster.ask_once("n1", cluster["n2"].ipv6)[0] == "x"


def test_a_reject_resets_a_peer_that_waits_and_refuses_new_connections(cluster: Cluster) -> None:
    cluster.serve("n2")
    talk = cluster.agent("n2")
    waiter = cluster["n1"].python(
        f"import socket, time\nc = socket.create_connection(({cluster['n2'].ip!r}, {PORT}))\nprint('waiting')\n"
        "try:\n    c.recv(1)\nexcept OSError as e:\n    print(type(e).__name__)\nprint(time.monotonic_ns())\n"
    )
    waiter.wait(1)
    both = [cut("n2", "n1", hook=hook, style="reject") for hook in ("in", "out")]
    talk.ask(arm("reject-n2", *both, at_ns=soon(), for_s=1.5), Armed)
    fired = talk.expect(Fired)
    waiting, how, when = waiter.wait(3, 2.0)
    refused = cluster.ask_once("n1", cluster["n2"].ip)
    assert (waiting, how) == ("waiting", "ConnectionResetError")
    assert to_s(int(when) - fired.after_ns) < 0.2
    assert refused[0] == "ConnectionRefusedError"
    assert float(refused[1]) < 0.3
    assert talk.expect(Healed).packets > 0


def test_metrics_and_loopback_stay_reachable_under_a_full_cut(cluster: Cluster) -> None:
    talk = cluster.agent("n1")
    cuts = [cut("n1", peer, hook=hook) for peer in ("n2", "n3") for hook in ("in", "out")]
    talk.ask(arm("lost-n1", *cuts, at_ns=soon(), for_s=2.0), Armed)
    talk.expect(Fired)
    time.sleep(0.6)  # the figures are renewed four times a second
    code = (
        "from urllib.request import urlopen\n"
        f"print(urlopen('http://{cluster['n1'].ip}:{METRICS_PORT}/metrics', timeout=1).read().decode())\n"
    )
    text = cluster["n2"].run("python3", "-c", code)
    assert 'harness_agent_fault_in_force{fault="lost-n1"} 1.0' in text
    assert 'harness_agent_probe_lost_total{peer="n2"}' in text
    assert 'harness_agent_probe_rtt_seconds{peer="n3"}' in text
    assert 'harness_agent_fault_packets_total{fault="lost-n1"}' in text


def test_arrived_packets_and_connections_are_counted_per_port(cluster: Cluster) -> None:
    cluster.serve("n2")
    talk = cluster.agent("n2")
    cluster.talker("n1", "n2")
    (count,) = talk.ask(Inspect(), Counters).ports
    assert (count.port, count.opens) == (PORT, 1)
    assert count.packets > 3


def test_three_pods_are_cut_at_one_instant(cluster: Cluster) -> None:
    talks = [cluster.agent(name, every_s=1.0) for name in cluster.pods]
    late_ms, skew_ms = [], []
    for i in range(12):
        at_ns, fault = soon(0.15), f"lost-{i}"
        for name, talk in zip(cluster.pods, talks, strict=True):
            peer = "n2" if name != "n2" else "n3"
            talk.send(arm(fault, cut(name, peer), cut(name, peer, hook="out"), at_ns=at_ns, for_s=0.1))
        fired = [talk.expect(Fired, lambda m, f=fault: m.fault == f) for talk in talks]  # type: ignore[misc]
        for talk in talks:
            talk.expect(Healed, lambda m, f=fault: m.fault == f)  # type: ignore[misc]
        after = [to_s(m.after_ns - at_ns) * 1e3 for m in fired]
        late_ms += after
        skew_ms.append(max(after) - min(after))
    figure(f"in force after T: median {median(late_ms):.2f} ms, max {max(late_ms):.2f} ms")
    figure(f"skew of three: median {median(skew_ms):.2f} ms, max {max(skew_ms):.2f} ms")
    assert min(late_ms) > 0
    assert median(late_ms) < 5
    assert median(skew_ms) < 5


def test_a_fault_is_armed_again_under_its_name_and_its_count_begins_anew(cluster: Cluster) -> None:
    talk = cluster.agent("n1", every_s=0.05)
    healed = []
    for _ in range(2):
        since = len(talk.messages)
        talk.ask(arm("flap", cut("n1", "n2"), at_ns=soon(0.05), for_s=0.4), Armed)
        eventually(lambda since=since: any(isinstance(m, Healed) for m in talk.messages[since:]))  # type: ignore[misc]
        healed.append(next(m for m in talk.messages[since:] if isinstance(m, Healed)))
    assert all(0 < m.echoes < 40 for m in healed), healed
    assert talk.ask(Inspect(), Counters).rules == 0


# --- orders that cannot be carried out --------------------------------------------------------------------------------


def test_what_cannot_be_armed_is_said_and_leaves_nothing(cluster: Cluster) -> None:
    talk = cluster.agent("n1")
    at_ns = soon()
    slow = Toxic("n1", "n2", PORT, "latency", "downstream", (("latency", 1),))
    orders: dict[Arm | Heal, str] = {
        arm("a", cut("n2", "n1"), at_ns=at_ns): "a: n1 was told to change n2",
        arm("b", cut("n1", "n9"), at_ns=at_ns): "b: no address of n9 is known here; name it in Prepare",
        arm("c", slow, at_ns=at_ns): "c: the link n1 -> n2:8000 has no redirect here; name it in Prepare",
        arm("d", cut("n1", "n2"), at_ns=at_ns - to_ns(60)): "d came too late: it should be over already",
        Heal("e"): "e was never armed here",
    }
    for order, text in orders.items():
        assert talk.ask(order, Failed) == Failed(text, order.fault)
    assert talk.ask(Inspect(), Counters).rules == 0


def test_rules_that_were_tampered_with_make_the_fault_fail_and_undo_itself(cluster: Cluster) -> None:
    talk = cluster.agent("n1")
    talk.ask(arm("lost", cut("n1", "n2"), at_ns=soon(0.6), for_s=5), Armed)
    cluster["n1"].run("nft", "flush", "chain", "inet", "harness", "lost/drop")
    failed = talk.expect(Failed)
    assert failed == Failed(
        "read back from the kernel, the rules of lost are not what was asked: lost/drop has 0 of 3", "lost"
    )
    assert talk.ask(Inspect(), Counters).rules == 0


# --- toxics -----------------------------------------------------------------------------------------------------------

ROUTE = Redirect("n2", PORT, 18000, 18001)


def toxiproxy_pid(pod: Pod) -> str:
    return pod.run("sh", "-c", "grep -l toxiproxy /proc/[0-9]*/comm").split("/")[2]


def test_a_toxic_is_measured_on_the_echo_and_on_a_connection_that_was_open_before(
    cluster: Cluster,
) -> None:
    cluster.serve("n2")
    talk = cluster.agent("n1", ROUTE)
    talker = cluster.talker("n1", "n2")
    slow = Toxic("n1", "n2", PORT, "latency", "downstream", (("latency", 200), ("jitter", 0)))
    at_ns = soon()
    talk.ask(arm("slow-n2", slow, at_ns=at_ns, for_s=2.0), Armed)
    fired = talk.expect(Fired)
    counters = talk.ask(Inspect(), Counters)
    healed = talk.expect(Healed)
    time.sleep(0.3)
    rtts: dict[str, list[float]] = {"n2": [], "n3": []}
    for probe in talk.probes(fired.after_ns, healed.before_ns - to_ns(0.3)):
        rtts[probe.peer].append(probe.rtt_s or 9.0)
    figure(f"toxics after T: {to_s(fired.after_ns - at_ns) * 1e3:.2f} ms; echo {median(rtts['n2']):.4f} s")
    assert counters.toxics == ("slow-n2",) * 4  # link and echo, over IPv4 and IPv6
    assert all(0.2 <= rtt < 0.3 for rtt in rtts["n2"])
    assert all(rtt < 0.1 for rtt in rtts["n3"])
    assert 0.2 < stall_s(talker.lines, fired.after_ns) < 0.4
    assert healed.bytes > 0
    assert 3 < healed.packets < 30
    assert healed.echoes > 3
    assert talk.ask(Inspect(), Counters).toxics == ()


def test_a_toxic_meets_ipv6_as_well(cluster: Cluster) -> None:
    cluster.serve("n2")
    talk = cluster.agent("n1", ROUTE)
    slow = Toxic("n1", "n2", PORT, "latency", "upstream", (("latency", 150),))
    quick = cluster.ask_once("n1", cluster["n2"].ipv6)
    talk.ask(arm("slow-n2", slow, at_ns=soon(0.05), for_s=30), Armed)
    talk.expect(Fired)
    answer = cluster.ask_once("n1", cluster["n2"].ipv6)
    assert (quick[0], answer[0]) == ("x", "x")
    assert float(quick[1]) < 0.1
    assert 0.15 <= float(answer[1]) < 0.3


def test_both_streams_of_a_link_are_slowed_by_one_fault_and_healed_together(cluster: Cluster) -> None:
    talk = cluster.agent("n1", ROUTE)
    hundred = (("latency", 100),)
    both = (
        Toxic("n1", "n2", PORT, "latency", "upstream", hundred),
        Toxic("n1", "n2", PORT, "latency", "downstream", hundred),
    )
    talk.ask(arm("slow-n2", *both, at_ns=soon(0.05), for_s=1.0), Armed)
    fired = talk.expect(Fired)
    assert talk.ask(Inspect(), Counters).toxics == ("slow-n2",) * 4 + ("slow-n2.2",) * 4
    healed = talk.expect(Healed)
    during = [p.rtt_s or 9.0 for p in talk.probes(fired.after_ns, healed.before_ns - to_ns(0.3)) if p.peer == "n2"]
    assert all(0.2 <= rtt < 0.3 for rtt in during), during
    assert talk.ask(Inspect(), Counters).toxics == ()


def test_a_fault_healed_before_it_fired_met_nothing(cluster: Cluster) -> None:
    talk = cluster.agent("n1", ROUTE)
    slow = Toxic("n1", "n2", PORT, "latency", "upstream", (("latency", 150),))
    talk.ask(arm("slow-n2", slow, cut("n1", "n3"), at_ns=soon(60), for_s=30), Armed)
    healed = talk.ask(Heal(), Healed)
    assert (healed.why, healed.packets, healed.bytes, healed.echoes) == ("order", 0, 0, 0)


def test_a_toxic_with_a_misspelt_attribute_fails_and_is_undone(cluster: Cluster) -> None:
    talk = cluster.agent("n1", ROUTE)
    slow = Toxic("n1", "n2", PORT, "latency", "upstream", (("latncy", 200),))
    talk.ask(arm("slow-n2", slow, at_ns=soon(), for_s=2.0), Armed)
    failed = talk.expect(Failed)
    assert failed.fault == "slow-n2"
    assert "check the names of the attributes" in failed.text
    assert talk.ask(Inspect(), Counters).toxics == ()


def test_toxiproxy_killed_heals_everything_and_links_work_directly(cluster: Cluster) -> None:
    cluster.serve("n2")
    talk = cluster.agent("n1", ROUTE)
    pid = toxiproxy_pid(cluster["n1"])
    slow = Toxic("n1", "n2", PORT, "latency", "upstream", (("latency", 150),))
    talk.ask(arm("lost-n3", cut("n1", "n3"), slow, at_ns=soon(0.05), for_s=30), Armed)
    talk.expect(Fired)
    cluster["n1"].run("sh", "-c", f"kill -9 {pid}")
    took_s = eventually(lambda: cluster["n1"].table() == "")
    failed = talk.expect(Failed)
    assert talk.ended.wait(2)
    answer = cluster.ask_once("n1", cluster["n2"].ip)
    figure(f"whole again {took_s:.3f} s after Toxiproxy was killed")
    assert failed == Failed("Toxiproxy ended (-9); all faults of this pod are removed")
    assert talk.expect(Healed).why == "end"
    assert answer[0] == "x"
    assert "links work directly" in cluster["n1"].log()
    assert took_s < 1


def test_a_toxiproxy_that_is_frozen_is_killed_and_the_pod_is_whole_again(cluster: Cluster) -> None:
    cluster.serve("n2")
    talk = cluster.agent("n1", ROUTE)
    slow = Toxic("n1", "n2", PORT, "latency", "upstream", (("latency", 150),))
    talk.ask(arm("slow-n2", slow, cut("n1", "n3"), at_ns=soon(1.0), for_s=30), Armed)
    cluster["n1"].run("sh", "-c", f"kill -STOP {toxiproxy_pid(cluster['n1'])}")
    failed = talk.expect(Failed)
    assert talk.ended.wait(5)
    eventually(lambda: "Toxiproxy ended (-9)" in cluster["n1"].log(), 5)
    assert failed.fault == "slow-n2"
    assert "could not heal" in failed.text
    assert "was silent" not in cluster["n1"].log()
    assert cluster["n1"].table() == ""
    assert cluster.ask_once("n1", cluster["n2"].ip)[0] == "x"


# --- the lease --------------------------------------------------------------------------------------------------------


def in_force(cluster: Cluster) -> Talk:
    """An agent in n1 that holds n2 cut off for longer than any test lasts."""
    talk = cluster.agent("n1")
    talk.ask(arm("lost-n2", cut("n1", "n2"), at_ns=soon(0.05), for_s=60), Armed)
    talk.expect(Fired)
    assert "lost-n2" in cluster["n1"].table()
    return talk


def test_the_end_of_input_heals_everything(cluster: Cluster) -> None:
    talk = in_force(cluster)
    talk.close()
    assert eventually(lambda: cluster["n1"].table() == "") < 1
    assert "without a goodbye" not in cluster["n1"].log()


def test_a_signal_heals_everything_and_another_agent_may_follow(cluster: Cluster) -> None:
    talk = in_force(cluster)
    cluster["n1"].run("sh", "-c", f"kill -TERM {talk.hello.pid}")
    assert talk.expect(Healed).why == "end"
    assert talk.ended.wait(2)
    cluster.agent("n1")


def test_a_second_agent_says_that_there_is_one_and_leaves_it_alone(cluster: Cluster) -> None:
    in_force(cluster)
    second = Talk(cluster["n1"])
    cluster.talks.append(second)
    assert second.expect(Failed).text == (
        "port 17072 of the sidecar is taken (Address already in use): is another agent running in it?"
    )
    assert second.ended.wait(2)
    assert "lost-n2" in cluster["n1"].table()


def test_stop_is_answered_by_what_was_healed(cluster: Cluster) -> None:
    talk = in_force(cluster)
    talk.send(Stop())
    assert talk.expect(Healed).why == "order"
    assert talk.ended.wait(2)
    assert cluster["n1"].table() == ""


def test_without_heartbeats_everything_is_healed_after_the_lease(cluster: Cluster) -> None:
    talk = in_force(cluster)
    talk.freeze()
    start = time.monotonic()
    healed = talk.expect(Healed, timeout_s=8)
    assert healed.why == "lease"
    assert 4 < time.monotonic() - start < 6.5
    assert talk.ended.wait(2)
    assert cluster["n1"].table() == ""


def test_an_agent_that_is_killed_is_cleaned_up_after_by_the_supervisor(cluster: Cluster) -> None:
    talk = in_force(cluster)
    cluster["n1"].run("sh", "-c", f"kill -9 {talk.hello.pid}")
    took_s = eventually(lambda: cluster["n1"].table() == "")
    figure(f"healed {took_s:.3f} s after the agent was killed")
    assert took_s < 1
    assert "ended without a goodbye; packet rules and toxics are removed" in cluster["n1"].log()


def test_an_agent_that_is_frozen_is_killed_and_cleaned_up_after(cluster: Cluster) -> None:
    talk = in_force(cluster)
    cluster["n1"].run("sh", "-c", f"kill -STOP {talk.hello.pid}")
    took_s = eventually(lambda: cluster["n1"].table() == "")
    assert 1.0 < took_s < 2.5
    assert talk.ended.wait(2)
    assert "was silent for 1.5 s and is killed" in cluster["n1"].log()


def test_the_kernel_forgets_a_fault_when_agent_and_supervisor_are_both_gone(cluster: Cluster) -> None:
    # The frozen echo answers nothing, but the kernel accepts a connection for it.
    connect_only = (
        "import socket\ntry:\n"
        f"    socket.create_connection(({cluster['n1'].ip!r}, {ECHO_PORT}), 0.5)\n    print('connected')\n"
        "except OSError as error:\n    print(type(error).__name__)\n"
    )
    talk = cluster.agent("n1")
    talk.ask(arm("lost-n2", cut("n1", "n2"), at_ns=soon(0.1), for_s=1.0), Armed)
    fired = talk.expect(Fired)
    cluster["n1"].container.pause()  # a first process that is really dead would take the whole namespace with it
    try:
        during = cluster["n2"].python(connect_only).wait(1)
        eventually(lambda: to_s(monotonic_ns() - fired.after_ns) > 3.1)
        after = cluster["n2"].python(connect_only).wait(1)
    finally:
        cluster["n1"].container.unpause()
    assert (during, after) == (["TimeoutError"], ["connected"])


def test_a_reader_that_is_frozen_does_not_freeze_the_agent(cluster: Cluster) -> None:
    talk = Talk(cluster["n1"], read=False)
    cluster.talks.append(talk)
    talk.send(cluster.prepare("n1"))
    for number in range(0, 100_000, 1000):  # some 5 MB of answers: far more than the pipe and all buffers hold
        talk.send_bytes(b"".join(encode(Heartbeat(number + i)) for i in range(1000)))
    talk.keep_alive()
    talk.send(arm("lost-n2", cut("n1", "n2"), at_ns=soon(), for_s=60))
    in_table = f"elements = {{ {cluster['n2'].ip} timeout 1m2s"
    eventually(lambda: in_table in cluster["n1"].table(), 10)
    time.sleep(6)  # longer than the lease: the heartbeats are still heard
    assert in_table in cluster["n1"].table()
    talk.close()
    assert eventually(lambda: cluster["n1"].table() == "") < 2


def test_a_sidecar_stops_at_once(cluster: Cluster) -> None:
    in_force(cluster)
    start = time.monotonic()
    cluster["n1"].container.stop(timeout=10)
    assert time.monotonic() - start < 2
    cluster["n1"].container.reload()
    assert cluster["n1"].container.attrs["State"]["ExitCode"] == 0
