"""What goes between an agent and a child process of its own: JSON lines on the child's stdin and stdout."""

import msgspec

from harness.primitives import Resolve, Tamper


class Begin(msgspec.Struct, frozen=True):
    """The child's one argument. ``sockets``: file descriptors it listens on.

    ``resolver``: whom a resolver of ours asks for the truth; ``witness_port``: where our own questions come from.
    """

    change: Resolve | Tamper
    sockets: tuple[int, ...]
    resolver: str = ""
    witness_port: int = 0


class Fire(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """Change what comes, until CLOCK_MONOTONIC ``until_ns`` at the latest."""

    until_ns: int


class Ease(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """Change nothing any more, and close connections as they fall idle."""


class Ask(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """Answered by ``Figures`` with this number."""

    number: int


class End(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """End in good order, as soon as nothing goes through you any more. Whoever redirected has taken that away."""


Order = Fire | Ease | Ask | End


class Figures(msgspec.Struct, frozen=True):
    """What came while it was in force. ``met``, ``size_bytes``: of the system's own; ``echoes``: of our witnesses.

    ``changed``: how many of ``met`` were tampered with, or lied to. Number 0 is the first line: the child listens.
    """

    number: int = 0
    met: int = 0
    size_bytes: int = 0
    changed: int = 0
    echoes: int = 0


encode = msgspec.json.Encoder().encode
begin = msgspec.json.Decoder(Begin)
order: "msgspec.json.Decoder[Order]" = msgspec.json.Decoder(Order)
figures = msgspec.json.Decoder(Figures)
