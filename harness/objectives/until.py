"""How long something took after a fault, or after its end: what all objectives of that kind have in common."""

from abc import abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from math import inf
from typing import ClassVar

from harness.objectives.aftermath import Milestone
from harness.objectives.base import Finding, Objective
from harness.objectives.when import MOMENT, Moment, unknown
from harness.recording.evidence import Evidence
from harness.units import show_s
from harness.words import word

AFTER = "a fault, from in force; or 'end of' a fault, from healed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Until(Objective):
    """From ``after`` to a milestone. ``said``: that it was reached, in words that a duration follows."""

    unit: ClassVar[str] = "s"
    said: ClassVar[str]
    healed: ClassVar[bool | None] = None  # whether only a fault's end makes sense, or only its beginning; None: either

    after: Moment = field(metadata=word("after", MOMENT, AFTER))

    def check(self, traffic: Collection[str], faults: Collection[str]) -> Iterator[tuple[str, str]]:
        if self.after.fault is None:
            yield "after", "is 'end': nothing comes after that; write a fault's name, or 'end of' and its name"
        elif self.healed is not None and self.healed is not self.after.healed:
            instead = Moment(self.after.fault, self.healed)
            yield "after", f"is '{self.after}': what is {self.key} is counted from '{instead}'; write that"
        yield from unknown("after", self.after.fault, faults, "fault")
        yield from super(Until, self).check(traffic, faults)

    def faults(self) -> frozenset[str]:
        return frozenset(name for name in (self.needs, self.after.fault) if name)

    @abstractmethod
    def reach(self, evidence: Evidence) -> Milestone:
        """When it was reached."""

    def as_prometheus_saw(self, evidence: Evidence) -> Milestone:
        """The same milestone from what Prometheus scraped, where it can be told from that."""
        return Milestone(None)

    def details(self, evidence: Evidence, reached: Milestone) -> tuple[tuple[str, str], ...]:
        """What stands beside the figure."""
        return (("seen", reached.why),) if reached.why and reached.after_s is not None else ()

    def take(self, evidence: Evidence) -> Finding:
        reached = self.reach(evidence)
        if reached.after_s is not None:
            return self._reached(evidence, reached, reached.after_s)
        if reached.least_s is not None:
            return self._never(evidence, reached, reached.least_s)
        return self.finding("inconclusive", reached.why)

    def _reached(self, evidence: Evidence, reached: Milestone, value_s: float) -> Finding:
        error_s = reached.error_s or 0.0
        outcome = self.bound.outcome(value_s, error_s)
        reason = f"{self.said} {show_s(value_s)} ± {show_s(error_s)} after {self.after}"
        if outcome == "inconclusive":
            reason += f": too close to '{self.bound.text}' to tell"
        elif outcome == "violated":
            reason += self._until(evidence, value_s)
        return self.finding(outcome, reason, value_s, error=error_s, details=self.details(evidence, reached))

    def _never(self, evidence: Evidence, reached: Milestone, least_s: float) -> Finding:
        """It was not reached while we looked; that it took longer than ``least_s`` is all that is known."""
        reason = reached.why
        # What is known is that the figure is above the least; so the bound is broken for sure only if all of those
        # figures break it, which is to say both the least and the greatest.
        outcomes = {self.bound.outcome(least_s, reached.error_s or 0.0), self.bound.outcome(inf)}
        outcome = outcomes.pop() if len(outcomes) == 1 else "inconclusive"
        if outcome == "inconclusive":
            reason += f": too soon to tell whether '{self.bound.text}'; lengthen the recovery"
        return self.finding(outcome, reason, details=self.details(evidence, reached))

    def _until(self, evidence: Evidence, value_s: float) -> str:
        spell = evidence.spell(self.after.fault or "")
        late = spell and spell.healed and not self.after.healed and value_s >= spell.window.length_s
        return f" (only after {self.after.fault} was healed)" if late else ""
