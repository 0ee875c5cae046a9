"""Alert rules of a scenario, and whether the alert of one fires when it should, and is over when all is well again."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from msgspec.structs import replace as changed

from harness.clock import to_ns
from harness.objectives.aftermath import Milestone, start_of
from harness.objectives.base import Bound, Finding, bound
from harness.objectives.courses import Course, course
from harness.objectives.until import Until
from harness.objectives.when import Moment, unknown
from harness.recording.evidence import Evidence
from harness.units import show_s
from harness.words import DURATION, TEXT, Reader, word

_BOUND = bound(DURATION)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_ORDER = ("held", "inconclusive", "violated")


def _alert_name(text: str) -> str:
    if _NAME.fullmatch(text):
        return text
    raise ValueError(f"is '{text}': an alert's name has only letters, digits and '_', no digit first")


ALERT = Reader("name of an alert", "NodeDown", _alert_name, pattern=_NAME.pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One rule as Prometheus has it: the alert fires once ``expr`` has had an answer for ``for_s``."""

    name: str = field(metadata=word("alert", ALERT, "what the alert is called"))
    expr: str = field(metadata=word("expr", TEXT, "PromQL that has an answer while something is wrong"))
    for_s: float = field(default=0.0, metadata=word("for", DURATION, "how long that must last before it fires"))

    def check(self) -> Iterator[tuple[str, str]]:
        """What is wrong with it: (key, half a sentence)."""
        if not self.expr.strip():
            yield "expr", "is empty: write PromQL that has an answer while something is wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Until):
    """From ``after`` to the evaluation at which a rule under ``alerts:`` fires; from the fault's end to its last.

    Its figure is how long it took to fire; how long to resolve stands beside it, and the worse of the two counts. The
    error is the fault's bracket, and how late Prometheus sees what is: a scrape and a step, as they were in this run.
    An alert that was firing already when the fault came says nothing. Rules are evaluated as often as targets are
    scraped, four times a second: give a rule the ``for:`` that yours has.
    """

    key: ClassVar[str] = "alert"
    about: ClassVar[str] = "how long after a fault a Prometheus alert fires, and after its end resolves"
    example: ClassVar[Mapping[str, str]] = {"alert": "NodeDown"}
    said: ClassVar[str] = "the alert fired"
    notices: ClassVar[bool] = True
    healed: ClassVar[bool | None] = False
    by_prometheus: ClassVar[bool] = True

    alert: str = field(metadata=word("alert", ALERT, "which, of those under 'alerts:'"))
    bound: Bound = field(metadata=word("fires", _BOUND, "the longest time until it fires, such as '<= 5s'"))
    resolves: Bound | None = field(
        default=None, metadata=word("resolves", _BOUND, "the longest time from the fault's end until it is over")
    )

    def check(self, traffic: Collection[str], faults: Collection[str]) -> Iterator[tuple[str, str]]:
        if self.resolves and self.resolves.control:
            yield "resolves", f"is '{self.resolves.text}': write a time of its own, such as '<= 10s'"
        yield from super(Alert, self).check(traffic, faults)

    def check_alerts(self, alerts: Collection[str]) -> Iterator[tuple[str, str]]:
        yield from unknown("alert", self.alert, alerts, "rule under 'alerts'")

    @property
    def source(self) -> str:
        return f"Prometheus, ALERTS of {self.alert} after {self.after}"

    @property
    def _query(self) -> str:
        return f'max(ALERTS{{alertname="{self.alert}",alertstate="firing"}})'

    def courses(self) -> tuple[str, ...]:
        return (self._query,)

    def reach(self, evidence: Evidence) -> Milestone:
        start, fired = start_of(evidence, self.after), course(evidence, self._query)
        if isinstance(start, str) or isinstance(fired, str):
            return Milestone(None, why=start if isinstance(start, str) else str(fired))
        error_s = start.bracket_s + fired.late_s / 2 + fired.error_s
        for value, since_ns, until_ns in fired.spells():
            if value is None or until_ns <= start.begin_ns:
                continue
            if since_ns <= start.begin_ns:
                return Milestone(None, why=f"{self.alert} was firing already when {self.after} came")
            return Milestone(_after_s(since_ns, start.begin_ns, fired), error_s)
        looked_s = (evidence.phases["all"].end_ns - start.begin_ns) / 1e9
        never = f"{self.alert} did not fire within {show_s(looked_s)} after {self.after}, when the recording ends"
        return Milestone(None, error_s, never, looked_s)

    def take(self, evidence: Evidence) -> Finding:
        found = super(Alert, self).take(evidence)
        if self.resolves is None or found.measured is None:
            return found
        return _worse(found, *self._resolved(self.resolves, evidence))

    def _resolved(self, limit: Bound, evidence: Evidence) -> tuple[str, str, str]:
        """The outcome, its reason, and the figure in words."""
        healed = Moment(self.after.fault, True)
        start, fired = start_of(evidence, healed), course(evidence, self._query)
        if isinstance(start, str) or isinstance(fired, str):
            return "inconclusive", start if isinstance(start, str) else str(fired), "no figure"
        *_, (_, _, gone_ns) = (spell for spell in fired.spells() if spell[0] is not None)
        if gone_ns >= fired.at_ns(len(fired.values)):
            least_s = (gone_ns - start.begin_ns) / 1e9
            reason = f"{self.alert} was still firing {show_s(least_s)} after {healed}, when the recording ends"
            sure = not limit.met_by(least_s) and limit.comparison in ("<=", "<")
            return "violated" if sure else "inconclusive", reason, f"not within {show_s(least_s)}"
        value_s = _after_s(gone_ns, start.begin_ns, fired)
        error_s = start.bracket_s + fired.late_s / 2 + fired.error_s
        outcome, shown = limit.outcome(value_s, error_s), f"{show_s(value_s)} ± {show_s(error_s)}"
        close = f": too close to '{limit.text}' to tell" if outcome == "inconclusive" else ""
        broken = f"; it must be {limit.text}" if outcome == "violated" else ""
        return outcome, f"it resolved {shown} after {healed}{broken}{close}", shown


def _after_s(seen_ns: int, begin_ns: int, seen: Course) -> float:
    """What is seen came to be at some time since the look before: in the middle of it, give or take a half."""
    return max(0.0, (seen_ns - to_ns(seen.late_s / 2) - begin_ns) / 1e9)


def _worse(fired: Finding, outcome: str, reason: str, resolved: str) -> Finding:
    details = (*fired.details, ("resolved", resolved))
    if _ORDER.index(outcome) > _ORDER.index(fired.outcome):
        return changed(fired, outcome=outcome, reason=f"{reason} ({fired.reason})", details=details)
    return changed(fired, reason=f"{fired.reason}; {reason}", details=details)
