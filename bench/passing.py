"""What passes: requests over a link without a fault, through the packet queue at zero delay, and a stream at 100 ms."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from bench.idle_cluster import IdleCluster
from bench.precision import load_once
from bench.rows import Measured
from harness.clock import monotonic_ns, to_ns
from harness.errors import AgentError
from harness.operations import Outcome
from harness.primitives import Cut, Disturb, PodPrimitive
from harness.wire import Arm, Armed, Fired, Heal, Healed

_TO, _PORT, _PATH = "n3", 11434, "/api/version"
_RATE_PER_S = 200.0
_LOAD_S = 2.0
_ANSWER_S = 15.0
_AWAY_S = 60.0
_DELAY_S = 0.1
_BITS = 100_000_000
# Armed at n3, about everyone but who asks.
_ELSEWHERE: tuple[PodPrimitive, ...] = (
    *(Cut(_TO, peer, hook, "drop") for peer in ("n1", "n2") for hook in ("in", "out")),
    Disturb(_TO, "n2", delay_s=0.1),
)
_QUEUED = (Disturb(_TO, "client", loss=0.0),)
_DELAYED = (Disturb(_TO, "n2", delay_s=_DELAY_S),)

# In the pod n2: bytes to a sink beside n3 for a while, and how many a second arrived once it was up to speed.
_SINK = """
import socket, time, sys
server = socket.create_server(("", 9700))
server.settimeout(20)
stream, _ = server.accept()
came, began, buffer = 0, None, bytearray(1 << 18)
while count := stream.recv_into(buffer):
    now = time.monotonic()
    first = first if came else now
    came += count
    if began is None and now - first > 1.5:
        began, then = now, came
print((came - then) * 8 / (now - began))
"""
_SEND = """
import socket, sys, time
for _ in range(50):
    try:
        stream = socket.create_connection((sys.argv[1], 9700), 5)
        break
    except OSError:
        time.sleep(0.1)
end, data = time.monotonic() + 4.5, bytes(1 << 18)
while time.monotonic() < end:
    stream.sendall(data)
"""


def requests(cluster: IdleCluster, repeats: int) -> dict[str, Measured]:
    """Medians of loads of 2 s: nothing armed, faults armed for others, and through the queue; in turn."""
    bare: list[float] = []
    armed: list[float] = []
    queued: list[float] = []
    for number in range(repeats):
        bare.append(_median_s(cluster, f"bare-{number}"))
        with _held(cluster, f"elsewhere-{number}", _ELSEWHERE, fires=False):
            armed.append(_median_s(cluster, f"armed-{number}"))
        with _held(cluster, f"queued-{number}", _QUEUED, fires=True):
            queued.append(_median_s(cluster, f"through-{number}"))
    added = tuple(slow - fast for slow, fast in zip(queued, bare, strict=True))
    note = f"{repeats} x {_RATE_PER_S * _LOAD_S:.0f} requests to {_TO}, medians"
    return {
        "unfaulted": Measured(tuple(armed), tuple(bare), note),
        "queue": Measured(added, note=f"{note}; less {median(bare) * 1000:.2f} ms without the queue"),
    }


def stream(cluster: IdleCluster, repeats: int) -> dict[str, Measured]:
    """How long 100 Mbit take over TCP when every packet waits 100 ms, once the stream is up to speed."""
    took_s = []
    for number in range(repeats):
        with _held(cluster, f"far-{number}", _DELAYED, fires=True):
            sink = cluster.execute(_TO, _SINK)
            cluster.execute("n2", _SEND, cluster.address(_TO)).wait()
            took_s.append(_BITS / float(json.loads(sink.wait())))
    return {"stream": Measured(tuple(took_s), note=f"{_BITS / median(took_s) / 1e6:.0f} Mbit/s; streams of 4.5 s")}


def _median_s(cluster: IdleCluster, name: str) -> float:
    operations = load_once(cluster, name, _LOAD_S, host=_TO, port=_PORT, path=_PATH, rate_per_s=_RATE_PER_S)
    found = [(op.done_ns - op.sent_ns) / 1e9 for op in operations if op.outcome is Outcome.OK]
    if len(found) < len(operations) / 2:
        raise AgentError(f"{_TO} answered {len(found)} of {len(operations)} requests of the load {name}")
    return median(found)


@contextmanager
def _held(cluster: IdleCluster, name: str, primitives: tuple[PodPrimitive, ...], *, fires: bool) -> Iterator[None]:
    """Armed, or in force, at n3 for as long as this lasts."""
    at_ns = monotonic_ns() + to_ns(0.3 if fires else _AWAY_S)
    cluster.send(_TO, Arm(name, at_ns, at_ns + to_ns(_AWAY_S), _AWAY_S + 2.0, primitives))
    wanted = Fired if fires else Armed
    for _, message in cluster.messages(_ANSWER_S, f"{name} to be ready"):
        if isinstance(message, wanted) and message.fault == name:
            break
    try:
        yield
    finally:
        cluster.send(_TO, Heal(name))
        for _, message in cluster.messages(_ANSWER_S, f"{name} to be gone"):
            if isinstance(message, Healed) and message.fault == name:
                break
