"""The programs in the pods: one agent in every sidecar, one load generator; opened together, heard in one inbox.

Beside them come and go the agents beside a node, one for each fault and node that need one.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from harness.engine import RunningCluster, Stream
from harness.errors import AgentError, HarnessError
from harness.primitives import Beside
from harness.runner.inbox import Gone, Inbox, Opened
from harness.runner.pulse import Heart
from harness.wire import Arm, Message, Stop, decode_from_agent, decode_from_client

LOAD = "load"  # the load generator's name among the programs; the agent of its pod is called after the pod, client


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an agent beside a node works, and for which fault."""

    fault: str
    node: str

    @property
    def name(self) -> str:
        return f"{self.fault} beside {self.node}"


class Programs:
    """Open streams by name: a pod's name for its agent, ``load`` for the generator, a ``Spot``'s beside a node."""

    def __init__(self, running: RunningCluster, inbox: Inbox, also: Callable[[], None]) -> None:
        self._running, self._inbox = running, inbox
        self._streams: dict[str, Stream] = {}
        self._spots: dict[str, Spot] = {}
        self._closed: set[str] = set()
        self._openers = ThreadPoolExecutor(4, thread_name_prefix="beside")
        self.heart = Heart(also)

    def open(self, pods: Iterable[str]) -> None:
        """Start every agent and the generator at once; raises ``AgentError`` if one cannot be started."""
        with ThreadPoolExecutor(8) as pool:
            agents = {pod: pool.submit(self._running.open_agent, pod) for pod in pods}
            load = pool.submit(self._running.open_client)
        self._streams = {pod: future.result() for pod, future in agents.items()}
        for pod, stream in self._streams.items():
            self._inbox.read(pod, stream, decode_from_agent)
        self._streams[LOAD] = load.result()
        self._inbox.read(LOAD, self._streams[LOAD], decode_from_client)
        self.heart.add(self._streams)

    def old(self, name: str, stream: Stream | None) -> bool:
        """Is it the stream of a program in whose place another one is, or will be? What it says is about nothing."""
        return stream is not None and self._streams.get(name) is not stream

    def replace(self, pod: str, stream: Stream) -> None:
        """The agent of a pod whose sidecar is another one now."""
        self._streams[pod] = stream
        self._inbox.read(pod, stream, decode_from_agent)
        self.heart.add({pod: stream})

    def open_beside(self, spot: Spot, order: Arm) -> None:
        """Start an agent beside a node; once it is there it gets ``order``. What became of it is in the inbox."""
        self._spots[spot.name] = spot
        self._closed.discard(spot.name)  # a fault of that name may have been here before
        self._openers.submit(self._open_beside, spot, order)

    def _open_beside(self, spot: Spot, order: Arm) -> None:
        needs = [primitive for primitive in order.primitives if isinstance(primitive, Beside)]
        try:
            self._inbox.put(Opened(spot.name, self._running.open_beside(spot.node, spot.fault, needs), order))
        except HarnessError as error:
            self._inbox.put(Gone(spot.name, str(error)))

    def opened(self, item: Opened) -> None:
        """It is there: it is heard from now on, and told what it is for."""
        self._streams[item.name] = item.stream
        self._inbox.read(item.name, item.stream, decode_from_agent)
        self.heart.add({item.name: item.stream})
        self.send(item.name, item.order)

    def close_beside(self, spot: Spot) -> None:
        """Its fault is over: tell it to end, and remove its container, whatever it does."""
        self._closed.add(spot.name)
        self.send(spot.name, Stop())
        self._openers.submit(self._running.close_beside, spot.node, spot.fault)

    def closed(self, spot: Spot) -> bool:
        """Its end is our own doing."""
        return spot.name in self._closed

    def spot(self, name: str) -> Spot | None:
        """The spot of an agent beside a node; None for any other program."""
        return self._spots.get(name)

    def names(self) -> frozenset[str]:
        return frozenset(self._streams)

    def agents(self) -> frozenset[str]:
        return self.names() - {LOAD}

    def pods(self) -> frozenset[str]:
        """The agents in sidecars."""
        return self.agents() - {*self._spots}

    def send(self, name: str, message: Message) -> None:
        """To one program; one that is gone has said so in the inbox, so nothing more is said here."""
        stream = self._streams.get(name)
        if stream is None:
            return
        try:
            stream.send(message)
        except AgentError:
            return

    def lost(self, name: str) -> None:
        self._streams.pop(name, None)
        self.heart.drop(name)

    def stop(self) -> None:
        """Tell all to end."""
        for name in tuple(self._streams):
            self.send(name, Stop())

    def close(self) -> None:
        """The end of their input, which is the same thing said twice."""
        for stream in self._streams.values():
            stream.close()
