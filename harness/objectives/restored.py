"""How long it took until the service was well again, and stayed so."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from math import isinf
from typing import ClassVar

from harness.clock import to_ns
from harness.objectives.base import Bound, Finding, Objective, bound
from harness.objectives.when import MOMENT, Moment, unknown
from harness.operations import Operation, Outcome
from harness.recording.evidence import Evidence, InForce, Window
from harness.stats import P95, first_well, latencies, quantile, samples_needed, send_error_p99_s
from harness.units import show_s
from harness.words import DURATION, NAME, word

_BOUND = bound(DURATION)
LATE_TIMES_BASELINE = 2.0  # how many times the warm-up's p95 is still well ...
LATE_FLOOR_S = 0.050  # ... and what is well whatever the warm-up was: below it a p95 is the machine's noise
_NEEDED = samples_needed(P95)


@dataclass(frozen=True, slots=True)
class _Question:
    """``slow_s``: the p95 that is still well. ``error_s``: how far off ``begin_ns`` and every due time may be."""

    operations: Sequence[Operation]
    spell: InForce
    begin_ns: int
    end_ns: int
    slow_s: float
    error_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored(Objective):
    """From ``after`` to the start of the first ``hold`` window, by due time, in which the service was well.

    Well: success >= 99 %, and a p95 of at most ``well_s``; where nobody says what users accept, of at most
    max(2 x the warm-up's p95, 50 ms). Its error is the bracket of the fault's beginning (or end), one gap between
    operations, how late the generator sent, and what is not known of the clocks.
    """

    key: ClassVar[str] = "restored"
    about: ClassVar[str] = "how long after a fault (or its end) the service was well again and stayed so"
    unit: ClassVar[str] = "s"

    traffic: str = field(metadata=word("of", NAME, "the traffic whose operations are counted"))
    after: Moment = field(metadata=word("after", MOMENT, "a fault, from in force; or 'end of' a fault, from healed"))
    hold_s: float = field(default=5.0, metadata=word("hold", DURATION, "how long it must have been well"))
    well_s: float | None = field(
        default=None, metadata=word("well", DURATION, "the p95 that is still well [twice the warm-up's, or 50 ms]")
    )
    bound: Bound = field(metadata=word("restored", _BOUND, "the longest time until then, such as '<= 3s'"))

    @property
    def source(self) -> str:
        return f"operations of {self.traffic} due after {self.after}"

    @property
    def traffic_name(self) -> str:
        return self.traffic

    def check(self, traffic: Collection[str], faults: Collection[str]) -> Iterator[tuple[str, str]]:
        yield from unknown("of", self.traffic, traffic, "traffic")
        if self.after.fault is None:
            yield "after", "is 'end': nothing comes after that; write a fault's name, or 'end of' and its name"
        yield from unknown("after", self.after.fault, faults, "fault")
        if self.hold_s <= 0:
            yield "hold", "is 0: a service that was well for no time at all is not restored; write one such as 5s"
        if self.well_s is not None and self.well_s <= 0:
            yield "well", "is 0: no answer comes at once; write the wait that users accept, such as 250ms"
        yield from unknown("needs", self.needs, faults, "fault")

    def faults(self) -> frozenset[str]:
        return frozenset(name for name in (self.needs, self.after.fault) if name)

    def measure(self, evidence: Evidence) -> Finding:
        question = self._question(evidence)
        return self.finding("inconclusive", question) if isinstance(question, str) else self._answer(question)

    def _question(self, evidence: Evidence) -> _Question | str:
        """What is to be looked for, and where; or the sentence that says why it cannot be."""
        spell = evidence.spell(self.after.fault or "")
        if spell is None:
            return f"{self.after.fault} never came into force, so there is nothing to be restored from"
        if self.after.healed and not spell.healed:
            return f"{self.after.fault} was never seen to be gone, so there is no instant to count from"
        warmup = evidence.due_in(self.traffic, evidence.phases.get("warmup", Window(0, 0)))
        if len(warmup) < _NEEDED:
            return f"the warm-up's p95 takes {_NEEDED} operations; {len(warmup)} fell due in it"
        baseline_s = quantile(latencies(warmup), P95)
        if isinf(baseline_s):
            return "more than 5 % of the warm-up had no answer, so there is no baseline to be restored to"
        everything = evidence.operations[self.traffic]
        gap_s = (everything[-1].due_ns - everything[0].due_ns) / (len(everything) - 1) / 1e9
        bracket_s = spell.end_error_s if self.after.healed else spell.start_error_s
        return _Question(
            operations=everything,
            spell=spell,
            begin_ns=spell.window.end_ns if self.after.healed else spell.window.start_ns,
            end_ns=evidence.phases["all"].end_ns,
            slow_s=max(LATE_TIMES_BASELINE * baseline_s, LATE_FLOOR_S) if self.well_s is None else self.well_s,
            error_s=bracket_s + gap_s + (send_error_p99_s(everything) or 0.0) + evidence.clock_error_s(),
        )

    def _answer(self, question: _Question) -> Finding:
        hold_ns = to_ns(self.hold_s)
        found = first_well(question.operations, question.begin_ns, question.end_ns, hold_ns, question.slow_s)
        if question.begin_ns + hold_ns > question.end_ns:
            left_s = max(0.0, (question.end_ns - question.begin_ns) / 1e9)
            return self.finding(
                "inconclusive",
                f"the recording ends {show_s(left_s)} after {self.after}: too short for a hold of "
                f"{show_s(self.hold_s)}; lengthen the recovery",
            )
        if found.found_ns is None:
            return self._never(question, (found.tried_ns - question.begin_ns) / 1e9)
        if found.samples < _NEEDED:
            return self.finding(
                "inconclusive",
                f"a hold of {show_s(self.hold_s)} has {found.samples} operations; its p95 takes "
                f"{_NEEDED}: lengthen the hold or raise the rate",
            )
        value_s = (found.found_ns - question.begin_ns) / 1e9
        outcome = self.bound.outcome(value_s, question.error_s)
        words = f"{show_s(value_s)} ± {show_s(question.error_s)}"
        back = f"service was back {words} after {self.after}"
        until = self._until(question, found.found_ns)
        reason = {
            "held": back,
            "violated": f"service was back {words} after {self.after}{until}",
            "inconclusive": f"{back}: too close to '{self.bound.text}' to tell",
        }[outcome]
        details = (*_detected(question), ("restored", words), *_well(question))
        return self.finding(outcome, reason, value_s, error=question.error_s, details=details)

    def _never(self, question: _Question, least_s: float) -> Finding:
        """It was not restored while we looked; that it took longer than ``least_s`` is all that is known."""
        reason = f"service was not back within {show_s(least_s)} after {self.after}, when the recording ends"
        # What is known is that the figure is above the least; so the bound is broken for sure only if all of those
        # figures break it, which is to say both the least and the greatest.
        outcomes = {self.bound.outcome(least_s, question.error_s), self.bound.outcome(float("inf"))}
        outcome = outcomes.pop() if len(outcomes) == 1 else "inconclusive"
        if outcome == "inconclusive":
            reason += f": too soon to tell whether '{self.bound.text}'; lengthen the recovery"
        return self.finding(
            outcome,
            reason,
            details=(*_detected(question), ("restored", f"not within {show_s(least_s)}"), *_well(question)),
        )

    def _until(self, question: _Question, found_ns: int) -> str:
        healed = question.spell.healed and not self.after.healed and found_ns >= question.spell.window.end_ns
        return f" (only after {self.after.fault} was healed)" if healed else ""


def _detected(question: _Question) -> tuple[tuple[str, str], ...]:
    """The first operation that failed or was late, by due time: the moment users began to notice."""
    for op in question.operations:
        if op.due_ns >= question.begin_ns and (op.outcome is not Outcome.OK or op.latency_s > question.slow_s):
            return (("detected", show_s((op.due_ns - question.begin_ns) / 1e9)),)
    return (("detected", "no operation failed or was late"),)


def _well(question: _Question) -> tuple[tuple[str, str], ...]:
    return (("well", f"success ≥ 99 %, p95 ≤ {show_s(question.slow_s)}"),)
