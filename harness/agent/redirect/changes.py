"""How bytes are tampered with. Pure.

A silent lie must look true: it keeps its format, and only somebody who knows the right answer can tell.
"""

import random
import re
from dataclasses import dataclass

from harness.primitives import Tamper

_VALUE = re.compile(rb':\s*"((?:[^"\\]|\\.)*)"')  # a string in JSON that is somebody's value, not a key
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:")  # nobody compares a time of day with anything
_DIGIT = re.compile(rb"\d")
_WORD = re.compile(rb"(?<!\\)[0-9b-yB-Y]")  # the lowest bit of these makes another digit or letter of them


class Picks:
    """Which of the chunks that could be changed are: every n-th, or each with a chance of ``share``."""

    def __init__(self, every: int | None, share: float, seed: str) -> None:
        self._every, self._share = every, share
        self._random = random.Random(seed)
        self._seen = 0

    def take(self) -> bool:
        self._seen += 1
        return self._seen % self._every == 0 if self._every else self._random.random() < self._share


@dataclass(frozen=True, slots=True)
class Change:
    """``how`` with its ``find`` and ``put`` in bytes; see ``primitives.Tamper``."""

    how: str
    find: bytes
    put: bytes

    @classmethod
    def of(cls, tamper: Tamper) -> "Change":
        return cls(tamper.how, tamper.find.encode(), tamper.put.encode())

    def can(self, body: bytes, before: bytes) -> bool:
        """Is there something to change in ``body``, with ``before`` the piece that came before it?"""
        if self.how == "replace":
            return self.find in body
        return bool(body) and (self.how != "replay" or before not in (b"", body))

    def make(self, body: bytes, before: bytes, number: int, *, fixed: bool) -> bytes:
        """``number``: how many there were, this one included. ``fixed``: the length of ``body`` should stay."""
        match self.how:
            case "flip":
                return flip(body)
            case "replace":
                return body.replace(self.find, fitted(self.put, len(self.find)) if fixed else self.put)
            case "replay":
                return before
            case "truncate":
                return body[: len(body) // 2]
            case _:
                return self.put.replace(b"{n}", str(number).encode())


def fitted(body: bytes, size_bytes: int) -> bytes:
    """Cut, or filled up with blanks."""
    return body[:size_bytes].ljust(size_bytes)


def flip(body: bytes) -> bytes:
    """One bit, where it makes the most of a lie: a digit becomes its neighbour, so a number is still a number.

    The last digit in a string of a JSON document (times of day apart), which is valid JSON still; without one a letter
    there; else the last digit or letter of all; else the last byte.
    """
    values = [found.span(1) for found in _VALUE.finditer(body) if not _STAMP.match(body, found.start(1))]
    for wanted in (_DIGIT, _WORD):
        for start, end in reversed(values):
            if (at := _last(wanted, body, start, end)) is not None:
                return _flipped(body, at)
    at = _last(_WORD, body, 0, len(body))
    return _flipped(body, len(body) - 1 if at is None else at)


def _last(wanted: re.Pattern[bytes], body: bytes, start: int, end: int) -> int | None:
    return next((at for at in range(end - 1, start - 1, -1) if wanted.match(body, at)), None)


def _flipped(body: bytes, at: int) -> bytes:
    return body[:at] + bytes((body[at] ^ 1,)) + body[at + 1 :]
