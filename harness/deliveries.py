"""What became of the messages of one traffic: sent, acknowledged, and what came to whom; a line of JSON for each.

Written by the load generator as it happens, read by whoever judges. Instants are CLOCK_MONOTONIC nanoseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec


class Line(msgspec.Struct, frozen=True, tag_field="is"):
    """One of them."""


class Readers(Line, frozen=True, tag="readers"):
    """The first line: who is to get every message."""

    names: tuple[str, ...]


class Sent(Line, frozen=True, tag="sent"):
    """Message ``number`` on ``subject`` was about to be written to the server ``node``."""

    number: int
    subject: str
    node: str
    at_ns: int


class Acknowledged(Line, frozen=True, tag="acknowledged"):
    """Its sender was told that it is taken care of, and had not given it up before."""

    number: int
    at_ns: int


class Came(Line, frozen=True, tag="came"):
    """It came to ``reader``; be it for the first time or once more."""

    number: int
    reader: str
    at_ns: int


AnyLine = Readers | Sent | Acknowledged | Came

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyLine] = msgspec.json.Decoder(AnyLine)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """``sent`` and ``acknowledged_ns`` by number; ``came`` in order; ``last_ns``: the last thing that was seen."""

    readers: tuple[str, ...]
    sent: Mapping[int, Sent]
    acknowledged_ns: Mapping[int, int]
    came: tuple[Came, ...]
    last_ns: int


def encode(line: Line) -> bytes:
    """One line, newline included."""
    return _encoder.encode(line) + b"\n"


def read(lines: bytes) -> Deliveries:
    """Raises ``ValueError`` with half a sentence. A last line that was cut off is left out."""
    readers: tuple[str, ...] | None = None
    sent: dict[int, Sent] = {}
    acknowledged_ns: dict[int, int] = {}
    came: list[Came] = []
    last_ns = 0
    for number, text in enumerate(lines.split(b"\n")[:-1], 1):
        try:
            line = _decoder.decode(text)
        except msgspec.MsgspecError as error:
            raise ValueError(f"line {number} is not about a message: {error}") from error
        match line:
            case Readers(names):
                readers = names
                continue
            case Sent():
                sent[line.number] = line
            case Acknowledged():
                acknowledged_ns.setdefault(line.number, line.at_ns)
            case Came():
                came.append(line)
        last_ns = max(last_ns, line.at_ns)
    if readers is None:
        raise ValueError("nowhere says who was to get the messages")
    return Deliveries(readers, sent, acknowledged_ns, tuple(came), last_ns)
