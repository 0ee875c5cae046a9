"""The heartbeat, from a thread of its own, and what its answers say of the pods' clocks."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from harness.clock import monotonic_ns
from harness.engine import Stream
from harness.errors import AgentError
from harness.wire import HEARTBEAT_S, Heartbeat, Pulse


@dataclass(frozen=True, slots=True)
class Offset:
    """A pod's clock minus ours, and the bound on that: half the quickest round trip that was seen."""

    offset_ns: int
    error_ns: int


class Heart:
    """Sends a heartbeat to every program twice a second, and to whoever else must know that we live.

    It beats from before the first container to after the last: the guardian takes silence for death at any time.
    """

    def __init__(self, also: Callable[[], None]) -> None:
        self._streams: dict[str, Stream] = {}
        self._sent_ns: dict[int, int] = {}
        self._best: dict[str, Offset] = {}
        self._also = also
        self._ended = threading.Event()
        self._number = 0
        self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def add(self, streams: Mapping[str, Stream]) -> None:
        self._streams = {**self._streams, **streams}

    def drop(self, name: str) -> None:
        """That program has ended."""
        self._streams = {other: stream for other, stream in self._streams.items() if other != name}

    def stop(self) -> None:
        self._ended.set()

    def heard(self, pod: str, pulse: Pulse, at_ns: int) -> None:
        """A pulse came back. Called by the deciding thread."""
        sent_ns = self._sent_ns.get(pulse.number)
        if sent_ns is None:
            return
        seen = Offset(pulse.now_ns - (sent_ns + at_ns) // 2, (at_ns - sent_ns) // 2)
        known = self._best.get(pod)
        if known is None or seen.error_ns < known.error_ns:
            self._best[pod] = seen

    def offsets(self) -> Mapping[str, Offset]:
        """The best seen of each pod since this was last asked."""
        best, self._best = self._best, {}
        return best

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_S):
            self._also()
            # One number for each stream: a slow one must not make the others' round trips look longer.
            for stream in self._each():
                self._number += 1
                self._sent_ns[self._number] = monotonic_ns()
                self._sent_ns.pop(self._number - 4096, None)
                try:
                    stream.send(Heartbeat(self._number))
                except AgentError:
                    continue  # its reader says so, and the deciding thread acts on that

    def _each(self) -> Iterable[Stream]:
        return tuple(self._streams.values())
