"""What a run tells those who look on, and how it stands, counted from the messages as they pass."""

from collections import Counter, deque
from fractions import Fraction
from typing import Protocol

from harness.cluster import Cluster
from harness.faults import Fault
from harness.faults.base import NOTICEABLE_S
from harness.operations import Operation, Outcome
from harness.recording.status import FaultStatus, Status, TrafficStatus
from harness.scenario import Scenario
from harness.stats import quantile
from harness.wire import Met, Probe

_LATE_IN_A_ROW = 3  # a single late echo is a busy machine's; the judge looks at all of them


class Watcher(Protocol):
    """Whoever looks on. Called by the deciding thread only; must not block."""

    def say(self, text: str) -> None: ...

    def status(self, status: Status) -> None: ...


class _TrafficTally:
    """Counts of one traffic; the last two seconds are kept whole."""

    def __init__(self) -> None:
        self.recent: deque[Operation] = deque()
        self.failures: Counter[str] = Counter()
        self.wrong = 0

    def add(self, operations: list[Operation]) -> None:
        self.recent.extend(operations)
        for operation in operations:
            if operation.outcome is Outcome.WRONG:
                self.wrong += 1
            elif operation.outcome is not Outcome.OK:
                self.failures[operation.outcome.name.lower().replace("_", " ")] += 1

    def status(self, name: str, now_ns: int) -> TrafficStatus:
        from_ns, to_ns = now_ns - 1_500_000_000, now_ns - 500_000_000  # younger ones are still under way to us
        while self.recent and self.recent[0].done_ns < from_ns:
            self.recent.popleft()
        second = [op for op in self.recent if from_ns <= op.done_ns < to_ns]
        good = sorted(op.latency_s for op in second if op.outcome is Outcome.OK)
        return TrafficStatus(
            name=name,
            sent_per_s=float(len(second)),
            ok_per_s=float(len(good)),
            p99_s=quantile(good, Fraction(99, 100)) if good else None,
            failed=sum(self.failures.values()),
            failures=tuple(self.failures.most_common()),
            wrong=self.wrong,
        )


class Tally:
    """How a run stands."""

    def __init__(self, scenario: Scenario, cluster: Cluster) -> None:
        self._scenario, self._cluster = scenario, cluster
        self._faults = {fault.name: fault for fault in scenario.faults}
        self._traffic = {traffic.name: _TrafficTally() for traffic in scenario.traffic}
        self._since_ns: dict[str, int] = {}
        self._met: dict[tuple[str, str], Met] = {}
        self._rtt_s: dict[tuple[str, str], float] = {}
        self._late: Counter[tuple[str, str]] = Counter()  # echoes in a row that were late or lost

    def admit(self, traffic: str) -> None:
        """One that began while the run ran."""
        self._traffic[traffic] = _TrafficTally()

    def resolved(self, fault: Fault) -> None:
        """Whom it hits was looked up, or it is of no scenario."""
        self._faults[fault.name] = fault

    def operations(self, traffic: str, operations: list[Operation]) -> None:
        self._traffic[traffic].add(operations)

    def fired(self, fault: str, at_ns: int) -> None:
        self._since_ns.setdefault(fault, at_ns)
        self._late.clear()

    def healed(self, fault: str) -> None:
        self._since_ns.pop(fault, None)

    def stops(self, node: str) -> bool:
        """Is a fault in force that ends this node's process?"""
        return any(node in self._faults[name].stops(self._cluster) for name in self._since_ns)

    def met(self, pod: str, met: Met) -> None:
        self._met[pod, met.fault] = met

    def probe(self, pod: str, probe: Probe) -> None:
        link = (pod, probe.peer)
        if not self._since_ns:
            if probe.rtt_s is not None:
                self._rtt_s[link] = probe.rtt_s
        elif probe.rtt_s is None or probe.rtt_s > self._rtt_s.get(link, 0.0) + NOTICEABLE_S:
            self._late[link] += 1
        else:
            del self._late[link]

    def status(self, elapsed_s: float, now_ns: int) -> Status:
        phases = self._scenario.phases
        return Status(
            elapsed_s=elapsed_s,
            phases=(("warm-up", phases.warmup_s), ("faults", phases.faults_s), ("recovery", phases.recovery_s)),
            traffic=tuple(tally.status(name, now_ns) for name, tally in self._traffic.items()),
            faults=tuple(self._fault(f, now_ns) for f in self._faults.values() if f.name in self._since_ns),
        )

    def _fault(self, fault: Fault, now_ns: int) -> FaultStatus:
        met = [m for (_, name), m in self._met.items() if name == fault.name]
        packets, size = sum(m.packets for m in met), sum(m.bytes for m in met)
        touched = {link for f in self._faults.values() if f.name in self._since_ns for link in f.touches(self._cluster)}
        return FaultStatus(
            name=fault.name,
            what=fault.describe(),
            since_s=(now_ns - self._since_ns[fault.name]) / 1e9,
            met=f"{packets:,} packets" if packets else f"{size:,} bytes" if size else "nothing met it yet",
            unharmed=not {link for link, count in self._late.items() if count >= _LATE_IN_A_ROW} - touched,
        )
