"""The witness of a limit: what the kernel counts in a node's control groups, read before, during and after."""

import threading
from collections.abc import Callable, Iterator

from harness.engine import RunningCluster, Usage
from harness.errors import EngineError
from harness.recording.events import Read
from harness.wire import When

LOOK_EVERY_S = 0.5


class Counters:
    """Reads one node's counters for one fault and puts them down, in whatever thread asks."""

    def __init__(self, running: RunningCluster, fault: str, node: str, now_ns: Callable[[], int]) -> None:
        self._running, self._fault, self._node, self._now_ns = running, fault, node, now_ns

    def read(self, when: When) -> Iterator[Read]:
        """One look; nothing where there is none to be had (the node is down): what was not seen is not written."""
        try:
            usage = self._running.usage(self._node)
        except EngineError:
            return
        read_ns = self._now_ns()
        for name in Usage.__slots__:
            yield Read(read_ns, self._node, self._fault, when, name, float(getattr(usage, name)), read_ns)

    def follow(self, put: Callable[[Read], None], until: threading.Event) -> None:
        """Read on in a thread of its own until told to end."""
        threading.Thread(target=self._follow, args=(put, until), name=f"read-{self._node}", daemon=True).start()

    def _follow(self, put: Callable[[Read], None], until: threading.Event) -> None:
        while not until.wait(LOOK_EVERY_S):
            seen = tuple(self.read("during"))
            if until.is_set():
                return  # it may have been taken back before this was read
            for event in seen:
                put(event)
