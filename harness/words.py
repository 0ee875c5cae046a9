"""How the keys of a scenario file are read: one reader per kind of word, attached to the field it fills.

A field of a scenario's class says ``field(metadata=word("for", DURATION, "how long it lasts"))``. The loader, the JSON
Schema and the generated pages read that, so that a new key is written down in one place only.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, fields
from typing import Any

from harness import units

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_SHARE = r"\d{1,3}(?:\.\d{1,9})? ?%"
# How many, or which, of whom: groups 1 and 2; or a share of every node: group 3.
SOME = re.compile(rf"({_SHARE}|\d{{1,3}}|minority|majority|leader|follower) of ({_NODE.pattern})|({_SHARE})", re.ASCII)
_SPAN = re.compile(rf"({units.DURATION.pattern})(?: ?\.\. ?({units.DURATION.pattern}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reader:
    """From a word to a value. ``read`` raises ``ValueError`` with half a sentence: what was seen, what to write.

    ``choices`` or ``pattern`` (of the whole word) tell an editor what ``read`` takes; both empty: any text.
    ``number``: one without a unit, which an editor takes for a number.
    """

    noun: str
    example: str
    read: Callable[[str], object]
    choices: tuple[str, ...] = ()
    pattern: str = ""
    number: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """One key: its reader, what it means, and whether it takes a list (a single word is then a list of one).

    ``repeats``: the list may have a word twice, as a command line may.
    """

    key: str
    reader: Reader
    about: str
    many: bool = False
    repeats: bool = False


def word(key: str, reader: Reader, about: str, *, many: bool = False, repeats: bool = False) -> Mapping[str, Word]:
    """The ``metadata`` of a dataclass field that a scenario file can set."""
    return {"word": Word(key, reader, about, many, repeats)}


def word_of(field: Field[Any]) -> Word | None:
    """The word a field is filled from; None for what no file may set."""
    found = field.metadata.get("word")
    return found if isinstance(found, Word) else None


def words_of(kind: type) -> dict[str, Field[Any]]:
    """key -> field, for every field of a dataclass that a file can set, in the order of the class."""
    return {w.key: f for f in fields(kind) if (w := word_of(f)) is not None}


def choice(*options: str) -> Reader:
    def read(text: str) -> str:
        if text in options:
            return text
        raise ValueError(f"is '{text}': write one of {', '.join(options)}")

    return Reader("one of " + ", ".join(options), options[0], read, options)


def _name(text: str) -> str:
    if _NAME.fullmatch(text):
        return text
    raise ValueError(f"is '{text}': a name starts with a letter and has only a-z, 0-9 and '-', at most 40 characters")


def _node(text: str) -> str:
    some = SOME.fullmatch(text)
    how = (some[1] or some[3]) if some else ""
    if how.endswith("%"):
        units.share(how)
    if some or _NODE.fullmatch(text):
        return text
    raise ValueError(f"is '{text}': write a node's name, its role, or how many, such as '2 of ROLE' or '30%'")


def _span(text: str) -> tuple[float, float]:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"is '{text}': write a duration or a range of them, such as 3s..8s")
    low = units.duration_s(found[1])
    high = units.duration_s(found[4]) if found[4] else low
    if high < low:
        raise ValueError(f"is '{text}', which ends before it begins: write the shorter one first")
    return low, high


def _text(text: str) -> str:
    return text


DURATION = Reader("duration", "20s", units.duration_s, pattern=units.DURATION.pattern)
RATE = Reader("rate", "50/s", units.rate_per_s, pattern=units.RATE.pattern)
SHARE = Reader("share", "99.5%", units.share, pattern=units.SHARE.pattern)
SIZE = Reader("size", "2MB", units.size_bytes, pattern=units.SIZE.pattern)
COUNT = Reader("whole number", "7", units.count, pattern=units.COUNT.pattern)
NAME = Reader("name", "lost-n1", _name, pattern=_NAME.pattern)
# A node's name, or a word that stands for nodes (see ``harness.targets``).
NODE = Reader("node", "n1", _node, pattern=rf"(?:{_NODE.pattern})|(?:{SOME.pattern})")
SPAN = Reader("duration or a range of them", "3s..8s", _span, pattern=_SPAN.pattern)  # (shortest_s, longest_s)
TEXT = Reader("text", "one sentence", _text)
