"""The packet queue in real sidecars: what its datagrams see, and what is left when its program or its agent dies."""

import json
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import docker
import pytest
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool

CAPABILITIES = ["NET_ADMIN", "KILL", "SETUID", "SETGID"]

# Runs in the pod ``n1``; ``ADDRESSES`` stands before it. One line of JSON on its output.
_BEGIN = """
import json, os, signal, socket, subprocess, sys, time
from harness.agent.kernel import Kernel, library, remove_everything
from harness.agent.queue.mechanism import Queue
from harness.errors import AgentError
from harness.primitives import Disturb
from harness.wire import ECHO_PORT

kernel = Kernel(library())
queue = Queue(kernel, lambda node: ADDRESSES.get(node, ()))

def round_trip_s(ip):
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as flow:
        flow.settimeout(1.0)
        flow.connect((ip, ECHO_PORT))
        began_s = time.monotonic()
        flow.send(b"?")
        flow.recv(1)
        return time.monotonic() - began_s

def until(is_so, timeout_s=3.0):
    end_s = time.monotonic() + timeout_s
    while not is_so() and time.monotonic() < end_s:
        time.sleep(0.01)
    return is_so()

def read(fault):
    found = {}
    until(lambda: found.update(queue.readings(fault)) or found)
    return found
"""

_TOGETHER = """
found = {}
for for_s, faults in json.loads(FAULTS):
    for name, (peer, changes) in faults.items():
        queue.arm(name, [Disturb("n1", peer, seed=5, **changes)], 30.0)
    found |= {name: {"before": read(name)} for name in faults}
    for name in faults:
        queue.fire(name)
    for name in faults:
        queue.confirm_fired(name)
    time.sleep(for_s)
    for name in faults:
        found[name]["during"] = read(name)
        found[name]["echoes"] = queue.met(name).echoes
    for name in faults:
        queue.heal(name)
    for name in faults:
        found[name]["left"] = queue.left(name)
        found[name]["after"] = read(name)
        queue.forget(name)
queue.leave()
print(json.dumps({"found": found, "tables": kernel.tables()}))
"""

_TCP = """
ip = ADDRESSES["four"][0]
queue.arm("lie", [Disturb("n1", "four", corrupt=1.0, silent=True)], 30.0)
sent = bytes(500)
changed = 0
with socket.create_connection((ip, ECHO_PORT), 3.0) as connection:
    queue.fire("lie")
    for _ in range(20):
        connection.sendall(sent)
        back = b""
        while len(back) < len(sent):
            back += connection.recv(4096)
        changed += back != sent
queue.heal("lie")
queue.leave()
print(json.dumps(changed))
"""

_HOLDER = """
queue.arm("slow", [Disturb("n1", "four", delay_s=0.3)], 2.0)
queue.fire("slow")
queue.confirm_fired("slow")
print(queue._child.pid, flush=True)
sys.stdin.read()
"""

_KILLED = """
ip = ADDRESSES["four"][0]
holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
child = int(holder.stdout.readline())
slow_s = round_trip_s(ip)
holder.kill()
holder.wait()

def gone():
    try:
        return "State:\\tZ" in open(f"/proc/{child}/status").read()
    except (FileNotFoundError, ProcessLookupError):  # gone before we opened it, or before we read
        return True

child_gone = until(gone)
passes_s = round_trip_s(ip)
held = kernel.held("inet harness-queue").elements
empty = until(lambda: not sum(kernel.held("inet harness-queue").elements.values()))
before = kernel.tables()
remove_everything(kernel)
print(json.dumps([slow_s, child_gone, passes_s, held, empty, before, kernel.tables()]))
"""

_CHILD_KILLED = """
ip = ADDRESSES["four"][0]
queue.arm("slow", [Disturb("n1", "four", delay_s=0.3)], 30.0)
queue.fire("slow")
queue.confirm_fired("slow")
os.kill(queue._child.pid, signal.SIGKILL)
until(lambda: not queue._child.alive())
passes_s = round_trip_s(ip)
try:
    queue.readings("slow")
    said = ""
except AgentError as error:
    said = str(error)
queue.heal("slow")
left = queue.left("slow")
queue.forget("slow")
queue.arm("again", [Disturb("n1", "four", delay_s=0.3)], 30.0)
queue.fire("again")
again_s = round_trip_s(ip)
queue.heal("again")
healed_s = round_trip_s(ip)
queue.leave()
print(json.dumps([passes_s, said, left, again_s, healed_s]))
"""


