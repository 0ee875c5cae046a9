"""Rates, limits and toxics in real sidecars: what a bulk, a client and the kernel show of each, and that it is gone."""

import json
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import docker
import msgspec
import pytest
from docker.models.containers import Container

from harness.cluster import Cluster, Link, Node
from harness.faults.bandwidth import Bandwidth
from harness.faults.streams import BlackHole, Reset, Slicer, SlowClose, StreamCut, StreamFault
from harness.primitives import Toxic

pytestmark = pytest.mark.cluster
CAPABILITIES = ["NET_ADMIN", "KILL", "SETUID", "SETGID"]

# Each runs in the pod ``gateway``, with ``IP`` (of n1) before it, and prints one line of JSON.
_RATE = """
import json, subprocess, time
from harness.agent.bulk import move
from harness.agent.kernel import Kernel, library
from harness.agent.rate import Rate
from harness.primitives import Rate as Primitive

rate = Rate(Kernel(library()), lambda name: (IP,))

def mbits():
    return move(IP, 256_000, 5).bits_per_s() / 1e6

def armed(fault, mbit, lease_s):
    rate.arm(fault, [Primitive("gateway", "n1", int(mbit * 1e6))], lease_s)

def fired(fault):
    began_s = time.monotonic()
    rate.fire(fault)
    took_s = time.monotonic() - began_s
    rate.confirm_fired(fault)
    return took_s

found = {}
armed("slow", 10, 30.0)
found["before"] = rate.readings("slow")
found["fire_ms"] = fired("slow") * 1000
found["during"] = mbits()
armed("other", 40, 30.0)  # the stricter rate wins, whichever was armed last
fired("other")
found["both"] = mbits()
rate.heal("slow")
found["other"] = mbits()
rate.heal("other")
found["left"] = [*rate.left("slow"), *rate.left("other")]
found["after"] = mbits()
found["met"] = rate.met("slow").echoes
armed("leased", 1, 0.3)
fired("leased")
time.sleep(0.4)  # nobody renews it
found["leased"] = {"mbits": mbits(), "elements": rate.elements()}
for fault in ("slow", "other", "leased"):
    rate.forget(fault)
found["devices"] = subprocess.run(["tc", "qdisc", "show", "dev", "eth0"], capture_output=True, text=True).stdout
rate.leave()
found["tables"] = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout
print(json.dumps(found))
"""

# In the pod ``n1``: a server on 8000 that takes whoever comes, and one on 8001 that does what it is told.
_LIMITED = """
import json, socket, socketserver, threading
from harness.agent.kernel import Kernel, library
from harness.agent.limit import Limit
from harness.primitives import Limit as Primitive

class UntilItEnds(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(1)

server = socketserver.ThreadingTCPServer(("", 8000), UntilItEnds)
threading.Thread(target=server.serve_forever, daemon=True).start()
limit = Limit(Kernel(library()))

def arm(most, lease_s):
    limit.arm("full", [Primitive("n1", 8000, most)], lease_s)

def fire():
    limit.fire("full")
    limit.confirm_fired("full")

def look():
    return {"met": limit.met("full").packets, "elements": limit.elements(), **limit.readings("full")}

told = {"arm": arm, "fire": fire, "look": look, "heal": lambda: limit.heal("full"), "leave": limit.leave,
        "left": lambda: list(limit.left("full")), "forget": lambda: limit.forget("full")}
orders = socket.create_server(("", 8001))
while True:
    with orders.accept()[0] as stream:
        word, *values = json.loads(stream.makefile().readline())
        stream.sendall(json.dumps(told[word](*values)).encode())
"""

_LIMIT = """
import json, socket, time

def tell(*words):
    with socket.create_connection((IP, 8001), 5) as stream:
        stream.sendall(json.dumps(words).encode() + b"\\n")
        return json.loads(stream.makefile().read())

def opened(count):
    found = []
    for _ in range(count):
        try:
            found.append(socket.create_connection((IP, 8000), 2))
        except ConnectionRefusedError:
            pass
    return found

end_s = time.monotonic() + 10
while True:
    try:
        tell("arm", 3, 30.0)
        break
    except ConnectionRefusedError:
        assert time.monotonic() < end_s
        time.sleep(0.05)
found = {}
there = opened(1)
tell("fire")
there += opened(4)
found["open"] = len(there)
found["seen"] = tell("look")
there.pop().close()
time.sleep(0.1)
there += opened(2)
found["again"] = len(there)
tell("heal")
found["left"] = tell("left")
there += opened(4)
found["after"] = len(there)
tell("forget")
tell("arm", 1, 0.3)
tell("fire")
time.sleep(0.4)  # nobody renews it
found["leased"] = len(opened(4)), tell("look")["elements"]
tell("leave")
print(json.dumps(found))
"""

