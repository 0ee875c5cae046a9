"""Answers that nobody had asked for."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from harness.objectives.base import Bound, Finding, Objective, bound
from harness.objectives.when import unknown
from harness.recording.events import LoadEnded
from harness.recording.evidence import Evidence
from harness.words import COUNT, NAME, word

_BOUND = bound(COUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicated(Objective):
    """How often in the whole run something came on a connection on which every question had been answered.

    A second answer to the last question, or the answer to somebody else's. The client ends such a connection, so that
    no later question is mistaken for answered. One that comes while another question waits is a wrong answer to that
    one (``wrong``); and between a question and its one answer there is no order that could change (of messages,
    ``reordered`` says it). Of the client ``nats``: a message that came to a reader once more, or that nobody had sent.
    """

    key: ClassVar[str] = "duplicated"
    about: ClassVar[str] = "how often an answer came that nobody had asked for"
    unit: ClassVar[str] = "unasked"

    traffic: str = field(metadata=word("of", NAME, "the traffic whose connections are meant"))
    bound: Bound = field(metadata=word("duplicated", _BOUND, "how many answers nobody asked for, such as '== 0'"))

    @property
    def source(self) -> str:
        return f"what came on the connections of {self.traffic} while nobody waited"

    @property
    def traffic_name(self) -> str:
        return self.traffic

    def check(self, traffic: Collection[str], faults: Collection[str]) -> Iterator[tuple[str, str]]:
        yield from unknown("of", self.traffic, traffic, "traffic")
        yield from super(Duplicated, self).check(traffic, faults)

    def faults(self) -> frozenset[str]:
        return frozenset({self.needs} if self.needs else ())

    def take(self, evidence: Evidence) -> Finding:
        ended = next((event for event in evidence.of(LoadEnded) if event.traffic == self.traffic), None)
        if ended is None or ended.unasked is None:
            return self.finding(
                "inconclusive", f"what came unasked on the connections of {self.traffic} was not counted"
            )
        reason = f"{ended.unasked:,} times something came that nobody had asked for"
        return self.finding(self.bound.outcome(ended.unasked), reason, float(ended.unasked))
