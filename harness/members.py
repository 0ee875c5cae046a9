"""What the members of a replicated store say of themselves when they are asked: the lines of such a history."""

from collections.abc import Iterator

import msgspec

from harness.errors import RecordingError


class _Line(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="of"):
    """``node`` was asked, and that ended at ``at_ns`` (CLOCK_MONOTONIC). ``error``: why it said nothing, or ""."""

    node: str
    at_ns: int
    error: str = ""


class Status(_Line, frozen=True, tag="status"):
    """``member``: its own number in Raft, ``lead``: that of whom it takes for the leader of ``term``, or "".

    Both are of one instant, as the member's Raft has them.
    """

    member: str = ""
    lead: str = ""
    term: int = 0


class Hashed(_Line, frozen=True, tag="hash"):
    """The hash of its whole store as it was at ``revision``, where all before ``compacted`` was forgotten.

    Two stores that hold the same have the same hash where both numbers are the same.
    """

    revision: int = 0
    compacted: int = 0
    hash: int = 0


Told = Status | Hashed

_encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[Told] = msgspec.json.Decoder(Told)


def line(told: Told) -> bytes:
    return _encode(told) + b"\n"


def read(lines: bytes, where: str) -> Iterator[Told]:
    """What each line tells; ``RecordingError`` with ``where`` and the line's number for one that is none."""
    for number, text in enumerate(lines.splitlines(), 1):
        try:
            yield _decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RecordingError(f"{where}:{number}: not what a member said of itself ({error})") from error
