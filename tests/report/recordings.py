"""A synthetic recording that looks like the real thing: 3,000 operations, three nodes, n1 cut off from 15 to 35 s."""

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime

from harness.cluster import Cluster, Node
from harness.faults.partition import Partition
from harness.judge.verdict import JUDGE, SCHEMA, FaultRecord, Phase, Recovery, Timing, TrafficRecord, Verdict
from harness.objectives import Bound, Finding, Moment, Promql
from harness.objectives.answers import Success, Wrong
from harness.objectives.quantiles import P95, P99
from harness.objectives.restored import Restored
from harness.operations import Operation, Outcome
from harness.recording.events import (
    AnyEvent,
    Asked,
    Began,
    ClockSeen,
    Ended,
    FaultFired,
    FaultHealed,
    Intent,
    LoadEnded,
    PhaseBegan,
    Probed,
    Ready,
    Scraped,
    TornDown,
)
from harness.recording.evidence import WALL, Evidence
from harness.scenario import Phases, Scenario
from harness.traffic.ollama import OllamaGenerate

ORIGIN_NS = 5_000_000_000_000
WALL_S = datetime(2026, 11, 21, 9, 30, 21, tzinfo=UTC).timestamp()  # what the clock on the wall said then
NODES = ("gateway", "n1", "n2", "n3")
CLUSTER = Cluster(
    "ollama",
    tuple(
        Node(name, name.rstrip("123"), "gateway" if name == "gateway" else "node", name, ports=(11434,))
        for name in NODES
    ),
)
RUN = "partition/2026-11-21T09-30-12-k3f"
SCENARIO = Scenario(
    name="partition",
    about="One Ollama node is cut off from everyone for 20 s. Users may notice for 3 s, no longer.",
    cluster="ollama",
    seed=7,
    phases=Phases(warmup_s=10, faults_s=30, recovery_s=20),
    traffic=(OllamaGenerate(name="chat", to="gateway", rate_per_s=50),),
    faults=(Partition(name="lost-n1", at_s=5, for_s=20, nodes=("n1",)),),
    objectives=(
        Success(name="answers", traffic="chat", bound=Bound(">=", 0.995, ">= 99.5%")),
        Restored(name="recovery", traffic="chat", after=Moment("lost-n1", False), bound=Bound("<=", 3, "<= 3s")),
        P99(name="slow", traffic="chat", window="lost-n1", bound=Bound("<=", 1, "<= 1s")),
        P95(name="tail", traffic="chat", window="recovery", bound=Bound("<=", 0.25, "<= 250ms")),
        Wrong(name="truth", traffic="chat", bound=Bound("==", 0, "== 0")),
        Promql(
            name="excluded", query="max_over_time(x[15s])", at=Moment("lost-n1", True), bound=Bound("<=", 2, "<= 2")
        ),
        Promql(name="whole-again", query="min_over_time(x[15s])", bound=Bound(">=", 3, ">= 3")),
    ),
)
SCENARIO_TEXT = """\
scenario: partition
about: One Ollama node is cut off from everyone for 20 s. Users may notice for 3 s, no longer.
cluster: ollama
seed: 7
phases: {warmup: 10s, faults: 30s, recovery: 20s}
traffic:
  - {name: chat, client: ollama-generate, to: gateway, rate: 50/s, timeout: 5s}
faults:
  - {fault: partition, name: lost-n1, at: 5s, for: 20s, nodes: [n1], from: everyone, style: drop}
"""


def at(seconds: float) -> int:
    return ORIGIN_NS + round(seconds * 1e9)


def operations(count: int = 3000, rate_per_s: float = 50.0, seed: int = 7) -> Iterator[Operation]:
    """Round robin over three nodes; for 1.84 s after the cut n1's share waits or fails, then two nodes serve all."""
    dice = random.Random(seed)
    for number in range(count):
        due_s = number / rate_per_s
        latency_s = 0.012 * math.exp(dice.gauss(0, 0.3))
        node, outcome = f"n{number % 3 + 1}", Outcome.OK
        if 15.0 <= due_s < 16.84 and node == "n1":
            node, latency_s = f"n{number % 2 + 2}", 0.25 + latency_s
            if number in (750, 768, 786, 804, 822):
                node, outcome, latency_s = "", Outcome.TIMED_OUT, 5.0
            elif number in (759, 795):
                node, outcome, latency_s = "", Outcome.SERVER_ERROR, 0.6
        elif 16.84 <= due_s < 35.6 and node == "n1":
            node = f"n{number % 2 + 2}"
        due_ns, sent_ns = at(due_s), at(due_s + dice.uniform(0, 0.0004))
        yield Operation(due_ns, sent_ns, at(due_s + latency_s), 180, outcome, 5 if outcome == 7 else 2, node)


def probes(every_s: float = 0.5) -> Iterator[Probed]:
    dice = random.Random(3)
    for step in range(int(60 / every_s)):
        for node in (*NODES, "client"):
            for peer in NODES:
                sent_s = step * every_s + dice.uniform(0, 0.01)
                if node != peer:
                    lost = "n1" in (node, peer) and node != "client" and 14.9 < sent_s < 35.0
                    rtt_s = None if lost else 0.0002 * math.exp(dice.gauss(0, 0.4))
                    yield Probed(node, peer, at(sent_s), rtt_s, "no answer in 0.5 s" if lost else None)


