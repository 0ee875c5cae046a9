"""What Prometheus saw."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import ClassVar

from harness.objectives.base import Bound, Finding, Objective, Question, bound
from harness.objectives.when import MOMENT, Moment, unknown
from harness.recording.evidence import Evidence
from harness.words import TEXT, Reader, word


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -1e300 < value < 1e300:
        raise ValueError(f"is '{text}': write a plain number such as 2 or 0.5, as Prometheus answers")
    return value


NUMBER = Reader("number", "2", _number)
_BOUND = bound(NUMBER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promql(Objective):
    """One instant query, asked with ``time=`` of the moment ``at``; the figure is its one sample."""

    key: ClassVar[str] = "promql"
    about: ClassVar[str] = "what a PromQL query answers at one moment"
    unit: ClassVar[str] = ""
    by_prometheus: ClassVar[bool] = True
    example: ClassVar[Mapping[str, str]] = {"promql": "min_over_time(up[15s])"}

    query: str = field(metadata=word("promql", TEXT, "an instant query that answers with one sample"))
    bound: Bound = field(metadata=word("is", _BOUND, "what the answer must be, such as '<= 2'"))
    at: Moment = field(default=Moment(None, True), metadata=word("at", MOMENT, "'end', or 'end of' a fault"))

    def check(self, traffic: Collection[str], faults: Collection[str]) -> Iterator[tuple[str, str]]:
        if not self.query.strip():
            yield "promql", "is empty: write an instant query"
        yield from unknown("at", self.at.fault, faults, "fault")
        if not self.at.healed:
            yield "at", f"is '{self.at}': write 'end', or 'end of {self.at}'"
        yield from super(Promql, self).check(traffic, faults)

    def question(self) -> Question:
        return Question(self.query, self.at.fault)

    def faults(self) -> frozenset[str]:
        return frozenset(name for name in (self.needs, self.at.fault) if name)

    @property
    def source(self) -> str:
        return f"Prometheus at {self.at}: {self.query}"

    def take(self, evidence: Evidence) -> Finding:
        asked = evidence.asked(self.name)
        if asked is None:
            return self.finding("inconclusive", "Prometheus was never asked")
        if asked.value is None or not isfinite(asked.value):
            why = asked.error or "the query matched nothing, or its sample is not a number"
            return self.finding("inconclusive", f"Prometheus had no figure: {why}")
        outcome = self.bound.outcome(asked.value)
        return self.finding(outcome, f"Prometheus answered {asked.value:g} at {self.at}", asked.value)
