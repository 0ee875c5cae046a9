"""DNS questions and answers as bytes (RFC 1035), as much of them as a resolver that lies needs. Pure."""

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Literal

NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
A, AAAA = 1, 28
_IN = 1
_HEADER = struct.Struct("!6H")  # id, flags, questions, answers, authorities, additionals
_TYPES = struct.Struct("!2H")
_RECORD = struct.Struct("!HHHIH")  # name, type, class, ttl in seconds, length
_RESPONSE, _OPCODE, _WANTED, _AVAILABLE = 0x8000, 0x7800, 0x0100, 0x0080
_POINTER = 0xC00C  # to the name of the question, which stands right behind the header
_TTL_S = 1  # a lie should not outlive us in anybody's cache


@dataclass(frozen=True, slots=True)
class Question:
    """``name`` in lower case, without the last dot. ``raw``: the question's own bytes, as an answer repeats them."""

    number: int
    flags: int
    name: str
    type: int
    raw: bytes


def asked(message: bytes) -> Question | None:
    """The one question of a query; None for everything else."""
    if len(message) < _HEADER.size:
        return None
    number, flags, questions, *_ = _HEADER.unpack_from(message)
    found = _name(message, _HEADER.size)
    if flags & (_RESPONSE | _OPCODE) or questions != 1 or found is None:
        return None
    name, end = found
    if len(message) < end + _TYPES.size:
        return None
    return Question(number, flags, name, _TYPES.unpack_from(message, end)[0], message[_HEADER.size : end + _TYPES.size])


def question(number: int, name: str, type_: int = A) -> bytes:
    labels = b"".join(bytes((len(label),)) + label for label in name.encode("idna" if name else "ascii").split(b"."))
    return _HEADER.pack(number, _WANTED, 1, 0, 0, 0) + labels + b"\0" + _TYPES.pack(type_, _IN)


def refusal(to: Question, code: int) -> bytes:
    """An answer that holds nothing but its code."""
    return _answer(to, code, b"")


def address_for(to: Question, address: str) -> bytes:
    """``address``, where it is of the kind that was asked for; else an answer that says there is none."""
    ip = ip_address(address)
    if to.type != (A if isinstance(ip, IPv4Address) else AAAA):
        return _answer(to, NOERROR, b"")
    return _answer(to, NOERROR, _RECORD.pack(_POINTER, to.type, _IN, _TTL_S, len(ip.packed)) + ip.packed)


@dataclass(frozen=True, slots=True)
class Heard:
    """What an answer says: its code, and the IPv4 addresses in it."""

    number: int
    code: Literal["nxdomain", "servfail", "noerror", "other"]
    addresses: tuple[str, ...]


def heard(message: bytes) -> Heard | None:
    """None for what is no answer to one question."""
    if len(message) < _HEADER.size:
        return None
    number, flags, questions, answers, *_ = _HEADER.unpack_from(message)
    found = _name(message, _HEADER.size)
    if not flags & _RESPONSE or questions != 1 or found is None:
        return None
    at, addresses = found[1] + _TYPES.size, []
    for _ in range(answers):
        owner = _name(message, at)
        if owner is None or len(message) < owner[1] + _RECORD.size - 2:
            break
        kind, _, _, length = struct.unpack_from("!HHIH", message, owner[1])
        at = owner[1] + _RECORD.size - 2 + length
        if kind == A and length == 4 and len(message) >= at:
            addresses.append(str(IPv4Address(message[at - 4 : at])))
    code = flags & 0xF
    word: Literal["nxdomain", "servfail", "noerror", "other"] = "other"
    if code in (NOERROR, SERVFAIL, NXDOMAIN):
        word = "noerror" if code == NOERROR else "servfail" if code == SERVFAIL else "nxdomain"
    return Heard(number, word, tuple(addresses))


def _answer(to: Question, code: int, records: bytes) -> bytes:
    flags = _RESPONSE | to.flags & _WANTED | _AVAILABLE | code
    return _HEADER.pack(to.number, flags, 1, 1 if records else 0, 0, 0) + to.raw + records


def _name(message: bytes, at: int) -> tuple[str, int] | None:
    """The name that begins there, as far as a pointer, and where it ends."""
    labels: list[str] = []
    while at < len(message):
        length = message[at]
        if length == 0:
            return ".".join(labels), at + 1
        if length >= 0xC0:
            return ".".join(labels), at + 2
        labels.append(message[at + 1 : at + 1 + length].decode("ascii", "replace").lower())
        at += 1 + length
    return None
