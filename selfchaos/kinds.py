"""The scenario that is played, with one fault of a kind. A new kind is one line in ``KINDS``."""

from dataclasses import dataclass

# What follows `name`, `at` and `for` in the fault's line, on the two nodes of compose/tiny.yaml.
KINDS = {
    "partition": "nodes: [n2], from: everyone",
    "latency": "link: client -> n1, delay: 50ms",
    "loss": "nodes: [n1], share: 30%",
    "duplicate": "nodes: [n1], share: 30%",
    "reorder": "nodes: [n1], share: 30%",
    "corrupt": "nodes: [n1], share: 5%",
    "bandwidth": "link: client -> n1, rate: 1Mbit/s",
    "flapping": "nodes: [n2], from: everyone, on: 300ms, off: 300ms",
    "connection-limit": "nodes: [n1], connections: 2",
    "black-hole": "link: client -> n1",
    "reset": "link: client -> n1",
    "slow-close": "link: client -> n1, delay: 100ms",
    "slicer": "link: client -> n1, size: 100B, pause: 10ms",
    "stream-cut": "link: client -> n1, after: 100B",
    "tamper": "link: client -> n1, how: flip, every: 2",
    "dns": "nodes: [n1], answer: nxdomain",
    "clock-skew": "nodes: [n1], offset: 30s",
    "kill": "nodes: [n2]",
    "crash": "nodes: [n2]",
    "stop": "nodes: [n2], grace: 1s",
    "restart": "nodes: [n2], grace: 1s",
    "freeze": "nodes: [n2]",
    "hardware-failure": "nodes: [n2]",
    "rolling": "nodes: [n1, n2], act: restart, grace: 1s",
    "signal": "nodes: [n2], process: http.server",
    "command": "nodes: [n2], command: touch /tmp/drained, back: rm /tmp/drained",
    "malformed-config": "nodes: [n2], path: /etc/debian_version, text: odd",
    "cpu": "nodes: [n2], cpus: 0.2",
    "memory": "nodes: [n2], size: 64MB",
    "oom": "nodes: [n2]",
    "processes": "nodes: [n2], limit: 20",
    "file-descriptors": "nodes: [n2], limit: 20",
    "ports": "nodes: [n2], count: 10",
    "disk-full": "nodes: [n2], path: /data",
    "disk-error": "nodes: [n2], path: /data/file",
    "slow-disk": "nodes: [n2], path: /data, rate: 1MB/s",
    "read-only": "nodes: [n2], path: /data",
    "bit-flip": "nodes: [n2], path: /data/file",
}

_TEXT = """\
scenario: self-chaos
about: A small cluster with one fault, for harming the harness. What the nodes' users notice is not its subject.
cluster: tiny
seed: 7
phases: {{warmup: {warmup:g}s, faults: {faults:g}s, recovery: {recovery:g}s}}
traffic:
  - {{name: visits, client: http, to: n1, rate: 20/s, timeout: 2s, path: /}}
faults:
  - {{fault: {kind}, name: broken, at: {at:g}s, for: {for_s:g}s, {words}}}
objectives:
  - {{name: answers, of: visits, success: ">= 1%", in: all}}
"""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Of the phases, and of the fault in the second, in seconds. ``harmed``: how much of that one is for harm."""

    warmup: float = 1.0
    faults: float = 4.0
    recovery: float = 1.0
    at: float = 0.2
    for_s: float = 3.5
    harmed: float = 4.0

    def of(self, phase: str) -> float:
        """In what time of a phase something is done to the harness."""
        return {"warmup": self.warmup, "faults": self.harmed, "recovery": self.recovery}[phase]


SHORT = Lengths()
LONG = Lengths(faults=40.0, for_s=39.0)  # its end by the schedule is far: whatever heals it is something else


def scenario(kind: str, lengths: Lengths) -> str:
    phases = {"warmup": lengths.warmup, "faults": lengths.faults, "recovery": lengths.recovery}
    return _TEXT.format(kind=kind, words=KINDS[kind], at=lengths.at, for_s=lengths.for_s, **phases)
