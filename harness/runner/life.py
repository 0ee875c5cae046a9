"""What only the engine can do to a node: end its container and start it again, each dated by the engine's own word."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

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
        self._calls: dict[str, Future[None]] = {}  # node -> the last call for it
        self._down: dict[str, str] = {}  # node -> the fault that keeps it down
        # (node, the engine's word that will tell of it) -> (fault, when the engine was asked)
        self._asked: dict[tuple[str, str], tuple[str, int]] = {}

    def kill(self, fault: str, node: str) -> None:
        self._down[node] = fault
        self._ask(fault, node, "die", self._running.kill)

    def start(self, node: str) -> None:
        """Start it if a fault of ours keeps it down."""
        if fault := self._down.pop(node, None):
            self._ask(fault, node, "start", self._running.start)

    def down(self, fault: str | None = None) -> tuple[str, ...]:
        """Nodes that a fault of ours keeps down; one fault's, or all."""
        return tuple(node for node, by in self._down.items() if fault in (None, by))

    def _ask(self, fault: str, node: str, awaited: str, act: Callable[[str], None]) -> None:
        self._asked[node, awaited] = (fault, self._ledger.now_ns())
        before = self._calls.get(node)
        self._calls[node] = self._threads.submit(self._call, before, Refused(fault, node, awaited, ""), act)

    def _call(self, before: Future[None] | None, asked: Refused, act: Callable[[str], None]) -> None:
        """One after the other: a start that overtakes its kill would find the node running, and leave it dead."""
        if before is not None:
            wait((before,))
        try:
            act(asked.node)
        except EngineError as error:
            self._inbox.put(replace(asked, error=str(error)))

    def refused(self, item: Refused) -> None:
        """The engine did not do what it was asked."""
        self._asked.pop((item.node, item.awaited), None)
        self._down.pop(item.node, None)
        self._ledger.failed(item.fault, item.node, item.error)

    def changed(self, node: str, action: str, at_ns: int) -> bool:
        """True if this change of a node's container is one we asked for, or means nothing; False: it died by itself."""
        asked = self._asked.pop((node, action), None)
        if asked is None:
            return action != "die"
        fault, asked_ns = asked
        if action == "die":
            self._ledger.fired(fault, node, asked_ns, at_ns)
        else:
            self._ledger.healed(FaultHealed(self._ledger.now_ns(), fault, node, asked_ns, at_ns, "schedule"))
        return True
