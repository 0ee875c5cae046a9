"""Whether one order of all operations explains every answer: the store behaved like a single copy of itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from harness.consistency.check import STEPS_MAX, Result, check
from harness.consistency.reading import read_lines
from harness.consistency.sentences import describe, sentence
from harness.errors import ScenarioError
from harness.objectives.base import Bound, Finding
from harness.objectives.histories import OfHistory
from harness.objectives.yes import yes
from harness.recording.evidence import Evidence
from harness.words import word

_BOUND = yes("==", 1.0)
_SHOWN = 5  # operations of a failing prefix in a report; `harness linearizable` prints more


@dataclass(frozen=True, slots=True, kw_only=True)
class Linearizable(OfHistory):
    """Every key of the history is checked alone, under a budget of steps (``harness linearizable`` has more of them).

    Unknown is inconclusive: where the budget did not do, and where too few writes overlapped other operations for a
    wrong order to show.
    """

    key: ClassVar[str] = "linearizable"
    about: ClassVar[str] = "whether one order of all operations explains every answer"
    unit: ClassVar[str] = "yes or no"

    bound: Bound = field(metadata=word("linearizable", _BOUND, "yes"))

    @property
    def source(self) -> str:
        return f"the history of {self.traffic}, on every key"

    def take(self, evidence: Evidence) -> Finding:
        lines = evidence.histories.get(self.traffic)
        if not lines:
            return self.finding("inconclusive", f"{self.traffic} kept no history: its client must be 'registers'")
        result = evidence.once(("linearizable", self.traffic), lambda: _checked(self.traffic, lines))
        if isinstance(result, str):
            return self.finding("inconclusive", result)
        reason, details = sentence(result).rstrip("."), tuple(_details(result))
        if result.outcome == "unknown":
            return self.finding("inconclusive", reason, details=details)
        yes = result.outcome == "yes"
        return self.finding("held" if yes else "violated", reason, float(yes), details=details)


def _checked(traffic: str, lines: bytes) -> Result | str:
    """Or a sentence: why the history cannot be read."""
    try:
        return check(read_lines(lines, f"history/{traffic}.jsonl"))
    except ScenarioError as error:
        return str(error.problems[0])


def _details(result: Result) -> Iterator[tuple[str, str]]:
    yield "operations", f"{result.operations:,} on {result.objects:,} registers"
    yield "overlapping writes", f"{result.contested:,}"
    if result.steps:
        yield "steps", f"{result.steps:,} of {STEPS_MAX:,}"
    if result.prefix is not None:
        last = result.prefix.last
        calls = [f"process {call.process} {describe(call, last)}" for call in result.prefix.calls[-_SHOWN:]]
        yield f"the end of the prefix on {result.prefix.name}", "; ".join(calls)