class Pods:
    def __init__(self, containers: tuple[Container, ...], network: str) -> None:
        self.first, other = containers
        other.reload()
        there = other.attrs["NetworkSettings"]["Networks"][network]
        self.addresses = {"four": (there["IPAddress"],), "six": (there["GlobalIPv6Address"],)}

    def run(self, program: str, **names: str) -> object:
        given = "".join(f"{name} = {value!r}\n" for name, value in {"ADDRESSES": self.addresses, **names}.items())
        code, output = self.first.exec_run(["python3", "-c", f"{given}{_BEGIN}{program}"])
        assert isinstance(output, bytes)
        assert code == 0, output.decode()
        return json.loads(output.decode().splitlines()[-1])


@pytest.fixture(scope="module")
def pods(engine: docker.DockerClient, images: Mapping[str, str]) -> Iterator[Pods]:
    run = f"try-queue-{uuid.uuid4().hex[:8]}"
    ipv6 = IPAMPool(subnet=f"fd{run[-2:]}:{run[-6:-2]}::/64")
    network = engine.networks.create(run, internal=True, ipam=IPAMConfig(pool_configs=[ipv6]), enable_ipv6=True)

    def start(name: str) -> Container:
        return engine.containers.run(
            images["sidecar"], name=f"{run}-{name}", network=run, cap_drop=["ALL"], cap_add=CAPABILITIES, detach=True
        )

    with ThreadPoolExecutor() as threads:
        containers = tuple(threads.map(start, ("n1", "n2")))
    try:
        yield Pods(containers, run)
    finally:
        for container in containers:
            container.remove(force=True)
        network.remove()


# Two at a time, one on IPv4 and one on IPv6, so that the program has to tell them apart.
_FAULTS = [
    (2.0, {"slow": ("four", {"delay_s": 0.3}), "lossy": ("six", {"loss": 0.3})}),
    (1.2, {"twice": ("four", {"duplicate": 0.5}), "bad": ("six", {"corrupt": 0.3})}),
    (1.2, {"turned": ("four", {"reorder": 0.3}), "lie": ("six", {"corrupt": 0.3, "silent": True})}),
]


def test_each_disturbance_is_seen_by_datagrams_while_it_lasts_and_only_then(pods: Pods) -> None:
    answer = pods.run(_TOGETHER, FAULTS=json.dumps(_FAULTS))
    assert isinstance(answer, dict)
    assert answer["tables"] == []
    found = answer["found"]
    shares = ("lost_share", "doubled_share", "overtaken_share", "corrupted_share")
    for name, figures in found.items():
        assert figures["left"] == []
        assert figures["echoes"] >= 20, name
        for when in ("before", "after"):
            assert [figures[when][share] for share in shares] == [0.0] * 4, (name, when)
    during = {name: figures["during"] for name, figures in found.items()}
    assert 0.3 <= during["slow"]["round_trip_s"] < 0.5
    assert all(found["slow"][when]["round_trip_s"] < 0.25 for when in ("before", "after"))
    assert during["slow"]["lost_share"] == 0.0
    assert 0.05 < during["lossy"]["lost_share"] < 0.6
    assert 0.2 < during["twice"]["doubled_share"] < 0.8
    assert 0.05 < during["bad"]["lost_share"] < 0.6
    assert during["bad"]["checksum_errors"] > 0
    assert 0.02 < during["turned"]["overtaken_share"] < 0.6
    assert 0.05 < during["lie"]["corrupted_share"] < 0.6
    assert during["lie"]["lost_share"] == 0.0


def test_a_silent_corruption_reaches_the_program_over_tcp(pods: Pods) -> None:
    assert pods.run(_TCP) == 20


def test_when_the_agent_is_killed_packets_pass_and_the_kernel_forgets_the_rest_by_itself(pods: Pods) -> None:
    answer = pods.run(_KILLED, HOLDER=_with_addresses(pods, _HOLDER))
    assert isinstance(answer, list)
    slow_s, child_gone, passes_s, held, empty, before, after = answer
    assert slow_s >= 0.3
    assert child_gone
    assert passes_s < 0.25
    assert held in ({"slow/0-4": 1}, {"slow/0-4": 0})
    assert empty
    assert (before, after) == (["inet harness-queue"], [])


def test_when_the_queues_program_dies_it_is_said_and_the_next_fault_gets_a_new_one(pods: Pods) -> None:
    answer = pods.run(_CHILD_KILLED)
    assert isinstance(answer, list)
    passes_s, said, left, again_s, healed_s = answer
    assert passes_s < 0.25
    assert said == "the packet queue's program ended (exit code -9); packets pass undisturbed since"
    assert left == []
    assert again_s >= 0.3
    assert healed_s < 0.25


def _with_addresses(pods: Pods, program: str) -> str:
    return f"ADDRESSES = {pods.addresses!r}\n{_BEGIN}{program}"
