"""WebSocket frames (RFC 6455), as a client writes and reads them. Pure; no extensions, so no compression."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

MESSAGE_MAX_BYTES = 1 << 20


class Opcode(IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class FrameError(Exception):
    """The bytes are no frames that a server may send."""


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message, or a control frame. ``opcode``: of its first frame."""

    opcode: Opcode
    data: bytes


def frame(opcode: Opcode, data: bytes, mask: bytes) -> bytes:
    """One frame with the end of its message in it; ``mask``: four bytes, which every frame of a client has."""
    if len(data) < 126:
        length = bytes([0x80 | len(data)])
    elif len(data) < 1 << 16:
        length = bytes([0x80 | 126]) + len(data).to_bytes(2, "big")
    else:
        length = bytes([0x80 | 127]) + len(data).to_bytes(8, "big")
    return bytes([0x80 | opcode]) + length + mask + masked(data, mask)


def masked(data: bytes, mask: bytes) -> bytes:
    """Each byte with the mask's; once more, and the bytes are back."""
    repeated = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(data), "big")


class Reader:
    """Bytes as they come in, messages as they are whole. Raises ``FrameError``; then nothing more can be read."""

    def __init__(self) -> None:
        self._rest = b""
        self._opcode: Opcode | None = None  # of the message that is not whole yet
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[Message]:
        self._rest += data
        while (found := self._frame()) is not None:
            last, opcode, payload = found
            if opcode >= Opcode.CLOSE:
                if not last or len(payload) > 125:
                    raise FrameError("a control frame that is cut or too long")
                yield Message(opcode, payload)
            elif message := self._part(last, opcode, payload):
                yield message

    def _part(self, last: bool, opcode: Opcode, payload: bytes) -> Message | None:
        if (opcode is Opcode.CONTINUATION) != (self._opcode is not None):
            raise FrameError("a message begins in the middle of another, or goes on without one")
        self._opcode = self._opcode or opcode
        self._parts.append(payload)
        if sum(map(len, self._parts)) > MESSAGE_MAX_BYTES:
            raise FrameError(f"a message of more than {MESSAGE_MAX_BYTES} bytes")
        if not last:
            return None
        message = Message(self._opcode, b"".join(self._parts))
        self._opcode, self._parts = None, []
        return message

    def _frame(self) -> tuple[bool, Opcode, bytes] | None:
        """(last of its message, opcode, payload), taken off the rest; None: it is not whole yet."""
        rest = self._rest
        if len(rest) < 2:
            return None
        first, second = rest[0], rest[1]
        if first & 0x70:
            raise FrameError("a frame with an extension that was not asked for")
        if second & 0x80:
            raise FrameError("a masked frame, which no server sends")
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError as error:
            raise FrameError(f"a frame of an unknown kind, {first & 0x0F}") from error
        extra = {126: 2, 127: 8}.get(second, 0)
        if len(rest) < 2 + extra:
            return None
        length = int.from_bytes(rest[2 : 2 + extra], "big") if extra else second
        if length > MESSAGE_MAX_BYTES:
            raise FrameError(f"a frame of {length} bytes")
        end = 2 + extra + length
        if len(rest) < end:
            return None
        self._rest = rest[end:]
        return bool(first & 0x80), opcode, rest[2 + extra : end]
