"""Short recordings of one fault ``f``, in force from 10 to 20 s, on a gateway and three nodes."""

from collections.abc import Callable, Iterable
from itertools import permutations

from harness.cluster import Cluster, Node
from harness.faults import Fault, Sighting
from harness.recording.events import AnyEvent, FaultFired, FaultHealed, Probed, Read
from harness.recording.evidence import Evidence
from harness.wire import When

NAMES = ("gateway", "n1", "n2", "n3")
CLUSTER = Cluster("four", tuple(Node(name, name, "node", name, ports=(80,)) for name in NAMES))
Echo = Callable[[tuple[str, str], float], float | str]


def at(seconds: float) -> int:
    return round(seconds * 1e9)


def read(name: str, when: When, at_s: float, value: float, node: str = "gateway") -> Read:
    return Read(at(at_s), node, "f", when, name, value, at(at_s))


def told(name: str, before: Iterable[float], during: Iterable[float], after: Iterable[float] = ()) -> list[Read]:
    """Readings of one name: before at 9 s, during from 11 s on, one a second, after at 21 s."""
    return [
        *(read(name, "before", 9, value) for value in before),
        *(read(name, "during", 11 + i, value) for i, value in enumerate(during)),
        *(read(name, "after", 21, value) for value in after),
    ]


def turned(on_s: float, off_s: float, node: str = "gateway") -> list[Read]:
    """What an agent says of a fault that comes and goes."""
    reads, now_s = [], 10.0
    while now_s < 20:
        reads.append(read("on", "during", now_s, 1, node))
        if now_s + on_s < 20:
            reads.append(read("on", "during", now_s + on_s, 0, node))
        now_s += on_s + off_s
    return reads


def sighting(
    fault: Fault,
    reads: Iterable[Read] = (),
    echo: Echo = lambda pair, sent_s: 0.001,
    nodes: Iterable[str] = ("gateway",),
    packets: int = 0,
    size_bytes: int = 0,
) -> Sighting:
    """``echo``: of a probe on a link at a time, its round trip, or why there was none."""
    events: list[AnyEvent] = [FaultFired(at(10), "f", node, at(9.999), at(10)) for node in nodes]
    events += reads
    events += [FaultHealed(at(20), "f", n, at(19.999), at(20), "schedule", packets, size_bytes, 3) for n in nodes]
    evidence = Evidence(tuple(events), {}, tuple(_probes(echo)))
    in_force = evidence.in_force("f")
    assert in_force is not None
    return fault.sighting(evidence, CLUSTER, in_force)


def _probes(echo: Echo) -> Iterable[Probed]:
    for number in range(100):
        sent_s = 0.05 + number * 0.25
        for pair in permutations(NAMES, 2):
            came = echo(pair, sent_s)
            late = isinstance(came, str)
            yield Probed(*pair, at(sent_s), None if late else float(came), str(came) if late else None)
