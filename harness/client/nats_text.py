"""The text protocol of NATS: what a client writes, and what comes from a server, cut where its pieces end.

https://docs.nats.io/reference/reference-protocols/nats-protocol
"""

from collections.abc import Iterator
from typing import NamedTuple

PING, PONG = b"PING\r\n", b"PONG\r\n"
_END = b"\r\n"
_LINE_MAX_BYTES = 64 << 10
_PAYLOAD_MAX_BYTES = 64 << 20
_SAYS = (b"INFO", b"PING", b"PONG", b"+OK", b"-ERR")
# Answers to what nobody listens for come at once, as a status in a header.
_CONNECT = (
    b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"lang":"python","version":"1"}'
)


class NatsError(ValueError):
    """What came is not what a NATS server says: half a sentence. Nothing after it can be told apart."""


class Said(NamedTuple):
    """``verb``: INFO, PING, PONG, +OK or -ERR; ``text``: what stands after it."""

    verb: str
    text: str


class Message(NamedTuple):
    """``reply``: where an answer to it goes, or "". ``status``: of one by the server itself, such as 503; else 0."""

    subject: str
    reply: str
    status: int
    data: bytes


class _Head(NamedTuple):
    """The line before a message. ``headers_bytes``: how much of ``whole_bytes`` is headers."""

    subject: str
    reply: str
    headers_bytes: int
    whole_bytes: int


def connect() -> bytes:
    return _CONNECT + _END


def subscribe(subject: str, number: int) -> bytes:
    return f"SUB {subject} {number}\r\n".encode()


def publish(subject: str, data: bytes, reply: str = "") -> bytes:
    return b"PUB %s %d\r\n%s\r\n" % (f"{subject} {reply}".strip().encode(), len(data), data)


class Reader:
    """Bytes as they come in, whole sayings and messages as they go out."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: _Head | None = None

    def feed(self, data: bytes) -> Iterator[Said | Message]:
        """Raises ``NatsError``."""
        self._buffer += data
        while (found := self._next()) is not None:
            yield found

    def _next(self) -> Said | Message | None:
        while self._head is None:
            end = self._buffer.find(_END)
            if max(end, len(self._buffer) if end < 0 else 0) > _LINE_MAX_BYTES:
                raise NatsError(f"a line of more than {_LINE_MAX_BYTES} bytes")
            if end < 0:
                return None
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 2]
            read = _line(line)
            if isinstance(read, Said):
                return read
            self._head = read
        head = self._head
        if len(self._buffer) < head.whole_bytes + 2:
            return None
        whole, end_of_it = (
            bytes(self._buffer[: head.whole_bytes]),
            self._buffer[head.whole_bytes : head.whole_bytes + 2],
        )
        if end_of_it != _END:
            raise NatsError(f"a message of {head.whole_bytes} bytes on {head.subject} is longer than its head says")
        del self._buffer[: head.whole_bytes + 2]
        self._head = None
        headers, data = whole[: head.headers_bytes], whole[head.headers_bytes :]
        return Message(head.subject, head.reply, _status(headers), data)


def _line(line: bytes) -> Said | _Head:
    verb, _, rest = line.partition(b" ")
    verb = verb.upper()
    if verb in _SAYS:
        return Said(verb.decode(), rest.decode("utf-8", "replace").strip())
    sizes = 1 if verb == b"MSG" else 2 if verb == b"HMSG" else 0
    words = rest.decode("utf-8", "replace").split()
    numbers = words[-sizes:] if sizes else []
    if not sizes or len(words) - sizes not in (2, 3) or not all(word.isdecimal() for word in numbers):
        raise NatsError(f"a line that no NATS server says: {line[:60]!r}")
    whole_bytes, headers_bytes = int(numbers[-1]), int(numbers[0]) if sizes == 2 else 0
    if not headers_bytes <= whole_bytes <= _PAYLOAD_MAX_BYTES:
        raise NatsError(f"a message of {whole_bytes} bytes, {headers_bytes} of them headers")
    return _Head(words[0], words[2] if len(words) - sizes == 3 else "", headers_bytes, whole_bytes)


def _status(headers: bytes) -> int:
    """``NATS/1.0 503``: what the server itself has to say; a publisher's headers have no number there."""
    code = headers.partition(_END)[0].partition(b" ")[2][:3]
    return int(code) if code.isdigit() else 0
