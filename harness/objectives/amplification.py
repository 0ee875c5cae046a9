"""How many calls a request becomes behind the node that was asked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from harness.cluster import Cluster
from harness.columns import Operations
from harness.objectives.base import Bound, Finding, bound
from harness.objectives.over_window import OverWindow
from harness.objectives.promql import NUMBER
from harness.operations import Outcome
from harness.recording.evidence import Evidence, Window
from harness.wire import Counters
from harness.words import NODE, word

_BOUND = bound(NUMBER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amplification(OverWindow):
    """TCP connections that were opened to the nodes behind, for each operation that was sent meanwhile.

    Every attempt counts, also one that a fault lets nobody answer, and so do health checks: bound it as a multiple of
    the warm-up (``<= 1.5 x warmup``) where there are any. A gateway that keeps its connections open hides its calls.
    Its error is what was under way when the counters were read for the first and the last time in the window.
    """

    key: ClassVar[str] = "amplification"
    about: ClassVar[str] = "how many connections were opened to the nodes behind for each operation"
    unit: ClassVar[str] = "connections/operation"
    example: ClassVar[Mapping[str, str]] = {"to": "node"}

    nodes: tuple[str, ...] = field(metadata=word("to", NODE, "the nodes behind, by name or role", many=True))
    bound: Bound = field(metadata=word("amplification", _BOUND, "how many for each, such as '<= 1.5 x warmup'"))

    @property
    def source(self) -> str:
        return f"packets that open a connection to {', '.join(self.nodes)}, counted in their pods in {self.window}"

    def check_on(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        for name in self.nodes:
            if name not in cluster.roles() and (nobody := cluster.unknown(name)):
                yield "to", f"names '{name}': {nobody}"

    def within(self, evidence: Evidence, window: Window) -> Finding:
        pods = self._pods(evidence)
        if isinstance(pods, str):
            return self.finding("inconclusive", pods)
        operations = evidence.of_traffic(self.traffic)
        left = operations.part(~operations.ended(Outcome.CAPPED))
        value = error = 0.0
        opened = 0
        for pod in pods:
            counts = [one.counters for one in evidence.counted(pod) if window.holds(one.counters.now_ns)]
            span = Window(counts[0].now_ns, counts[-1].now_ns) if counts else Window(0, 0)
            sent = int(np.count_nonzero(span.holding(left.sent_ns)))
            if not sent:
                reason = f"{pod} was counted {len(counts)} times in {self.window}, and nothing was sent in between"
                return self.finding("inconclusive", reason)
            opens = _opens(counts[-1]) - _opens(counts[0])
            opened += opens
            value += opens / sent
            error += opens / sent * _under_way(operations, span) / sent
        outcome = self.bound.outcome(value, error)
        reason = f"{opened:,} connections were opened to {', '.join(pods)}: {value:.3g} for each operation"
        if outcome == "inconclusive":
            reason += f", ± {error:.2g}: too close to '{self.bound.text}' to tell"
        return self.finding(outcome, reason, value, error=error)

    def _pods(self, evidence: Evidence) -> tuple[str, ...] | str:
        if evidence.began is None:
            return "the journal does not say which nodes there were"
        cluster = evidence.began.cluster
        found: dict[str, None] = {}
        for name in self.nodes:
            nodes = (name,) if cluster.has(name) else cluster.of_role(name)
            if not nodes:
                return f"there is no node and no role called {name}"
            found |= dict.fromkeys(cluster.pod_of(node) for node in nodes)
        return tuple(found)


def _opens(counters: Counters) -> int:
    return sum(port.opens for port in counters.ports)


def _under_way(operations: Operations, span: Window) -> int:
    """How many were under way at either end: what they opened may have been counted on the other side."""
    sent_ns, done_ns = operations.sent_ns, operations.done_ns
    ends_ns = (span.start_ns, span.end_ns)
    return sum(int(np.count_nonzero((sent_ns < end_ns) & (end_ns <= done_ns))) for end_ns in ends_ns)
