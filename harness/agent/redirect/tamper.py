"""The proxy that passes on what it has tampered with: one direction goes through ``Tampering``, the other as it is."""

import asyncio
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from harness.agent.redirect.changes import Change, Picks
from harness.agent.redirect.framing import Framing, Piece, framed
from harness.agent.redirect.service import Service, marked, spawn
from harness.primitives import Tamper
from harness.wire import ECHO_PORT

_ORIGINAL_DST = 80
_IPV6_LEVEL = 41
_IDLE_S = 0.25  # the target had the last word, so long ago: nobody waits for anything on this connection
_LOOK_EVERY_S = 0.05
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a RST


def original_target(connection: Any) -> tuple[str, int]:
    """Where a redirected connection was meant to go. ``OSError`` for one that was not redirected."""
    if connection.family == socket.AF_INET6:
        found = connection.getsockopt(_IPV6_LEVEL, _ORIGINAL_DST, 28)
        return str(ip_address(found[8:24])), int.from_bytes(found[2:4])
    found = connection.getsockopt(socket.SOL_IP, _ORIGINAL_DST, 16)
    return str(ip_address(found[4:8])), int.from_bytes(found[2:4])


class Tampering:
    """One direction of one connection: bytes in, bytes out, and whether the connection ends after them."""

    def __init__(self, service: "Proxy", echo: bool) -> None:
        self._service, self._echo = service, echo
        self._framing = Framing()
        self._before = b""

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        out: list[bytes] = []
        for piece in self._framing.feed(data):
            if piece.kind == "frame":
                out.append(piece.data)
                continue
            body = self._service.tampered(piece, self._before, self._echo)
            self._before = piece.data
            if body is not None and self._service.truncates:  # of what was announced the rest never comes
                return b"".join((*out, framed(piece, body) if piece.kind == "chunked" else body)), True
            out.append(framed(piece, piece.data if body is None else body))
        return b"".join(out), False


class _Side(asyncio.Protocol):
    """One end of a proxied connection: what it receives goes out at the ``other``."""

    def __init__(self, link: "_Link") -> None:
        self._link = link
        self.transport: Any = None  # an asyncio.Transport, as soon as it is connected
        self.tampering: Tampering | None = None
        self.ended = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._link.opened(self)

    def data_received(self, data: bytes) -> None:
        other, ends = self._link.other(self), False
        self._link.heard(self)
        if self.tampering:
            data, ends = self.tampering.feed(data)
        if data:
            other.transport.write(data)
        if ends:
            other.transport.close()
            self.transport.abort()

    def eof_received(self) -> bool:
        """True: the other direction is still open."""
        other, self.ended = self._link.other(self), True
        if other.ended:
            other.transport.close()
        elif other.transport.can_write_eof():
            other.transport.write_eof()
        return not other.ended

    def pause_writing(self) -> None:
        self._link.other(self).transport.pause_reading()

    def resume_writing(self) -> None:
        self._link.other(self).transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._link.lost(self, broken=exc is not None)

    def reset(self) -> None:
        with suppress(OSError):
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()


class _Link:
    """One proxied connection: ``near`` is the program's end, ``far`` the target's."""

    def __init__(self, proxy: "Proxy") -> None:
        self._proxy = proxy
        self._loop = asyncio.get_running_loop()
        self.near, self.far = _Side(self), _Side(self)
        self._last_word = self.far
        self._last_word_s = self._loop.time()

    def other(self, side: _Side) -> _Side:
        return self.far if side is self.near else self.near

    def opened(self, side: _Side) -> None:
        if side is self.near:
            side.transport.pause_reading()  # nothing is read before there is somebody to pass it on to
            self._proxy.dial(self)

    def heard(self, side: _Side) -> None:
        self._last_word, self._last_word_s = side, self._loop.time()

    def idle(self) -> bool:
        return self._last_word is self.far and self._loop.time() - self._last_word_s > _IDLE_S

    def lost(self, side: _Side, *, broken: bool) -> None:
        other = self.other(side)
        if other.transport and broken:
            other.reset()
        elif other.transport:
            other.transport.close()
        if side is self.near:
            self._proxy.links.discard(self)

    def close(self) -> None:
        for side in (self.near, self.far):
            if side.transport:
                side.transport.close()


class Proxy(Service):
    def __init__(self, change: Tamper) -> None:
        super().__init__()
        self._change, self._downstream = Change.of(change), change.stream == "downstream"
        # Our own echoes take no turns of the traffic's: it meets the same changes with and without a witness.
        self._picks = {
            echo: Picks(change.every, change.share, f"{change.seed}/{'echo' if echo else 'traffic'}")
            for echo in (False, True)
        }
        self._tasks: set[asyncio.Task[None]] = set()
        self.truncates = change.how == "truncate"
        self.links: set[_Link] = set()

    async def listen(self, sockets: Sequence[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        for listening in sockets:
            await loop.create_server(lambda: _Link(self).near, sock=listening)
        spawn(self._tasks, loop.create_task(self._close_idle()))

    def busy(self) -> bool:
        return bool(self.links)

    def tampered(self, piece: Piece, before: bytes, echo: bool) -> bytes | None:
        """What goes out in place of a piece of a body; None: as it is."""
        if not self.in_force:
            return None
        picked = self._change.can(piece.data, before) and self._picks[echo].take()
        self.count(len(piece.data), picked, echo)
        if not picked:
            return None
        number = self.echoes if echo else self.changed
        return self._change.make(piece.data, before, number, fixed=piece.kind == "fixed")

    def dial(self, link: _Link) -> None:
        self.links.add(link)
        spawn(self._tasks, asyncio.get_running_loop().create_task(self._dial(link)))

    async def _dial(self, link: _Link) -> None:
        loop = asyncio.get_running_loop()
        accepted = link.near.transport.get_extra_info("socket")
        connection = marked(accepted.family, socket.SOCK_STREAM)
        try:
            target = original_target(accepted)
            await loop.sock_connect(connection, target)
            await loop.create_connection(lambda: link.far, sock=connection)
        except OSError:
            connection.close()
            link.near.reset()
            return
        tampered = link.far if self._downstream else link.near
        tampered.tampering = Tampering(self, target[1] == ECHO_PORT)
        if link.near.transport.is_closing():
            link.close()
        link.near.transport.resume_reading()

    async def _close_idle(self) -> None:
        """Once it is over, so that connections go their own way again; one that is in use is left to its end."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            if not self.in_force:
                for link in [link for link in self.links if link.idle()]:
                    link.close()
