"""How a traffic came through a fault: when users noticed, when others took over, when all was well again, and whole."""

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.objectives import aftermath as milestones
from harness.objectives import settled
from harness.objectives.aftermath import Aftermath, Milestone, aftermath
from harness.objectives.base import Bound, bound
from harness.objectives.until import Until
from harness.objectives.when import unknown
from harness.recording.events import AnsweredItself
from harness.recording.evidence import Evidence
from harness.units import show_s
from harness.words import DURATION, NAME, word

_BOUND = bound(DURATION)
HOLD_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OfTraffic(Until):
    """A milestone that is read from the operations of one traffic.

    Its error is the bracket of the fault's beginning (or end), one gap between operations, how late the generator
    sent, and what is not known of the clocks.
    """

    traffic: str = field(metadata=word("of", NAME, "the traffic whose operations are counted"))

    @property
    def source(self) -> str:
        return f"operations of {self.traffic} due after {self.after}"

    @property
    def traffic_name(self) -> str:
        return self.traffic

    def check(self, traffic: Collection[str], faults: Collection[str]) -> Iterator[tuple[str, str]]:
        yield from unknown("of", self.traffic, traffic, "traffic")
        yield from super(OfTraffic, self).check(traffic, faults)

    def reach(self, evidence: Evidence) -> Milestone:
        after = aftermath(evidence, self.traffic, self.after)
        if isinstance(after, str):
            return Milestone(None, why=after)
        return evidence.once((self.key, self.traffic, self.after, *self.also()), lambda: self.find(after, evidence))

    def also(self) -> tuple[float, ...]:
        """Which of its other words decide what is found."""
        return ()

    @abstractmethod
    def find(self, after: Aftermath, evidence: Evidence) -> Milestone:
        """The milestone in what followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected(OfTraffic):
    """When users began to notice: the first operation that failed or was late.

    Late is more than 2 x the warm-up's p95, and than 50 ms. Where nobody noticed anything there is no figure, and none
    either where the warm-up had so many as bad that the first one after the fault may be chance. But of a fault that
    was seen, was met by traffic and is over, it is known that nobody noticed it while it lasted: a bound that is
    shorter than that is violated, for what was to show did not.
    """

    key: ClassVar[str] = "detected"
    about: ClassVar[str] = "how long after a fault the first operation failed or was late"
    said: ClassVar[str] = "the first operation failed or was late"
    notices: ClassVar[bool] = True
    healed: ClassVar[bool | None] = False

    bound: Bound = field(metadata=word("detected", _BOUND, "the longest time until then, such as '<= 1s'"))

    def find(self, after: Aftermath, evidence: Evidence) -> Milestone:
        return milestones.detected(after, witnessed=self.after.fault in evidence.witnessed)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedOver(OfTraffic):
    """When a node that the fault did not hit gave a good answer, to what was asked since users began to notice.

    Answers carry the tag of the node that gave them; traffic whose answers have none has no such figure.
    """

    key: ClassVar[str] = "failed-over"
    about: ClassVar[str] = "how long after a fault another node gave a good answer"
    said: ClassVar[str] = "another node answered"
    healed: ClassVar[bool | None] = False

    bound: Bound = field(metadata=word("failed-over", _BOUND, "the longest time until then, such as '<= 2s'"))

    def find(self, after: Aftermath, evidence: Evidence) -> Milestone:
        hit = evidence.hit.get((self.after.fault or "", self.traffic), frozenset())
        nodes = evidence.began.cluster.nodes if evidence.began else ()
        roles = {node.role for node in nodes if node.name in hit}
        others = [node.name for node in nodes if node.role in roles and node.name not in hit]
        return milestones.failed_over(after, hit, others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored(OfTraffic):
    """From ``after`` to the start of the first ``hold`` window, by due time, in which the service was well.

    Well: success >= 99 %, and a p95 of at most ``well_s``; where nobody says what users accept, of at most
    max(2 x the warm-up's p95, 50 ms).
    """

    key: ClassVar[str] = "restored"
    about: ClassVar[str] = "how long after a fault (or its end) the service was well again and stayed so"
    said: ClassVar[str] = "service was back"

    hold_s: float = field(default=HOLD_S, metadata=word("hold", DURATION, "how long it must have been well"))
    well_s: float | None = field(
        default=None, metadata=word("well", DURATION, "the p95 that is still well [twice the warm-up's, or 50 ms]")
    )
    bound: Bound = field(metadata=word("restored", _BOUND, "the longest time until then, such as '<= 3s'"))

    def check(self, traffic: Collection[str], faults: Collection[str]) -> Iterator[tuple[str, str]]:
        if self.hold_s <= 0:
            yield "hold", "is 0: a service that was well for no time at all is not restored; write one such as 5s"
        if self.well_s is not None and self.well_s <= 0:
            yield "well", "is 0: no answer comes at once; write the wait that users accept, such as 250ms"
        yield from super(Restored, self).check(traffic, faults)

    def also(self) -> tuple[float, ...]:
        return (self.hold_s, self.well_s or 0.0)

    def find(self, after: Aftermath, evidence: Evidence) -> Milestone:
        return milestones.restored(after, self.hold_s, self.well_s)

    def courses(self) -> tuple[str, ...]:
        return () if self.well_s is None else settled.queries(self.traffic, self.well_s)

    def as_prometheus_saw(self, evidence: Evidence) -> Milestone:
        """The same, from what Prometheus scraped: each scrape shows all that had fallen due until then, exactly."""
        what = ("restored as scraped", self.traffic, self.after, *self.also())
        return evidence.once(
            what, lambda: settled.restored(evidence, self.traffic, self.after, self.hold_s, self.well_s)
        )

    def contradicted(self, evidence: Evidence) -> str | None:
        one, other = self.reach(evidence), self.as_prometheus_saw(evidence)
        if one.after_s is None or other.after_s is None:
            return None
        if abs(one.after_s - other.after_s) <= (one.error_s or 0.0) + (other.error_s or 0.0):
            return None
        return (
            f"{self.traffic} was well again {show_s(one.after_s)} ± {show_s(one.error_s or 0.0)} after {self.after} by "
            f"its operations, and {show_s(other.after_s)} ± {show_s(other.error_s or 0.0)} by Prometheus: "
            "one of the two is wrong"
        )

    def details(self, evidence: Evidence, reached: Milestone) -> tuple[tuple[str, str], ...]:
        after = aftermath(evidence, self.traffic, self.after)
        if isinstance(after, str) or isinstance(after.baseline, str):
            return ()
        noticed = milestones.detected(after)
        back = f"not within {show_s(reached.least_s or 0.0)}"
        if reached.after_s is not None:
            back = f"{show_s(reached.after_s)} ± {show_s(reached.error_s or 0.0)}"
        scraped = self.as_prometheus_saw(evidence)
        beside = f"{show_s(scraped.after_s or 0.0)} ± {show_s(scraped.error_s or 0.0)}"
        return (
            ("detected", noticed.why if noticed.after_s is None else show_s(noticed.after_s)),
            ("restored", back),
            *((("restored by Prometheus", beside),) if scraped.after_s is not None else ()),
            ("well", f"success ≥ 99 %, p95 ≤ {show_s(self.well_s or after.baseline.slow_s)}"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired(OfTraffic):
    """From the end of a fault until every node that had answered before it answers again.

    And, when the run was over, every node gave its known answer itself, asked straight: users may be well without one.
    """

    key: ClassVar[str] = "repaired"
    about: ClassVar[str] = "how long after a fault's end every node answered again"
    said: ClassVar[str] = "every node answered again"
    example: ClassVar[Mapping[str, str]] = {"after": "end of lost-n1"}
    healed: ClassVar[bool | None] = True

    bound: Bound = field(metadata=word("repaired", _BOUND, "the longest time until then, such as '<= 10s'"))

    def find(self, after: Aftermath, evidence: Evidence) -> Milestone:
        silent = [f"{event.node} ({event.text})" for event in evidence.of(AnsweredItself) if not event.right]
        if silent:
            why = f"{', '.join(silent)} gave no known answer when it was asked itself after the run"
            return Milestone(None, after.error_s, why, after.length_s)
        return milestones.repaired(after)
