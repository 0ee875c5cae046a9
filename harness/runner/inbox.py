"""Everything the deciding thread hears, in one queue, each with the instant at which it was heard."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from harness.clock import monotonic_ns
from harness.engine import Change, RunningCluster, Stream
from harness.errors import AgentError, HarnessError, WireError
from harness.primitives import EnginePrimitive
from harness.recording.events import Event
from harness.wire import Arm, FromAgent, FromClient


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the program in ``pod``, from that ``stream``; ``at_ns`` on our own clock."""

    pod: str
    message: FromAgent | FromClient
    at_ns: int
    stream: Stream


@dataclass(frozen=True, slots=True)
class Gone:
    """A program's stream ended, or never began (None).

    ``text``: what it said last on its standard error, or that it said nothing.
    """

    pod: str
    text: str
    stream: Stream | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """An agent beside a node was started. ``order``: what it is there for."""

    name: str
    stream: Stream
    order: Arm


@dataclass(frozen=True, slots=True)
class Changed:
    change: Change
    at_ns: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A deed of ours failed. ``undoing``: it was to be taken back; ``left``: a part of it may still be there."""

    fault: str
    node: str
    primitive: EnginePrimitive
    undoing: bool
    left: bool
    error: str


@dataclass(frozen=True, slots=True)
class Did:
    """A deed was done, or ``undone``, between two instants; ``told``: the engine says so too, in a word of its own."""

    fault: str
    primitive: EnginePrimitive
    undone: bool
    told: bool
    before_ns: int
    after_ns: int


@dataclass(frozen=True, slots=True)
class Noted:
    """A line for the journal; whoever put it here waits until it is ``written`` and synced, where there is that."""

    event: Event
    written: threading.Event | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """Somebody asked us to stop: a signal's name."""

    signal: str


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody who plays by hand asks for a deed; it must not wait for anything that is heard."""

    deed: Callable[[], None]


Item = Heard | Opened | Gone | Changed | Refused | Did | Noted | Stopped | Call


class Inbox:
    """Fed by reader threads, emptied by one. ``stopped_by``: the signal, once somebody asked us to stop."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self.stopped_by: str | None = None

    def put(self, item: Item) -> None:
        if isinstance(item, Stopped):
            self.stopped_by = item.signal
        self._queue.put(item)

    def next(self, timeout_s: float) -> Item | None:
        try:
            return self._queue.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return None

    def read(self, pod: str, stream: Stream, decode: Callable[[bytes], FromAgent | FromClient]) -> None:
        """Start a thread that reads one program until it ends."""
        self._thread(f"read-{pod}", lambda: self._read(pod, stream, decode))

    def watch(self, cluster: RunningCluster) -> None:
        """Start a thread that reads the engine's events."""
        self._thread("read-engine", lambda: self._watch(cluster))

    def _read(self, pod: str, stream: Stream, decode: Callable[[bytes], FromAgent | FromClient]) -> None:
        text = "it ended without a word"
        try:
            for line in stream.lines():
                self.put(Heard(pod, decode(line), monotonic_ns(), stream))
        except (AgentError, WireError) as error:
            text = str(error)
        self.put(Gone(pod, text, stream))

    def _watch(self, cluster: RunningCluster) -> None:
        try:
            for change in cluster.changes():
                self.put(Changed(change, monotonic_ns()))
        except HarnessError:
            return  # the engine is gone: the streams say so as well, and they are what a run depends on

    @staticmethod
    def _thread(name: str, target: Callable[[], None]) -> None:
        threading.Thread(target=target, name=name, daemon=True).start()
