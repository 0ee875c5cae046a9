"""Small recordings, told by what differs from a good run: 60 s at 50/s on a gateway and 3 nodes, n1 cut off for 20 s.

Seconds count from the beginning of the warm-up, as in a report.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import permutations

from harness.cluster import Cluster, Node
from harness.faults import Fault
from harness.faults.partition import Partition
from harness.objectives import Objective
from harness.operations import Operation, Outcome
from harness.primitives import Cut
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
    Trouble,
)
from harness.recording.evidence import Evidence
from harness.scenario import Phases, Scenario
from harness.traffic.ollama import OllamaGenerate

ORIGIN_NS = 5_000_000_000_000
CLUSTER = Cluster(
    "ollama",
    (
        Node("gateway", "gateway", "gateway", "gateway", ports=(8080,)),
        *(Node(f"n{i}", "ollama", "node", f"n{i}", i, (11434,)) for i in (1, 2, 3)),
    ),
)
PHASES = Phases(warmup_s=10, faults_s=30, recovery_s=20)
CHAT = OllamaGenerate(name="chat", to="gateway", rate_per_s=50)
LOST_N1 = Partition(name="lost-n1", at_s=5, for_s=20, nodes=("n1",))
TOUCHED = LOST_N1.touches(CLUSTER)

Pair = tuple[str, str]


def at(seconds: float) -> int:
    return ORIGIN_NS + round(seconds * 1e9)


@dataclass(frozen=True, slots=True)
class Harm:
    """Every ``every``-th operation due from ``from_s`` (in) to ``to_s`` (out) ends like this."""

    from_s: float
    to_s: float
    outcome: Outcome = Outcome.TIMED_OUT
    latency_s: float = 5.0
    every: int = 1


def echo(pair: Pair, sent_s: float) -> float | None:
    """A round trip of 1 ms, lost while n1 is cut off."""
    return None if pair in TOUCHED and 15.001 <= sent_s < 35.001 else 0.001


FIRED = tuple(FaultFired(at(15.01), "lost-n1", node, at(15.0), at(15.001)) for node in ("gateway", "n1", "n2", "n3"))
HEALED = tuple(
    FaultHealed(at(35.01), "lost-n1", node, at(35.0), at(35.001), "schedule", packets=300, echoes=40)
    for node in ("gateway", "n1", "n2", "n3")
)


@dataclass(frozen=True, slots=True)
class Story:
    """One recording. ``but()`` tells it again with something changed; ``evidence()`` is what the judge reads.

    ``skip``: kinds of event that a good run has and this one has not; ``more``: what it has instead or besides.
    ``node``: who gives a good answer, by number and due time of its question.
    """

    harms: tuple[Harm, ...] = ()
    fired: tuple[FaultFired, ...] = FIRED
    healed: tuple[FaultHealed, ...] = HEALED
    more: tuple[AnyEvent, ...] = ()
    rtt_s: Callable[[Pair, float], float | None] = echo
    probe_every_s: float = 0.5
    late_s: float = 0.0
    ends_s: float = 60.0
    rate_per_s: float = 50.0
    without_faults: bool = False
    clock_error_ns: int = 100_000
    answers: Mapping[str, float | None] = field(default_factory=dict)
    scrapes: int = 240
    skip: frozenset[type] = frozenset()
    node: Callable[[int, float], str] = lambda number, due_s: "n1"
    logs: Mapping[str, str] = field(default_factory=dict)
    baseline: Mapping[str, float] = field(default_factory=dict)
    hit: Mapping[Pair, frozenset[str]] = field(default_factory=dict)

    def but(self, **changes: object) -> "Story":
        return replace(self, **changes)  # type: ignore[arg-type]  # the fields' types are checked where it matters

    def operations(self) -> Iterator[Operation]:
        for number in range(round(self.ends_s * self.rate_per_s)):
            due_s = number / self.rate_per_s
            outcome, latency_s = Outcome.OK, 0.010
            for harm in self.harms:
                if harm.from_s <= due_s < harm.to_s and number % harm.every == 0:
                    outcome, latency_s = harm.outcome, harm.latency_s
            node = self.node(number, due_s) if outcome is Outcome.OK else ""
            yield Operation(at(due_s), at(due_s + self.late_s), at(due_s + latency_s), 100, outcome, 2, node)

    def probes(self) -> Iterator[Probed]:
        for number in range(round(self.ends_s / self.probe_every_s)):
            sent_s = number * self.probe_every_s + 0.1
            for node, peer in permutations(CLUSTER.names(), 2):
                yield Probed(node, peer, at(sent_s), self.rtt_s((node, peer), sent_s))

    def events(self) -> Iterator[AnyEvent]:
        cuts = tuple(Cut(node, "n1", "in", "drop") for node in ("gateway", "n1", "n2", "n3"))
        facts: tuple[tuple[str, str], ...] = ()
        yield Began(at(-4), 1, "r1", "p1", "partition", 7, "2026-11-21T09:30:12Z", self.without_faults, CLUSTER, facts)
        yield Ready(at(-1), 4.1)
        yield from (ClockSeen(at(-1), node, 0, self.clock_error_ns) for node in CLUSTER.names())
        starts = (("warmup", 0.0), ("faults", 10.0), ("recovery", 40.0), ("end", 60.0))
        yield from (PhaseBegan(at(begin_s) + 2_000_000, name, at(begin_s)) for name, begin_s in starts)
        if not self.without_faults:
            yield Intent(at(13), "lost-n1", cuts, at(15), at(35))
            yield from self.fired
            yield from self.healed
        yield LoadEnded(at(60), "chat", round(self.ends_s * self.rate_per_s), 9)
        yield from (Scraped(at(60), target, 240, self.scrapes) for target in ("gateway", "client"))
        yield from (Asked(at(60), name, "q", 1.0, value) for name, value in self.answers.items())
        yield TornDown(at(62), 2.5, False)
        yield Ended(at(62), "finished")

    def evidence(self) -> Evidence:
        usual = (event for event in self.events() if type(event) not in self.skip)
        return Evidence(
            (*usual, *self.more),
            {"chat": tuple(self.operations())},
            tuple(self.probes()),
            hit=self.hit,
            logs=self.logs,
            baseline=self.baseline,
        )


def trouble(kind: str, text: str = "it was lost", at_s: float = 20.0) -> Story:
    return Story(more=(Trouble(at(at_s), kind, text),))  # type: ignore[arg-type]  # a Literal, given as its word


def scenario(
    *objectives: Objective, faults: tuple[Fault, ...] = (LOST_N1,), expected: tuple[str, ...] | None = None
) -> Scenario:
    return Scenario(
        name="partition",
        about="n1 is cut off",
        cluster="ollama",
        seed=7,
        phases=PHASES,
        traffic=(CHAT,),
        faults=faults,
        objectives=objectives,
        expected=expected,
    )
