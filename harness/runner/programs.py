"""The programs in the pods: one agent in every sidecar, one load generator; opened together, heard in one inbox."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from harness.engine import RunningCluster, Stream
from harness.errors import AgentError
from harness.runner.inbox import Inbox
from harness.runner.pulse import Heart
from harness.wire import Message, Stop, decode_from_agent, decode_from_client

LOAD = "load"  # the load generator's name among the programs; the agent of its pod is called after the pod, client


class Programs:
    """Open streams by name: a pod's name for its agent, ``load`` for the generator."""

    def __init__(self, running: RunningCluster, inbox: Inbox, also: Callable[[], None]) -> None:
        self._running, self._inbox = running, inbox
        self._streams: dict[str, Stream] = {}
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

    def names(self) -> frozenset[str]:
        return frozenset(self._streams)

    def agents(self) -> frozenset[str]:
        return self.names() - {LOAD}

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

    def stop(self) -> None:
        """Tell all to end."""
        for name in tuple(self._streams):
            self.send(name, Stop())

    def close(self) -> None:
        """The end of their input, which is the same thing said twice."""
        for stream in self._streams.values():
            stream.close()
