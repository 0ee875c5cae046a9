"""Whether nodes end by themselves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from harness.objectives.base import Bound, Finding, bound
from harness.objectives.log_lines import last_words
from harness.objectives.over_window import InWindow
from harness.recording.events import Trouble
from harness.recording.evidence import Evidence, Window
from harness.words import COUNT, word

_BOUND = bound(COUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crashes(InWindow):
    """How many times a node ended by itself: neither a fault, nor a command of the schedule, nor the end of the run
    ended it.

    Each is a finding here, told with the node's last words; where nobody asks for it, it puts the run in doubt.
    """

    key: ClassVar[str] = "crashes"
    about: ClassVar[str] = "how many times a node ended by itself"
    unit: ClassVar[str] = "crashed"
    by_length: ClassVar[bool] = True
    happened: ClassVar[str] = "ended"

    bound: Bound = field(metadata=word("crashes", _BOUND, "how many times, such as '== 0'"))

    @property
    def source(self) -> str:
        return f"the engine's word of every node that ended in {self.window}"

    def tells(self, trouble: Trouble, evidence: Evidence) -> bool:
        window = evidence.window(self.window)
        return trouble.kind == "node-died" and window is not None and window.holds(trouble.at_ns)

    def within(self, evidence: Evidence, window: Window) -> Finding:
        died = [one for one in evidence.of(Trouble) if self.tells(one, evidence)]
        more = f"; {len(died) - 1} more ended so" if len(died) > 1 else ""
        return self.finding(
            self.bound.outcome(len(died)),
            died[0].text.rstrip(".") + more if died else "no node ended by itself",
            float(len(died)),
            details=tuple(_told(died, evidence)),
        )


def _told(died: Sequence[Trouble], evidence: Evidence) -> Iterator[tuple[str, str]]:
    """When each node ended, once for all the times that it said the same of it."""
    when: dict[tuple[str, str], list[str]] = {}
    for one in died:
        at = f"{evidence.since_s(one.at_ns):.3f} s"
        when.setdefault((one.node, last_words(one.node, one.at_ns, evidence)), []).append(at)
    for (node, words), instants in when.items():
        yield node, f"at {', '.join(instants)}" + (f": {words}" if words else "")
