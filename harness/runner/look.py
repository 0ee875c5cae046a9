"""What every node uses, and what is left of the machine, looked at about once a second from threads of their own."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial

from harness.clock import monotonic_ns
from harness.engine import RunningCluster
from harness.errors import HarnessError
from harness.recording.events import Shared, Used, UseUnseen
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
        turns = [partial(self._nodes, tuple(nodes[at::_THREADS])) for at in range(min(_THREADS, len(nodes)))]
        self._threads = [
            threading.Thread(target=self._run, args=(turn,), name="look", daemon=True)
            for turn in (*turns, self._machine)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Returns at once: what is still under way is waited for by nobody."""
        self._ended.set()

    def _run(self, turn: Callable[[], Iterator[Used | UseUnseen | Shared]]) -> None:
        rest_s = 0.0
        while not self._ended.wait(rest_s):
            began_ns = monotonic_ns()
            for seen in turn():
                if self._ended.is_set():
                    return
                self._inbox.put(Noted(seen))
            rest_s = max(0.0, LOOK_EVERY_S - (monotonic_ns() - began_ns) / 1e9)

    def _nodes(self, nodes: Sequence[str]) -> Iterator[Used | UseUnseen]:
        return map(self._seen, nodes)

    def _seen(self, node: str) -> Used | UseUnseen:
        try:
            use = self._running.use(node)
        except HarnessError as error:
            return UseUnseen(self._now_ns(), node, False, str(error))
        if use is None:
            return UseUnseen(self._now_ns(), node, True, f"{node} does not run")
        return Used(self._now_ns(), node, use.memory_bytes, use.cpu_s, use.processes, use.descriptors)

    def _machine(self) -> Iterator[Shared]:
        """A look that fails is made good by the next: what it says is said of all the time since the last."""
        with suppress(HarnessError):
            if shares := self._running.shares():
                yield Shared(self._now_ns(), **asdict(shares))
