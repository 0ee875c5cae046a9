"""When the system itself said that something was wrong, or well again."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster
from harness.objectives.aftermath import Milestone, start_of
from harness.objectives.base import Bound, bound
from harness.objectives.log_lines import PATTERN, log_of
from harness.objectives.until import Until
from harness.recording.evidence import Evidence
from harness.units import show_s
from harness.words import DURATION, NODE, word

_BOUND = bound(DURATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed(Until):
    """From ``after`` to the first line of a node's log in which ``line`` is found.

    It is what the system claims, beside what its users saw: ``after: lost-n1`` for "n1 is DOWN", ``after: end of
    lost-n1`` for "n1 is UP". Its error is the fault's bracket, the engine's stamp, and what the wall clock moved.
    """

    key: ClassVar[str] = "claimed"
    about: ClassVar[str] = "how long after a fault (or its end) the system itself said so in a log"
    example: ClassVar[Mapping[str, str]] = {"line": "n1 is DOWN", "on": "gateway"}
    said: ClassVar[str] = "the system said so"
    notices: ClassVar[bool] = True

    line: re.Pattern[str] = field(metadata=word("line", PATTERN, "a regular expression that is found in its line"))
    node: str = field(metadata=word("on", NODE, "the node whose log says it"))
    bound: Bound = field(metadata=word("claimed", _BOUND, "the longest time until then, such as '<= 1s'"))

    @property
    def source(self) -> str:
        return f"the first line with '{self.line.pattern}' in the log of {self.node} after {self.after}"

    def check_on(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        if unknown := cluster.unknown(self.node):
            yield "on", f"names '{self.node}': {unknown}"

    def reach(self, evidence: Evidence) -> Milestone:
        start, log = start_of(evidence, self.after), log_of(self.node, evidence)
        if isinstance(start, str) or isinstance(log, str):
            return Milestone(None, why=start if isinstance(start, str) else str(log))
        error_s = start.bracket_s + log.error_s
        from_ns = start.begin_ns - round(error_s * 1e9)
        if not log.covers(from_ns):
            return Milestone(None, why=f"the log of {self.node} was cut, and what it said at {self.after} is lost")
        first_ns = min(from_ns, start.spell.window.start_ns)
        since = [said for said in log.matching(self.line) if said.at_ns >= first_ns]
        for said in since:
            if said.at_ns >= from_ns:
                return Milestone(max(0.0, (said.at_ns - start.begin_ns) / 1e9), error_s, f"'{said.shown()}'")
        if since:
            early = show_s((start.begin_ns - since[-1].at_ns) / 1e9)
            return Milestone(None, why=f"{self.node} said so for the last time {early} before {self.after}")
        looked_s = max(0.0, (evidence.phases["all"].end_ns - start.begin_ns) / 1e9)
        never = f"{self.node} said nothing of the kind within {show_s(looked_s)} after {self.after}"
        return Milestone(None, error_s, f"{never}, when the recording ends", looked_s)
