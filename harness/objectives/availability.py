"""How much the service gave, and for how long it gave nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from harness.columns import columns
from harness.objectives.base import Bound, Finding, bound
from harness.objectives.over_window import OverDue, OverWindow
from harness.operations import Operation
from harness.recording.evidence import Evidence, Window
from harness.stats import send_error_p99_s, succeeded
from harness.units import show_s, show_share
from harness.words import DURATION, RATE, word

_RATE_BOUND, _DURATION_BOUND = bound(RATE), bound(DURATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput(OverWindow):
    """Right answers that came in the window, whenever they fell due, by its length.

    Its error is one answer at either end, which may as well have come on the other side. Under an open loop it is never
    above the rate that the traffic asks for, but for what had waited.
    """

    key: ClassVar[str] = "throughput"
    about: ClassVar[str] = "how many right answers came in a second"
    unit: ClassVar[str] = "answers/s"

    bound: Bound = field(metadata=word("throughput", _RATE_BOUND, "right answers in a second, such as '>= 45/s'"))

    @property
    def source(self) -> str:
        return f"right answers of {self.traffic} that came in {self.window}"

    def within(self, evidence: Evidence, window: Window) -> Finding:
        operations = evidence.of_traffic(self.traffic)
        if not operations or window.length_s <= 0:
            return self.finding("inconclusive", f"no operation of {self.traffic} could have come in {self.window}")
        came = int(np.count_nonzero(operations.ok & window.holding(operations.done_ns)))
        value, error = came / window.length_s, 1 / window.length_s
        reason = f"{came:,} right answers came in the {show_s(window.length_s)} of {self.window}"
        outcome = self.bound.outcome(value, error)
        if outcome == "inconclusive":
            reason += f": too close to '{self.bound.text}' to tell"
        asked = len(evidence.due_in(self.traffic, window))
        return self.finding(outcome, reason, value, error=error, details=(("fell due", f"{asked:,}"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable(OverDue):
    """For how long in all every operation failed: each outage from its first failure to the next right answer.

    Both by due time. Its error is one gap between operations for each outage, by which it may have begun earlier or
    ended sooner (and at least one, in which nobody looked), and how late the generator sent: of single failures among
    right answers it says little, and ``success`` says all.
    """

    key: ClassVar[str] = "unavailable"
    about: ClassVar[str] = "for how long in all no operation got a right answer"
    unit: ClassVar[str] = "s"
    by_length: ClassVar[bool] = True

    bound: Bound = field(metadata=word("unavailable", _DURATION_BOUND, "the longest time in all, such as '<= 2s'"))

    def over(self, operations: Sequence[Operation], window: Window) -> Finding:
        each_s = window.length_s / len(operations) + (send_error_p99_s(operations) or 0.0)
        outages = _outages(operations, window)
        value_s, error_s = sum(outages) / 1e9, max(1, len(outages)) * each_s
        lost = len(operations) - succeeded(operations)
        reason = f"no right answer for {show_s(value_s)} ± {show_s(error_s)} of {show_s(window.length_s)}"
        outcome = self.bound.outcome(value_s, error_s)
        if outcome == "inconclusive":
            reason += f": too close to '{self.bound.text}' to tell"
        details = (
            ("outages", f"{len(outages):,}"),
            ("the longest", show_s(max(outages, default=0) / 1e9)),
            ("by request", show_share(lost / len(operations))),
        )
        return self.finding(outcome, reason, value_s, error=error_s, details=details)


def _outages(operations: Sequence[Operation], window: Window) -> list[int]:
    """How long each lasted, in nanoseconds; the last one to the window's end, if nothing ended it before."""
    of = columns(operations)
    changes = np.flatnonzero(np.diff(~of.ok, prepend=False))  # it begins, it ends, it begins, ...
    instants_ns = [*of.due_ns[changes].tolist(), window.end_ns]
    return [end_ns - began_ns for began_ns, end_ns in zip(instants_ns[::2], instants_ns[1::2], strict=False)]
