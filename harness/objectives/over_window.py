"""Objectives whose figure is taken from the operations of one traffic that fell due in one window."""

from abc import abstractmethod
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from harness.objectives.base import Finding, Objective
from harness.objectives.when import WINDOWS, unknown
from harness.operations import Operation
from harness.recording.evidence import Evidence
from harness.words import NAME, word


@dataclass(frozen=True, slots=True, kw_only=True)
class OverWindow(Objective):
    """``window``: all, warmup, faults, recovery, or a fault's name (from in force to healed)."""

    traffic: str = field(metadata=word("of", NAME, "the traffic whose operations are counted"))
    window: str = field(
        default="all", metadata=word("in", NAME, "all, warmup, faults, recovery, or a fault: operations due then")
    )

    @property
    def source(self) -> str:
        return f"operations of {self.traffic} due in {self.window}"

    @property
    def traffic_name(self) -> str:
        return self.traffic

    def check(self, traffic: Collection[str], faults: Collection[str]) -> Iterator[tuple[str, str]]:
        yield from unknown("of", self.traffic, traffic, "traffic")
        yield from unknown("in", self.window, (*WINDOWS, *faults), "window or fault")
        yield from unknown("needs", self.needs, faults, "fault")

    def faults(self) -> frozenset[str]:
        return frozenset(name for name in (self.needs, self.window) if name and name not in WINDOWS)

    def measure(self, evidence: Evidence) -> Finding:
        window = evidence.window(self.window)
        if window is None:
            missing = "never began" if self.window in WINDOWS else "never came into force"
            return self.finding("inconclusive", f"{self.window} {missing}, so nothing fell due in it")
        operations = evidence.due_in(self.traffic, window)
        if not operations:
            return self.finding("inconclusive", f"no operation of {self.traffic} fell due in {self.window}")
        return self.over(operations)

    @abstractmethod
    def over(self, operations: Sequence[Operation]) -> Finding:
        """The finding over the operations of the window, at least one."""
