"""A lasting connection to one of several NATS servers: opened again, wherever it can be, as often as it ends."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from harness.client import nats_text
from harness.client.connection import BUFFER, outcome_of
from harness.client.target import Target
from harness.operations import Outcome

_OPEN_S = 2.0  # until a server that took the connection has said who it is
_AGAIN_S = 0.25  # between the end of a connection and the next try
_SILENT_PINGS = 2  # so many without anything that comes, and the server is taken for gone


class User(Protocol):
    """Whose connection it is."""

    def up(self) -> None:
        """It stands, and its subscriptions are known to the server."""

    def came(self, message: nats_text.Message) -> None:
        """A message for one of its subscriptions."""

    def down(self, outcome: Outcome, text: str) -> None:
        """It has ended, or could not be opened."""


class Link:
    """``subjects``: what is subscribed to, on every connection anew. ``ping_s``: between two questions after life."""

    def __init__(self, targets: Sequence[Target], subjects: Sequence[str], ping_s: float, user: User) -> None:
        self._targets = deque(targets)
        self._subjects = tuple(subjects)
        self._ping_s = ping_s
        self._user = user
        self._wire: _Wire | None = None
        self._task = asyncio.get_running_loop().create_task(self._keep())

    @property
    def up(self) -> bool:
        return self._wire is not None and self._wire.stands

    def send(self, data: bytes) -> None:
        """Only while it is up."""
        assert self._wire is not None
        self._wire.write(data)

    def ping(self, answered: Callable[[], object]) -> None:
        """``answered``: when the server has done all that was sent before; only while it is up."""
        assert self._wire is not None
        self._wire.ping(answered)

    def elsewhere(self) -> None:
        """To the next server, from now on."""
        self._targets.rotate(-1)
        if self._wire:
            self._wire.end(Outcome.TIMED_OUT, "nothing came from it")

    def close(self) -> None:
        self._task.cancel()
        if self._wire:
            self._wire.abort()

    async def _keep(self) -> None:
        while True:
            self._user.down(*await self._once(self._targets[0]))
            await asyncio.sleep(_AGAIN_S)

    async def _once(self, target: Target) -> tuple[Outcome, str]:
        """One connection from its first packet to its end: how it ended, and why."""
        address = await target.address()
        if isinstance(address, OSError):
            self._targets.rotate(-1)
            return outcome_of(address), str(address)
        wire = _Wire(self._subjects, self._ping_s, self._user)
        try:
            async with asyncio.timeout(_OPEN_S):
                await asyncio.get_running_loop().create_connection(lambda: wire, address, target.port)
                self._wire = wire
                await asyncio.wait((wire.shaken,))
            return await wire.ended
        except TimeoutError:
            return Outcome.TIMED_OUT, f"{target.host} did not take the connection in {_OPEN_S:g} s"
        except OSError as error:
            return outcome_of(error), str(error)
        finally:
            wire.abort()
            if not wire.greeted:
                target.doubt()
                self._targets.rotate(-1)
            self._wire = None


class _Wire(asyncio.BufferedProtocol):
    """One connection. ``shaken``: the handshake is over, well or not; ``ended``: how it ended, and why."""

    def __init__(self, subjects: Sequence[str], ping_s: float, user: User) -> None:
        loop = asyncio.get_running_loop()
        self.shaken: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[tuple[Outcome, str]] = loop.create_future()
        self.greeted = False
        self._subjects = subjects
        self._ping_s = ping_s
        self._user = user
        self._reader = nats_text.Reader()
        self._transport: asyncio.Transport | None = None
        self._pinged: deque[Callable[[], object]] = deque()
        self._silent = 0
        self._beat: asyncio.TimerHandle | None = None

    @property
    def stands(self) -> bool:
        """False from the moment its end was seen, which is earlier than ``connection_lost``."""
        return self.greeted and self._transport is not None and not self._transport.is_closing()

    def write(self, data: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(data)

    def ping(self, answered: Callable[[], object]) -> None:
        self._pinged.append(answered)
        self.write(nats_text.PING)

    def end(self, outcome: Outcome, text: str) -> None:
        if not self.ended.done():
            self.ended.set_result((outcome, text))
        if not self.shaken.done():
            self.shaken.set_result(None)
        self.abort()

    def abort(self) -> None:
        if self._beat:
            self._beat.cancel()
        if self._transport:
            self._transport.abort()

    def _greet(self) -> None:
        if self.ended.done():
            return
        self.greeted = True
        self.shaken.set_result(None)
        self._beat = asyncio.get_running_loop().call_later(self._ping_s, self._ask_after)
        self._user.up()

    def _ask_after(self) -> None:
        if self._silent >= _SILENT_PINGS:
            self.end(Outcome.TIMED_OUT, f"nothing came for {self._silent} pings of {self._ping_s:g} s")
            return
        self._silent += 1
        self.ping(_nothing)
        self._beat = asyncio.get_running_loop().call_later(self._ping_s, self._ask_after)

    def _take(self, one: nats_text.Said | nats_text.Message) -> None:
        if isinstance(one, nats_text.Message):
            self._user.came(one)
        elif one.verb == "PING":
            self.write(nats_text.PONG)
        elif one.verb == "PONG":
            if self._pinged:
                self._pinged.popleft()()
        elif one.verb == "-ERR":
            self.end(Outcome.SERVER_ERROR, one.text)
        elif one.verb == "INFO" and not self.greeted and not self._pinged:
            numbered = enumerate(self._subjects, 1)
            self.write(nats_text.connect() + b"".join(nats_text.subscribe(one, i) for i, one in numbered))
            self.ping(self._greet)

    # --- what asyncio calls -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        self._silent = 0
        try:
            for one in self._reader.feed(bytes(BUFFER[:nbytes])):
                if self.ended.done():
                    return
                self._take(one)
        except nats_text.NatsError as error:
            self.end(Outcome.WRONG, str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if isinstance(exc, OSError):
            self.end(outcome_of(exc), str(exc))
        else:
            self.end(Outcome.CLOSED, "the server closed the connection")


def _nothing() -> None:
    """Whoever asked after life wants nothing else."""