_TOXICS = """
import asyncio, json
from harness.agent import packets
from harness.agent.kernel import Kernel, library
from harness.agent.poisoning import Poisoning
from harness.agent.probes import probe
from harness.agent.streams import bulk
from harness.agent.toxics import Toxics
from harness.primitives import Toxic
from harness.wire import Redirect
import msgspec

kernel = Kernel(library())
routes = packets.routes([Redirect("n1", 8000, 18000, 18001)], {"n1": (IP,)})
poisoning = Poisoning(kernel, Toxics())
poisoning.prepare("gateway", routes)
kernel.change(packets.base((), routes))

def seen(toxic):
    found, shown = bulk(toxic), asyncio.run(probe("n1", IP, 0.5))
    moved = found.mover(IP).look(5.0) if found else None
    return {"error": shown.error, **(found.figures(moved) if moved else {})}

found = {}
for kind, toxics in msgspec.json.decode(TOXICS, type=dict[str, list[Toxic]]).items():
    poisoning.arm(kind, toxics, 30.0)
    before = seen(toxics[0])
    poisoning.fire(kind)
    poisoning.confirm_fired(kind)
    during = seen(toxics[0])
    poisoning.heal(kind)
    found[kind] = {"before": before, "during": during, "after": seen(toxics[0]), "left": list(poisoning.left(kind))}
poisoning.leave()
kernel.change(packets.DELETE)
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Pods:
    gateway: Container
    n1: Container
    ip: str  # of n1

    def ask(self, code: str) -> Any:
        """What a program in the gateway's pod printed."""
        status, output = self.gateway.exec_run(["python3", "-c", f"IP = {self.ip!r}\n{code}"])
        assert isinstance(output, bytes)
        assert status == 0, output.decode()
        return json.loads(output)


@pytest.fixture(scope="module")
def pods(engine: docker.DockerClient, images: Mapping[str, str]) -> Iterator[Pods]:
    run = f"try-links-{uuid.uuid4().hex[:8]}"
    network = engine.networks.create(run)

    def start(name: str) -> Container:
        return engine.containers.run(
            images["sidecar"], name=f"{run}-{name}", network=run, cap_drop=["ALL"], cap_add=CAPABILITIES, detach=True
        )

    with ThreadPoolExecutor() as threads:
        gateway, n1 = threads.map(start, ("gateway", "n1"))
        n1.reload()
        yield Pods(gateway, n1, n1.attrs["NetworkSettings"]["Networks"][run]["IPAddress"])
        list(threads.map(lambda pod: pod.remove(force=True), (gateway, n1)))
    network.remove()


def test_a_rate_is_what_a_bulk_gets_the_stricter_wins_and_nothing_is_left(pods: Pods) -> None:
    found = pods.ask(_RATE)
    assert found["before"].get("bits_per_s", 1e9) > 20e6  # left out where a busy machine had no time for it
    assert 6 < found["during"] < 12
    assert 6 < found["both"] < 12
    assert 12 < found["other"] < 50
    assert found["left"] == []
    assert found["after"] > 20
    assert found["met"] > 100
    assert found["leased"]["elements"] == 0
    assert found["leased"]["mbits"] > 20
    assert "htb" not in found["devices"]
    assert "harness-rate" not in found["tables"]


def test_a_connection_too_many_is_refused_until_the_limit_heals(pods: Pods) -> None:
    pods.n1.exec_run(["python3", "-c", _LIMITED], detach=True)
    found = pods.ask(_LIMIT)
    assert found["open"] == 3
    assert found["seen"] == {"met": 2, "elements": 1, "established": 3, "refused": 2}
    assert found["again"] == 3
    assert found["left"] == []
    assert found["after"] == 7
    assert found["leased"] == [4, 0]
    assert "harness-limit" not in str(pods.n1.exec_run(["nft", "list", "tables"]).output)


CLUSTER = Cluster("two", tuple(Node(name, name, "node", name, ports=(8000,)) for name in ("gateway", "n1")))
LINK = Link("gateway", "n1")
FAULTS: tuple[StreamFault | Bandwidth, ...] = (
    BlackHole(name="f", at_s=1, for_s=9, link=LINK),
    Reset(name="f", at_s=1, for_s=9, link=LINK),
    SlowClose(name="f", at_s=1, for_s=9, link=LINK, delay_s=0.3),
    Slicer(name="f", at_s=1, for_s=9, link=LINK, size_bytes=50, pause_s=0.02),
    StreamCut(name="f", at_s=1, for_s=9, link=LINK, after_bytes=5000),
    Bandwidth(name="f", at_s=1, for_s=9, link=LINK, rate_bits_per_s=800_000, mechanism="toxiproxy"),
)


def test_each_toxic_is_seen_by_a_probe_or_a_bulk_over_the_echo_and_then_gone(pods: Pods) -> None:
    toxics = {fault.kind: fault.compile(CLUSTER, ()) for fault in FAULTS}
    assert all(isinstance(toxic, Toxic) for made in toxics.values() for toxic in made)
    found = pods.ask(f"TOXICS = {msgspec.json.encode(toxics)!r}\n{_TOXICS}")
    during = {kind: one["during"] for kind, one in found.items()}
    before = {kind: one["before"] for kind, one in found.items()}
    assert during["black-hole"]["error"] == "no answer within 0.5 s"
    assert during["reset"]["error"] == "Connection reset by peer"
    assert during["slow-close"]["close_s"] >= 0.3 > before["slow-close"]["close_s"]
    assert during["slicer"]["piece_s"] >= 0.02 > before["slicer"]["piece_s"]
    assert during["stream-cut"]["came_bytes"] <= 5000 < before["stream-cut"]["came_bytes"]
    assert during["bandwidth"]["bits_per_s"] <= 1e6 < before["bandwidth"]["bits_per_s"]
    assert all(one["after"]["error"] is None and one["left"] == [] for one in found.values())
