"""Which faults are in force where, as the journal has it. Kept by the deciding thread only."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from harness.recording import events
from harness.recording.folder import Recorder
from harness.runner.watch import Tally


class Ledger:
    """Every instant a fault came into force or was gone, on every node, written down as it becomes known."""

    def __init__(self, recorder: Recorder, tally: Tally, now_ns: Callable[[], int]) -> None:
        self._recorder, self._tally, self.now_ns = recorder, tally, now_ns
        self._open: Counter[tuple[str, str]] = Counter()  # a node may have several parts of one fault
        self.healed_ns: dict[str, int] = {}  # fault -> when the last node that had it lost it
        self.fired_ns: dict[str, int] = {}  # fault -> the earliest instant at which it may have been in force
        self._armed: dict[str, frozenset[str]] = {}

    def armed(self, fault: str, pods: Iterable[str]) -> None:
        """These agents were told to apply it."""
        self._armed[fault] = frozenset(pods)

    def disarm(self, fault: str) -> frozenset[str]:
        """The agents that were told to apply it, once: afterwards nobody has to be told to heal it again."""
        return self._armed.pop(fault, frozenset())

    def open(self, fault: str | None = None) -> tuple[tuple[str, str], ...]:
        """(fault, node) of what is in force now; of one fault, or of all."""
        return tuple(sorted(pair for pair, parts in self._open.items() if parts and fault in (None, pair[0])))

    def fired(self, fault: str, node: str, before_ns: int, after_ns: int) -> None:
        self._open[fault, node] += 1
        self.fired_ns[fault] = min(before_ns, self.fired_ns.get(fault, before_ns))
        self._tally.fired(fault, after_ns)
        self._recorder.event(events.FaultFired(self.now_ns(), fault, node, before_ns, after_ns))

    def healed(self, event: events.FaultHealed) -> None:
        if not self._open[event.fault, event.node]:
            return  # armed and never fired: there was nothing to heal
        self._open[event.fault, event.node] -= 1
        self.healed_ns[event.fault] = max(event.after_ns, self.healed_ns.get(event.fault, 0))
        if not self.open(event.fault):
            self._tally.healed(event.fault)
        self._recorder.event(event)

    def failed(self, fault: str, node: str, text: str) -> None:
        action: Literal["inject", "heal"] = "heal" if self._open[fault, node] else "inject"
        self._recorder.event(events.FaultFailed(self.now_ns(), fault, node, action, text))

    def record(self, event: events.Event, *, sync: bool = False) -> None:
        """Whatever else is known of a fault; ``sync`` as in ``Recorder``."""
        self._recorder.event(event, sync=sync)

    @property
    def folder(self) -> Path:
        """The run's record."""
        return self._recorder.folder
