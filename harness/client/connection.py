"""Connections to one target: one exchange at a time on each, kept in a pool or fresh for each.

Nothing is ever asked twice: what goes wrong is told as it was seen, also when an idle connection turns out to be dead.
"""

import asyncio
import errno
import gc
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable

from harness.client.exchange import Exchange
from harness.client.target import Target
from harness.operations import Outcome

# asyncio's transports are rings that only a collection frees, and a load runs without: one for so many costs 1 ms.
_COLLECT_AFTER = 256
# One buffer for all: the event loop fills it and calls ``buffer_updated`` before it reads from another connection.
BUFFER = memoryview(bytearray(256 << 10))
_OURS = (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM)


def outcome_of(error: OSError) -> Outcome:
    """What a failed connection means. Out of our own descriptors or ports is CAPPED: nothing was asked."""
    if isinstance(error, ConnectionRefusedError):
        return Outcome.REFUSED
    if isinstance(error, TimeoutError):
        return Outcome.TIMED_OUT
    if isinstance(error, ConnectionError):
        return Outcome.RESET
    if error.errno in _OURS and not isinstance(error, socket.gaierror):
        return Outcome.CAPPED
    return Outcome.UNREACHABLE


class Connection(asyncio.BufferedProtocol, ABC):
    """``when_free``: the answer was whole and the connection can be used again. ``when_lost``: it has ended.

    One class for each way in which an answer's bytes say where it ends.
    """

    def __init__(self, when_free: Callable[["Connection"], None], when_lost: Callable[["Connection"], None]) -> None:
        self._when_free = when_free
        self._when_lost = when_lost
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._answered = False
        self._kept = True  # may another question follow a whole answer?
        self.unasked = False  # did something come that nobody had asked for?

    @abstractmethod
    def _read(self, exchange: Exchange, data: memoryview) -> None:
        """Bytes came while ``exchange`` is open, good until this returns. ``_judge`` when the answer is whole."""

    def _begin(self) -> None:
        """A new exchange begins."""
        self._answered = False

    def _unasked(self, data: memoryview) -> None:
        """Nobody asked: what comes next on this connection could be anyone's answer."""
        self.unasked = True
        self.abort()

    def _ended_by_closing(self) -> bool:
        """The other side has closed in the middle of an answer: is that how such an answer ends?"""
        return False

    @property
    def stands(self) -> bool:
        """False from the moment its end was seen, which is earlier than ``connection_lost``."""
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, exchange: Exchange) -> None:
        assert self._transport is not None
        self._begin()
        self._exchange = exchange
        exchange.abandon = self.abort
        exchange.written = True
        self._transport.write(exchange.request)

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def drop(self) -> None:
        """End it, and tell nobody how its exchange ended."""
        self._exchange = None
        self.abort()

    def abort(self) -> None:
        if self._transport:
            self._transport.abort()

    def _judge(self, exchange: Exchange) -> None:
        self._exchange = None
        outcome, node, text = exchange.answer.judge(exchange.status)
        exchange.end(outcome, text, node)
        if self._kept and self.stands:
            self._when_free(self)
        else:
            self.close()

    def _refuse(self, exchange: Exchange, text: str) -> None:
        """What came is no answer at all, and nothing after it can be one."""
        self._exchange = None
        exchange.end(Outcome.WRONG, text)
        self.abort()

    # --- what asyncio calls -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        exchange = self._exchange
        if exchange is None:
            self._unasked(BUFFER[:nbytes])
            return
        self._answered = True
        self._read(exchange, BUFFER[:nbytes])

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._when_lost(self)
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            return
        if isinstance(exc, OSError):
            exchange.end(outcome_of(exc), str(exc))
        elif not self._answered:
            exchange.end(Outcome.CLOSED, "the connection was closed without an answer")
        elif self._ended_by_closing():
            self._judge(exchange)
        else:
            exchange.end(Outcome.TRUNCATED, f"the connection was closed after {exchange.size_bytes} bytes of the body")


Opening = Callable[[Callable[[Connection], None], Callable[[Connection], None]], Connection]


class Pool:
    """Connections to one target: the last one freed is the next one used, and a new one is opened when none is idle."""

    def __init__(self, target: Target, keep: bool, opening: Opening) -> None:
        self._target = target
        self._keep = keep
        self._opening_as = opening
        self._idle: list[Connection] = []
        self._connections: set[Connection] = set()
        self._lost_since = 0
        self.unasked = 0  # connections on which something came that nobody had asked for
        self._opening: set[asyncio.Task[None]] = set()

    def ask(self, exchange: Exchange) -> None:
        """Send it now, or as soon as a connection stands. Every end of it is told by ``exchange``."""
        while self._idle:
            connection = self._idle.pop()
            if connection.stands:
                connection.ask(exchange)
                return
        task = asyncio.get_running_loop().create_task(self._open(exchange))
        exchange.abandon = task.cancel
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def close(self) -> None:
        """Every connection ends; exchanges in flight are forgotten."""
        for task in self._opening:
            task.cancel()
        for connection in self._connections:
            connection.drop()

    async def _open(self, exchange: Exchange) -> None:
        address = await self._target.address()
        if isinstance(address, OSError):
            exchange.end(outcome_of(address), str(address))
            return
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: self._opening_as(self._free, self._lost), address, self._target.port
            )
        except OSError as error:
            self._target.doubt()
            exchange.end(outcome_of(error), str(error))
            return
        except asyncio.CancelledError:
            self._target.doubt()  # a connection that does not come may be looked for where its host no longer is
            raise
        self._connections.add(connection)
        connection.ask(exchange)

    def _free(self, connection: Connection) -> None:
        if self._keep:
            self._idle.append(connection)
        else:
            connection.close()

    def _lost(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self.unasked += connection.unasked
        self._lost_since += 1
        if self._lost_since >= max(_COLLECT_AFTER, len(self._connections)):
            self._lost_since = 0
            gc.collect()
        if connection in self._idle:
            self._idle.remove(connection)
