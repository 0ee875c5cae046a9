"""What every node uses, looked at about once a second from threads of their own, so that nobody waits for it."""

import threading
from collections.abc import Callable, Sequence

from harness.clock import monotonic_ns
from harness.engine import RunningCluster
from harness.errors import HarnessError
from harness.recording.events import Used, UseUnseen
from harness.runner.inbox import Inbox, Noted

LOOK_EVERY_S = 1.0
_THREADS = 16


class Look:
    """What was seen, and what could not be seen, goes into the inbox, to be written down.

    The nodes are asked for side by side: an engine counts once a second for all who ask, and until then they wait
    (Docker 20.10). Many nodes share a thread, and are then looked at less often than every second.
    """

    def __init__(self, running: RunningCluster, inbox: Inbox, nodes: Sequence[str], now_ns: Callable[[], int]) -> None:
        self._running, self._inbox, self._now_ns = running, inbox, now_ns
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(tuple(nodes[at::_THREADS]),), name="look", daemon=True)
            for at in range(min(_THREADS, len(nodes)))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Returns at once: what is still under way is waited for by nobody."""
        self._ended.set()

    def _run(self, nodes: Sequence[str]) -> None:
        rest_s = 0.0
        while not self._ended.wait(rest_s):
            began_ns = monotonic_ns()
            for node in nodes:
                seen = self._seen(node)
                if self._ended.is_set():
                    return
                self._inbox.put(Noted(seen))
            rest_s = max(0.0, LOOK_EVERY_S - (monotonic_ns() - began_ns) / 1e9)

    def _seen(self, node: str) -> Used | UseUnseen:
        try:
            use = self._running.use(node)
        except HarnessError as error:
            return UseUnseen(self._now_ns(), node, False, str(error))
        if use is None:
            return UseUnseen(self._now_ns(), node, True, f"{node} does not run")
        return Used(self._now_ns(), node, use.memory_bytes, use.cpu_s, use.processes, use.descriptors)
