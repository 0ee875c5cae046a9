"""Objectives whose figure is taken in one window, most of them from one traffic."""

from abc import abstractmethod
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from harness.objectives.base import BASELINE, Finding, Objective
from harness.objectives.when import WINDOWS, unknown
from harness.operations import Operation
from harness.recording.evidence import Evidence, Window
from harness.words import NAME, word


@dataclass(frozen=True, slots=True, kw_only=True)
class InWindow(Objective):
    """``window``: all, warmup, faults, recovery, or a fault's name (from in force to healed).

    ``by_length``: the figure grows with the window, so that it cannot be compared with that of another one.
    ``happened``: what did not happen in a window that never was.
    """

    by_length: ClassVar[bool] = False
    happened: ClassVar[str] = "fell due"

    window: str = field(
        default="all", metadata=word("in", NAME, "all, warmup, faults, recovery, or a fault: operations due then")
    )

    def check(self, traffic: Collection[str], faults: Collection[str]) -> Iterator[tuple[str, str]]:
        yield from unknown("in", self.window, (*WINDOWS, *faults), "window or fault")
        yield from super(InWindow, self).check(traffic, faults)

    def controls(self, faults: Collection[str]) -> tuple[str, ...]:
        others = super(InWindow, self).controls(faults)
        return others if self.by_length else (*WINDOWS, *faults, *others)

    def control(self, evidence: Evidence) -> Finding:
        if self.bound.control == BASELINE:
            return super(InWindow, self).control(evidence)
        there = replace(self, window=self.bound.control, bound=self.bound.against(0.0))
        return there.take(evidence)

    def faults(self) -> frozenset[str]:
        named = (self.needs, self.window, self.bound.control)
        return frozenset(name for name in named if name and name not in (*WINDOWS, BASELINE))

    def take(self, evidence: Evidence) -> Finding:
        window = evidence.window(self.window)
        if window is None:
            missing = "never began" if self.window in WINDOWS else "never came into force"
            return self.finding("inconclusive", f"{self.window} {missing}, so nothing {self.happened} in it")
        return self.within(evidence, window)

    @abstractmethod
    def within(self, evidence: Evidence, window: Window) -> Finding:
        """The finding in a window that there was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverWindow(InWindow):
    """The figure is taken from one traffic."""

    traffic: str = field(metadata=word("of", NAME, "the traffic whose operations are counted"))

    @property
    def source(self) -> str:
        return f"operations of {self.traffic} due in {self.window}"

    @property
    def traffic_name(self) -> str:
        return self.traffic

    def check(self, traffic: Collection[str], faults: Collection[str]) -> Iterator[tuple[str, str]]:
        yield from unknown("of", self.traffic, traffic, "traffic")
        yield from super(OverWindow, self).check(traffic, faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverDue(OverWindow):
    """The figure is taken from the operations that fell due in the window, whenever they ended."""

    def within(self, evidence: Evidence, window: Window) -> Finding:
        operations = evidence.due_in(self.traffic, window)
        if not operations:
            return self.finding("inconclusive", f"no operation of {self.traffic} fell due in {self.window}")
        return self.over(operations, window)

    @abstractmethod
    def over(self, operations: Sequence[Operation], window: Window) -> Finding:
        """The finding over those operations, at least one."""
