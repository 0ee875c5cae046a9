"""How long the cluster took to start."""

from dataclasses import dataclass, field
from typing import ClassVar

from harness.objectives.base import Bound, Finding, Objective, bound
from harness.recording.events import Ready as EveryNodeAnswered
from harness.recording.evidence import Evidence
from harness.units import show_s
from harness.words import DURATION, word

_BOUND = bound(DURATION)
_LOOKED_S = 0.100  # how often readiness is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready(Objective):
    """From the first start call until every node had answered its readiness question, which is asked every 100 ms."""

    key: ClassVar[str] = "ready"
    about: ClassVar[str] = "how long the cluster took until every node answered"
    unit: ClassVar[str] = "s"

    bound: Bound = field(metadata=word("ready", _BOUND, "the longest start, such as '<= 30s'"))

    @property
    def source(self) -> str:
        return "the readiness questions of every node"

    def faults(self) -> frozenset[str]:
        return frozenset({self.needs} if self.needs else ())

    def take(self, evidence: Evidence) -> Finding:
        ready = evidence.of(EveryNodeAnswered)
        if not ready:
            return self.finding("inconclusive", "not every node ever answered its readiness question")
        took_s = ready[0].took_s
        outcome = self.bound.outcome(took_s, _LOOKED_S)
        reason = f"every node answered {show_s(took_s)} after the first was started"
        if outcome == "inconclusive":
            reason += f": too close to '{self.bound.text}' to tell"
        return self.finding(outcome, reason, took_s, error=_LOOKED_S)
