"""Where the bodies are in a stream of bytes, so that what is changed is what the other end will believe. Pure.

A stream that begins as HTTP/1 is taken apart: heads and trailers pass as they are, bodies come out piece by piece, each
piece no more than came at once and no more than one chunk of a chunked body. Any other stream is all body.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from harness.agent.redirect.changes import fitted

_HTTP = re.compile(rb"HTTP/1\.|(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE) ")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?=\r\n|$)")
_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding:[^\r\n]*chunked[ \t]*(?=\r\n|$)")
_HEAD_MAX_BYTES = 1 << 18
Mode = Literal["start", "head", "fixed", "size", "chunk", "chunk-end", "trailers", "free", "lost"]


@dataclass(frozen=True, slots=True)
class Piece:
    """``kind``: ``frame`` passes as it is; a body's piece may change, if it is ``fixed`` at no other length.

    A ``chunked`` one has lost its own frame and gets a new one, see ``framed``; a ``free`` one needs none.
    """

    data: bytes
    kind: Literal["frame", "fixed", "chunked", "free"]


def framed(piece: Piece, body: bytes) -> bytes:
    """``body`` in place of what was in ``piece``, so that the stream's frame holds."""
    if piece.kind == "chunked":
        return b"%x\r\n%b\r\n" % (len(body), body) if body else b""  # an empty chunk would be the last one
    if piece.kind == "fixed":
        return fitted(body, len(piece.data))
    return body


class Framing:
    """One direction of one connection."""

    def __init__(self) -> None:
        self._mode: Mode = "start"
        self._line = b""  # of a head or a size, what came of it so far
        self._left_bytes = 0
        self._began = False  # whether the body has
        self._steps: dict[Mode, Callable[[bytes], tuple[Piece | None, bytes]]] = {
            "head": self._head,
            "fixed": self._fixed,
            "size": self._size,
            "chunk": self._chunk,
            "chunk-end": self._chunk_end,
            "trailers": self._trailers,
            "free": lambda data: (Piece(data, "free"), b""),
            "lost": lambda data: (Piece(data, "frame"), b""),
        }

    def feed(self, data: bytes) -> Iterator[Piece]:
        if self._mode == "start" and data:
            self._mode = "head" if _HTTP.match(data) else "free"
        while data:
            piece, data = self._steps[self._mode](data)
            if piece:
                yield piece

    def _head(self, data: bytes) -> tuple[Piece | None, bytes]:
        head, passed, rest = self._until(b"\r\n\r\n", data)
        if head is not None:
            self._after(head)
        return Piece(passed, "frame"), rest

    def _after(self, head: bytes) -> None:
        """What follows a head (RFC 9112, 6.3)."""
        answer = _STATUS.match(head + b"\r")
        status = int(answer[1]) if answer else None
        length = _LENGTH.search(head)
        self._began = False
        if status == 101:
            self._mode = "free"
        elif status is not None and (status < 200 or status in (204, 304)):
            self._mode = "head"
        elif _CHUNKED.search(head):
            self._mode = "size"
        elif length:
            self._left_bytes = int(length[1])
            self._mode = "fixed" if self._left_bytes else "head"
        else:
            self._mode = "head" if status is None else "free"

    def _fixed(self, data: bytes) -> tuple[Piece | None, bytes]:
        if not self._began and _STATUS.match(data):  # the answer to a HEAD names a length and has no body
            self._mode = "head"
            return None, data
        self._began = True
        return self._take("fixed", "head", data)

    def _size(self, data: bytes) -> tuple[Piece | None, bytes]:
        line, _, rest = self._until(b"\r\n", data)
        if line is None:
            return None, rest
        try:
            self._left_bytes = int(line.partition(b";")[0], 16)
        except ValueError:
            self._mode = "lost"
            return Piece(line + b"\r\n", "frame"), rest
        self._mode = "chunk" if self._left_bytes else "trailers"
        return (None if self._left_bytes else Piece(b"0\r\n", "frame")), rest

    def _chunk(self, data: bytes) -> tuple[Piece | None, bytes]:
        return self._take("chunked", "chunk-end", data)

    def _chunk_end(self, data: bytes) -> tuple[Piece | None, bytes]:
        line, _, rest = self._until(b"\r\n", data)
        if line is not None:
            self._mode = "size"
        return None, rest

    def _trailers(self, data: bytes) -> tuple[Piece | None, bytes]:
        line, passed, rest = self._until(b"\r\n", data)
        if line == b"":
            self._mode = "head"
        return Piece(passed, "frame"), rest

    def _take(self, kind: Literal["fixed", "chunked"], then: Mode, data: bytes) -> tuple[Piece | None, bytes]:
        body, rest = data[: self._left_bytes], data[self._left_bytes :]
        self._left_bytes -= len(body)
        if not self._left_bytes:
            self._mode = then
        return Piece(body, kind), rest

    def _until(self, end: bytes, data: bytes) -> tuple[bytes | None, bytes, bytes]:
        """(the line without its end, if it is complete; what of ``data`` belongs to it; the rest)."""
        line = self._line + data
        found = line.find(end)
        if found < 0:
            self._line = line
            if len(line) > _HEAD_MAX_BYTES:
                self._mode = "lost"
            return None, data, b""
        passed_bytes = found + len(end) - len(self._line)
        self._line = b""
        return line[:found], data[:passed_bytes], data[passed_bytes:]
