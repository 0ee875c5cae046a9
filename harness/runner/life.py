"""What only the engine can do to a node: end its container and start it again, each dated by the engine's own word."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from harness.engine import RunningCluster
from harness.errors import EngineError
from harness.recording.events import FaultHealed
from harness.runner.inbox import Inbox, Refused
from harness.runner.ledger import Ledger


class Life:
    """Kills and starts, one call in flight per node, in threads that only report back."""

    def __init__(self, running: RunningCluster, inbox: Inbox, ledger: Ledger) -> None:
        self._running, self._inbox, self._ledger = running, inbox, ledger
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="engine")
        self._down: dict[str, str] = {}  # node -> the fault that keeps it down
        self._asked: dict[str, tuple[str, int]] = {}  # node -> (fault, when the engine was asked)

    def kill(self, fault: str, node: str) -> None:
        self._down[node] = fault
        self._ask(fault, node, self._running.kill)

    def start(self, node: str) -> None:
        """Start it if a fault of ours keeps it down."""
        if fault := self._down.pop(node, None):
            self._ask(fault, node, self._running.start)

    def down(self, fault: str | None = None) -> tuple[str, ...]:
        """Nodes that a fault of ours keeps down; one fault's, or all."""
        return tuple(node for node, by in self._down.items() if fault in (None, by))

    def _ask(self, fault: str, node: str, act: Callable[[str], None]) -> None:
        self._asked[node] = (fault, self._ledger.now_ns())
        self._threads.submit(self._call, fault, node, act)

    def _call(self, fault: str, node: str, act: Callable[[str], None]) -> None:
        try:
            act(node)
        except EngineError as error:
            self._inbox.put(Refused(fault, node, str(error)))

    def refused(self, item: Refused) -> None:
        """The engine did not do what it was asked."""
        self._asked.pop(item.node, None)
        self._down.pop(item.node, None)
        self._ledger.failed(item.fault, item.node, item.error)

    def changed(self, node: str, action: str, at_ns: int) -> bool:
        """True if this change of a node's container is one we asked for, or means nothing; False: it died by itself."""
        fault, asked_ns = self._asked.get(node, ("", 0))
        if fault and action == "die" and node in self._down:
            del self._asked[node]
            self._ledger.fired(fault, node, asked_ns, at_ns)
        elif fault and action == "start" and node not in self._down:
            del self._asked[node]
            self._ledger.healed(FaultHealed(at_ns, fault, node, asked_ns, at_ns, "schedule"))
        elif action in ("die", "oom"):
            return False
        return True
