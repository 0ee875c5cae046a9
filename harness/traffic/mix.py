"""Several questions in one traffic: each part of a mix is a weight, and the client's own words that differ in it."""

import re
import shlex
from dataclasses import dataclass

from harness.words import Reader

_WEIGHT = re.compile(r"\d{1,6}(?:\.\d{1,3})?", re.ASCII)
_EXAMPLE = "20 path=/search status=200"


@dataclass(frozen=True, slots=True)
class Part:
    """``words``: (key, text) pairs as they would stand in the traffic itself; ``text``: what the file said."""

    weight: float
    words: tuple[tuple[str, str], ...]
    text: str

    def __str__(self) -> str:
        return self.text


def _read(text: str) -> Part:
    try:
        weight, *pairs = shlex.split(text)  # no word at all is a ValueError, too
    except ValueError as error:
        raise ValueError(f"is '{text}': write it like '{_EXAMPLE}', a value with spaces in quotes") from error
    if not _WEIGHT.fullmatch(weight) or not float(weight):
        raise ValueError(f"is '{text}': write a weight above 0 first, such as '{_EXAMPLE}'")
    words = tuple((key, value) for key, equals, value in (pair.partition("=") for pair in pairs) if equals)
    if len(words) < len(pairs):
        raise ValueError(f"is '{text}': after its weight write key=value, such as '{_EXAMPLE}'")
    if len({key for key, _ in words}) < len(words):
        raise ValueError(f"is '{text}', which says one key twice: leave one out")
    return Part(float(weight), words, text)


PART = Reader("part of a mix", _EXAMPLE, _read)
