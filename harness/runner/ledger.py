"""Which faults are in force where, as the journal has it. Kept by the deciding thread only."""

from collections.abc import Callable, Iterable
from typing import Literal

from harness.recording import events
from harness.recording.folder import Recorder
from harness.runner.watch import Tally


class Ledger:
    """Every instant a fault came into force or was gone, on every node, written down as it becomes known."""

    def __init__(self, recorder: Recorder, tally: Tally, now_ns: Callable[[], int]) -> None:
        self._recorder, self._tally, self.now_ns = recorder, tally, now_ns
        self._open: set[tuple[str, str]] = set()
        self.healed_ns: dict[str, int] = {}  # fault -> when the last node that had it lost it
        self._armed: dict[str, frozenset[str]] = {}

    def armed(self, fault: str, pods: Iterable[str]) -> None:
        """These agents were told to apply it."""
        self._armed[fault] = frozenset(pods)

    def disarm(self, fault: str) -> frozenset[str]:
        """The agents that were told to apply it, once: afterwards nobody has to be told to heal it again."""
        return self._armed.pop(fault, frozenset())

    def open(self, fault: str | None = None) -> tuple[tuple[str, str], ...]:
        """(fault, node) of what is in force now; of one fault, or of all."""
        return tuple(sorted(pair for pair in self._open if fault in (None, pair[0])))

    def fired(self, fault: str, node: str, before_ns: int, after_ns: int) -> None:
        self._open.add((fault, node))
        self._tally.fired(fault, after_ns)
        self._recorder.event(events.FaultFired(self.now_ns(), fault, node, before_ns, after_ns))

    def healed(self, event: events.FaultHealed) -> None:
        if (event.fault, event.node) not in self._open:
            return  # armed and never fired: there was nothing to heal
        self._open.discard((event.fault, event.node))
        self.healed_ns[event.fault] = max(event.after_ns, self.healed_ns.get(event.fault, 0))
        if not self.open(event.fault):
            self._tally.healed(event.fault)
        self._recorder.event(event)

    def failed(self, fault: str, node: str, text: str) -> None:
        action: Literal["inject", "heal"] = "heal" if (fault, node) in self._open else "inject"
        self._recorder.event(events.FaultFailed(self.now_ns(), fault, node, action, text))
