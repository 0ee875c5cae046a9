"""What the nodes must never say, or must say."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import ClassVar

from harness.cluster import Cluster
from harness.objectives.base import Bound, Finding, Objective, bound
from harness.objectives.log_lines import PATTERN, Log, Said, logs_of
from harness.objectives.when import WINDOWS, unknown
from harness.recording.evidence import Evidence, Window
from harness.words import COUNT, NAME, NODE, word

_BOUND = bound(COUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged(Objective):
    """How many lines of the nodes' logs in one window have ``line`` in them: ``== 0`` for never, ``>= 1`` for must.

    A line so near to an end of the window that it may have been said on either side decides nothing; and of a log that
    was cut nobody knows what its lost part said.
    """

    key: ClassVar[str] = "log"
    about: ClassVar[str] = "how many lines of the nodes' logs match a regular expression"
    unit: ClassVar[str] = "lines"

    line: re.Pattern[str] = field(metadata=word("line", PATTERN, "a regular expression that is found in its line"))
    nodes: tuple[str, ...] = field(
        default=(), metadata=word("on", NODE, "whose logs are read; every node's, unless it is given", many=True)
    )
    window: str = field(
        default="all", metadata=word("in", NAME, "all, warmup, faults, recovery, or a fault: lines said then")
    )
    bound: Bound = field(metadata=word("log", _BOUND, "how many lines, such as '== 0' or '>= 1'"))

    @property
    def source(self) -> str:
        whose = ", ".join(self.nodes) or "every node"
        return f"lines with '{self.line.pattern}' in the logs of {whose} in {self.window}"

    def check(self, traffic: Collection[str], faults: Collection[str]) -> Iterator[tuple[str, str]]:
        yield from unknown("in", self.window, (*WINDOWS, *faults), "window or fault")
        yield from super(Logged, self).check(traffic, faults)

    def check_on(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        for node in self.nodes:
            if nobody := cluster.unknown(node):
                yield "on", f"names '{node}': {nobody}"

    def faults(self) -> frozenset[str]:
        return frozenset(name for name in (self.needs, self.window) if name and name not in WINDOWS)

    def take(self, evidence: Evidence) -> Finding:
        window, logs = evidence.window(self.window), logs_of(self.nodes, evidence)
        if window is None:
            return self.finding("inconclusive", f"{self.window} never came to be, so nothing was said in it")
        if isinstance(logs, str):
            return self.finding("inconclusive", logs)
        return self._counted(logs, window, evidence)

    def _counted(self, logs: Mapping[str, Log], window: Window, evidence: Evidence) -> Finding:
        near = [(said, log) for log in logs.values() for said in log.matching(self.line) if _in(said, window, log, 1)]
        found = sorted((said for said, log in near if window.holds(said.at_ns)), key=_order)
        sure = sum(_in(said, window, log, -1) for said, log in near)
        cut = [node for node, log in logs.items() if not log.covers(window.start_ns)]
        outcome = self.bound.among(sure, len(found), len(near), *([inf] if cut else []))
        reason = f"{len(found):,} line{'' if len(found) == 1 else 's'} with '{self.line.pattern}' in {self.window}"
        if outcome == "inconclusive":
            reason += f", and the log of {', '.join(cut)} was cut" if cut else ": too near to its ends to tell"
        first = [("first", f"{s.node} at {evidence.since_s(s.at_ns):.3f} s: {s.shown()}") for s in found[:1]]
        return self.finding(outcome, reason, float(len(found)), details=tuple(first))


def _in(said: Said, window: Window, log: Log, side: int) -> bool:
    """Whether it may have been said in the window (``side`` 1), or was for sure (-1)."""
    margin_ns = side * round(log.error_s * 1e9)
    return window.start_ns - margin_ns <= said.at_ns < window.end_ns + margin_ns


def _order(said: Said) -> tuple[int, str, str]:
    return said.at_ns, said.node, said.text
