"""Whether nodes end by themselves."""

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
            details=tuple(_told(one, evidence) for one in died),
        )


def _told(died: Trouble, evidence: Evidence) -> tuple[str, str]:
    words = last_words(died.node, died.at_ns, evidence)
    return died.node, f"at {evidence.since_s(died.at_ns):.3f} s" + (f", its last words: {words}" if words else "")
