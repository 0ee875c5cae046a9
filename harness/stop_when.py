"""When to stop a run before its end: users lose more than was agreed, or it takes too long. Pure: fed, and asked."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from harness.objectives.base import Bound, bound
from harness.objectives.when import unknown
from harness.operations import Operation, Outcome
from harness.units import show_planned_s, show_share
from harness.words import COUNT, DURATION, NAME, SHARE, word

_OVER_MIN_S, _OVER_MAX_S = 1.0, 600.0
_STEP_NS = 100_000_000  # operations are counted by tenths of a second
_START_S, _LEAVE_S = 120.0, 60.0  # what a run may take before its load begins and after it has ended


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWhen:
    """One condition; met by whatever its bound says of the operations that ended in the last ``over``."""

    traffic: str = field(metadata=word("of", NAME, "the traffic that is watched"))
    over_s: float = field(metadata=word("over", DURATION, "how long a time is looked at; earlier nothing is said"))
    success: Bound | None = field(
        default=None, metadata=word("success", bound(SHARE), "stop when so much of it succeeds")
    )
    wrong: Bound | None = field(
        default=None, metadata=word("wrong", bound(COUNT), "stop when so many answers are wrong")
    )

    def check(self, traffic: Collection[str]) -> Iterator[tuple[str, str]]:
        """What is wrong with it: (key, half a sentence)."""
        yield from unknown("of", self.traffic, traffic, "traffic")
        if (self.success is None) == (self.wrong is None):
            yield "success", "or 'wrong': a condition needs exactly one of the two"
        if not _OVER_MIN_S <= self.over_s <= _OVER_MAX_S:
            yield "over", f"is {show_planned_s(self.over_s)}: write one from 1s to 10m"

    def describe(self) -> str:
        asked = f"success {self.success.text}" if self.success else f"wrong {self.wrong.text}" if self.wrong else ""
        return f"{self.traffic}: {asked} over {show_planned_s(self.over_s)}"


def time_limit_s(phases_s: float) -> float:
    """How long a whole run may take, where its file does not say so."""
    return _START_S + phases_s + _LEAVE_S


@dataclass(slots=True)
class _Counts:
    """What ended in one step of time."""

    step: int
    ended: int = 0
    ok: int = 0
    wrong: int = 0


class Brake:
    """Watches a run's conditions. ``began_ns``: the run's beginning; every instant is on one clock."""

    def __init__(self, conditions: Iterable[StopWhen], limit_s: float, began_ns: int) -> None:
        self._conditions, self._limit_s, self._began_ns = tuple(conditions), limit_s, began_ns
        self._counts: dict[str, deque[_Counts]] = {condition.traffic: deque() for condition in self._conditions}

    def operations(self, traffic: str, operations: Iterable[Operation]) -> None:
        """What came back; late batches count from when their operations ended."""
        counts = self._counts.get(traffic)
        if counts is None:
            return
        for operation in operations:
            if operation.outcome is not Outcome.CAPPED:
                one = _at(counts, operation.done_ns // _STEP_NS)
                one.ended += 1
                one.ok += operation.outcome is Outcome.OK
                one.wrong += operation.outcome is Outcome.WRONG

    def reason(self, now_ns: int, load_began_ns: int | None) -> str | None:
        """The sentence that says why to stop now; None: go on. ``load_began_ns`` None: there is no load yet."""
        if now_ns - self._began_ns > self._limit_s * 1e9:
            return f"The run was stopped: it took longer than its time limit of {show_planned_s(self._limit_s)}."
        for condition in self._conditions:
            long_enough = load_began_ns is not None and now_ns - load_began_ns >= condition.over_s * 1e9
            if long_enough and (said := self._met(condition, now_ns)):
                return f"The run was stopped: {said}."
        return None

    def _met(self, condition: StopWhen, now_ns: int) -> str | None:
        counts = self._counts[condition.traffic]
        while counts and counts[0].step < (now_ns - _OVER_MAX_S * 1e9) // _STEP_NS:
            counts.popleft()
        within = [one for one in counts if one.step * _STEP_NS >= now_ns - condition.over_s * 1e9]
        ended, ok, wrong = (sum(getattr(one, what) for one in within) for what in ("ended", "ok", "wrong"))
        over = f"of {condition.traffic} in {show_planned_s(condition.over_s)}"
        if condition.success and ended and condition.success.met_by(ok / ended):
            said = f"{show_share(ok / ended)} of {ended:,} operations {over} succeeded"
            return f"{said} (stop_when {condition.success.text})"
        if condition.wrong and condition.wrong.met_by(wrong):
            return f"{wrong:,} answers {over} were wrong (stop_when {condition.wrong.text})"
        return None


def _at(counts: deque[_Counts], step: int) -> _Counts:
    """The counts of one step; operations come nearly in order, so it is looked for from the end."""
    for index in range(len(counts) - 1, -1, -1):
        if counts[index].step == step:
            return counts[index]
        if counts[index].step < step:
            counts.insert(index + 1, _Counts(step))
            return counts[index + 1]
    counts.appendleft(_Counts(step))
    return counts[0]
