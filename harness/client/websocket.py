"""Messages over a WebSocket (RFC 6455): one is sent, and the next that comes, or those up to a last one, answer it."""

import base64
import hashlib
import os
import re
from asyncio import BaseTransport
from collections.abc import Callable
from dataclasses import dataclass

from harness.client.asking import BEGINNING, Answer, Page, Straight, by_digit, not_answered
from harness.client.connection import Connection, Opening
from harness.client.exchange import Exchange
from harness.client.frames import FrameError, Message, Opcode, Reader, frame
from harness.client.options import Options
from harness.client.turns import InTurn
from harness.operations import Outcome

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
_SWITCHED = 101
_NORMAL = (1000).to_bytes(2, "big")  # RFC 6455, 7.4.1
_HEAD_MAX_BYTES = 1 << 16
_ACCEPT = re.compile(rb"\r\nsec-websocket-accept:[ \t]*(\S+)[ \t]*(?=\r\n)", re.IGNORECASE)
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})(?: |\r|$)")


def accept_of(key: bytes) -> bytes:
    """What a server must answer to that key (RFC 6455, 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


@dataclass(frozen=True, slots=True)
class Said:
    """One text message, and what must be in the one that comes back."""

    text: str
    expect: bytes

    def request(self, host: str, port: int, keep: bool) -> bytes:
        # The mask keeps proxies from taking a message for a request; the same one for all does that as well here,
        # where nobody else chooses what we send.
        return frame(Opcode.TEXT, self.text.encode(), os.urandom(4))

    def answer(self) -> Answer:
        return Page(_SWITCHED, self.expect)


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ends: with a message that has ``last`` in it (the first that comes, where that is empty), or with
    one that has ``error`` in it, which says that there is none."""

    last: bytes = b""
    error: bytes = b""

    def told(self, message: bytes) -> bool:
        return self.error != b"" and self.error in message


@dataclass(frozen=True, slots=True)
class WebsocketOpening:
    """Where the handshake goes, and what it calls the host; ``ending``: of every answer."""

    host: str
    port: int
    path: str
    ending: Ending = Ending()

    def __call__(
        self, when_free: Callable[[Connection], None], when_lost: Callable[[Connection], None]
    ) -> "WebsocketConnection":
        return WebsocketConnection(self, when_free, when_lost)

    def handshake(self, key: bytes) -> bytes:
        host = f"[{self.host}]" if ":" in self.host else self.host
        lines = [f"GET {self.path} HTTP/1.1", f"Host: {host}:{self.port}", "Upgrade: websocket", "Connection: Upgrade"]
        return "\r\n".join([*lines, f"Sec-WebSocket-Key: {key.decode()}", "Sec-WebSocket-Version: 13", "", ""]).encode()


class WebsocketConnection(Connection):
    """The first question waits for the handshake; messages that come while nobody waits are passed over."""

    def __init__(
        self,
        opening: WebsocketOpening,
        when_free: Callable[[Connection], None],
        when_lost: Callable[[Connection], None],
    ) -> None:
        super().__init__(when_free, when_lost)
        self._key = base64.b64encode(os.urandom(16))
        self._handshake = opening.handshake(self._key)
        self._ending = opening.ending
        self._head = b""
        self._switched = False
        self._frames = Reader()

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        assert self._transport is not None
        self._transport.write(self._handshake)

    def ask(self, exchange: Exchange) -> None:
        if self._switched:
            super().ask(exchange)
            return
        self._begin()
        self._exchange = exchange
        exchange.abandon = self.abort

    def close(self) -> None:
        """With a goodbye, so that no server takes it for an accident."""
        if self._switched and self.stands and self._kept and self._transport:
            self._kept = False
            self._transport.write(frame(Opcode.CLOSE, _NORMAL, os.urandom(4)))
        super().close()

    def _unasked(self, data: memoryview) -> None:
        if not self._switched:
            self.abort()
            return
        try:
            for message in self._frames.feed(bytes(data)):
                self._control(message)
        except FrameError:
            self.abort()

    def _read(self, exchange: Exchange, data: memoryview) -> None:
        came = bytes(data)
        if not self._switched:
            came = self._shake(exchange, came)
        if not came:
            return
        try:
            for message in self._frames.feed(came):
                self._message(exchange, message)
        except FrameError as error:
            if exchange.ended:
                self.abort()
            else:
                self._refuse(exchange, f"the answer is not a WebSocket's: {error}")

    def _shake(self, exchange: Exchange, came: bytes) -> bytes:
        """The handshake's answer, piece by piece; when it is whole the question goes out. What came after it."""
        self._head += came
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if not end:
            if len(self._head) > _HEAD_MAX_BYTES:
                self._refuse(exchange, "the handshake's answer has no end")
            return b""
        status = _STATUS.match(head)
        exchange.status = int(status[1]) if status else 0
        if exchange.status != _SWITCHED:
            self._exchange = None
            text = head[:BEGINNING].decode("utf-8", "replace")
            outcome, node, text = not_answered(exchange.status, f"no WebSocket: {text}")
            exchange.end(outcome, text, node)
            self.abort()
            return b""
        if accept_of(self._key) not in _ACCEPT.findall(head + b"\r\n"):
            self._refuse(exchange, "the handshake was answered for another connection than this")
            return b""
        self._switched = True
        self._head = b""
        super().ask(exchange)
        return rest

    def _message(self, exchange: Exchange, message: Message) -> None:
        if message.opcode >= Opcode.CLOSE:
            self._control(message)
            return
        if exchange.ended or not self._kept:
            return  # one that nobody asked for came with the answer, or after the server's goodbye
        exchange.status = _SWITCHED
        exchange.size_bytes += len(message.data)
        exchange.answer.feed(message.data)
        if self._ending.told(message.data):
            self._exchange = None
            exchange.end(Outcome.SERVER_ERROR, message.data[:BEGINNING].decode("utf-8", "replace"))
            self.abort()  # what still comes of that answer must not be taken for the next one's
        elif self._ending.last in message.data:
            self._judge(exchange)

    def _control(self, message: Message) -> None:
        """RFC 6455, 5.5: a ping is answered with its own data, a close with a close."""
        if self._transport is None or message.opcode not in (Opcode.PING, Opcode.CLOSE) or not self._kept:
            return
        self._kept = message.opcode is Opcode.PING
        self._transport.write(frame(Opcode.PONG if self._kept else Opcode.CLOSE, message.data, os.urandom(4)))
        if not self._kept:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        exchange = self._exchange
        if exchange is not None and not self._kept and exc is None:
            exchange.end(Outcome.CLOSED, "the WebSocket was closed without an answer")
        super().connection_lost(exc)


class Websocket(InTurn, Straight):
    """``send`` and ``expect`` may have ``{digit}`` in them, which counts from 0 to 9."""

    def __init__(self, options: Options, seed: int) -> None:
        self._path = options.text("path", "/")
        self._send = options.text("send", "hello {digit}")
        self._expect = options.text("expect", "")
        self._ending = Ending(options.text("until", "").encode(), options.text("error", "").encode())
        if not re.fullmatch(r"/[!-~]*", self._path):
            raise options.wrong("path", f"is '{self._path}': write an absolute path without spaces, such as /chat")

    def questions(self) -> tuple[Said, ...]:
        return tuple(Said(send, expect.encode()) for send, expect in by_digit(self._send, self._expect))

    def opening(self, host: str, port: int) -> Opening:
        return WebsocketOpening(host, port, self._path, self._ending)