def events() -> Iterator[AnyEvent]:
    partition = SCENARIO.faults[0]
    facts = (
        ("engine", "docker 20.10.24, overlay2, cgroup v1"),
        ("kernel", "6.18.0"),
        ("harness", "0.1.0"),
        ("image ollama", "chaos-harness/ollama:4f1c22d0"),
        ("ollama", "0.32.15"),
        ("haproxy", "3.0.11"),
    )
    yield Began(at(-9), 1, RUN, "ch-k3f", "partition", 7, "2026-11-21T09:30:12+00:00", False, CLUSTER, facts)
    for node in NODES:
        yield ClockSeen(at(-4), node, 0, 52_000)
    yield ClockSeen(at(-4), WALL, round(WALL_S * 1e9) - ORIGIN_NS, 0)
    yield Ready(at(-1), 4.1)
    yield PhaseBegan(at(0), "warmup", at(0))
    yield Intent(at(5), "lost-n1", partition.compile(CLUSTER, ()), at(15), at(35))
    yield PhaseBegan(at(10.0002), "faults", at(10))
    for number, node in enumerate(NODES):
        yield FaultFired(at(15.002), "lost-n1", node, at(15.0004 + number / 10000), at(15.0006 + number / 10000))
    for node in NODES:
        yield FaultHealed(
            at(35.002), "lost-n1", node, at(35.0008), at(35.001), "schedule", 1042 if node == "n1" else 54, 0, 40
        )
    yield PhaseBegan(at(40.0001), "recovery", at(40))
    yield PhaseBegan(at(60.0001), "end", at(60))
    yield LoadEnded(at(60.2), "chat", 3000, 41)
    yield Asked(at(63), "excluded", "max_over_time(haproxy_backend_active_servers[15s])", WALL_S + 35.0, 2.0)
    yield Asked(at(63), "whole-again", "min_over_time(haproxy_backend_active_servers[15s])", WALL_S + 60.0, 3.0)
    for target in ("gateway", "client", "agent-n1"):
        yield Scraped(at(63), target, 240, 240)
    yield TornDown(at(67), 3.2, False)
    yield Ended(at(67), "finished")


def recording(count: int = 3000, rate_per_s: float = 50.0) -> Evidence:
    return Evidence(tuple(events()), {"chat": tuple(operations(count, rate_per_s))}, tuple(probes()))


def logs() -> dict[str, str]:
    """As the engine prints them with time stamps: the gateway notices n1's absence 0.6 s after the cut."""

    def stamped(seconds: float, text: str) -> str:
        minute, second = divmod(12 + 9 + seconds, 60)
        return f"2026-11-21T09:{30 + int(minute):02d}:{second:012.9f}Z {text}\n"

    gateway = "".join(stamped(s, "127.0.0.1 be/n2 200 12ms") for s in range(60))
    down = stamped(15.6, "Server be/n1 is DOWN, reason: Layer4 timeout, 2 active servers left")
    up = stamped(35.9, "Server be/n1 is UP, 3 active servers online")
    lines = sorted((gateway + down + up).splitlines(keepends=True))
    nodes = {name: "".join(stamped(s, f"slot {name} processed 8 tokens") for s in range(60)) for name in NODES[1:]}
    return {"gateway": "".join(lines), **nodes}


def finding(objective: str, measured: float | None, bound: str, unit: str, **more: object) -> Finding:
    given = {"outcome": "held", "error": None, "reason": "", "source": "the operations of chat"} | more
    return Finding(objective=objective, measured=measured, bound=bound, unit=unit, **given)  # type: ignore[arg-type]


FAULT = FaultRecord(
    name="lost-n1",
    kind="partition",
    via="nftables",
    what="n1 cut off from everyone (drop)",
    planned_s=(15.0, 35.0),
    in_force_s=15.001,
    healed_s=35.001,
    seen=True,
    exercised=True,
    healed=True,
    unharmed=True,
    witness="dropped 1,204 packets; 240 of 240 echoes lost; gone: 6 of 6 links answer again",
)
CHAT = TrafficRecord("chat", 3000, 2993, 7, 0, (("timed-out", 5), ("server-error", 2)), 0.0008)
RESTORED = (("detected", "0.41 s"), ("failed over", "0.42 s"), ("restored", "1.84 s"), ("repaired", "2.1 s after heal"))
RECOVERED = Recovery(
    "lost-n1",
    "chat",
    (
        Phase("detected", 0.058, 0.021, "the first operation of chat that failed or was late"),
        Phase("failed over", 0.061, 0.021, "the first good answer by another node"),
        Phase("restored", 1.84, 0.03, "the operations of chat"),
        Phase("repaired", 1.2, 0.25, "the gateway's own state and an answer from n1 itself"),
    ),
)
HELD = Verdict(
    schema=SCHEMA,
    judge=JUDGE,
    scenario="partition",
    run=RUN,
    seed=7,
    outcome="held",
    exit_code=0,
    as_expected=None,
    sentence="users lost 7 of 3,000 answers; service was back 1.84 s ± 30 ms after n1 was cut off.",
    reasons=(),
    findings=(
        finding("answers", 0.99766, ">= 99.5%", "share"),
        finding("recovery", 1.84, "<= 3s", "s", error=0.03, details=RESTORED),
        finding("slow", 0.259, "<= 1s", "s"),
        finding("tail", 0.024, "<= 250ms", "s"),
        finding("truth", 0.0, "== 0", "wrong"),
        finding("excluded", 2.0, "<= 2", "", source="Prometheus at 35.0 s, 240 of 240 scrapes"),
        finding("whole-again", 3.0, ">= 3", "", source="Prometheus at 60.0 s, 240 of 240 scrapes"),
    ),
    faults=(FAULT,),
    traffic=(CHAT,),
    timing=Timing(4.1, 3.2, 0.0011, 0.0003),
    recoveries=(RECOVERED,),
)
