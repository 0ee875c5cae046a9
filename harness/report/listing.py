"""What ``harness list`` prints: for each thing one line, and how it is written in a scenario. Read from the classes."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass
from itertools import zip_longest

from harness.faults import CATALOGUE
from harness.objectives import OBJECTIVES
from harness.report import figures
from harness.traffic import CLIENTS
from harness.words import Word, word_of, words_of

_SUCH_AS = re.compile(r"such as '([^']+)'")
_PLAIN = re.compile(r"[\w./+%-][\w./+%-]*(?: [\w./+%-]+)*", re.ASCII)
# What stands for a word whose kind alone makes no example.
_OBJECTIVE = {"of": "chat", "after": "lost-n1"}
_CLIENT = {"to": "gateway", "send": "ECHO {digit}"}


@dataclass(frozen=True, slots=True)
class Entry:
    """``cells``: its name and what is said of it. ``example``: as a scenario file has it; "": its name says it all."""

    cells: tuple[str, ...]
    example: str = ""


def text(entries: Iterable[Entry], example: str) -> str:
    """One line for each, its example below it; ``example`` of them all at the end."""
    shown = tuple(entries)
    rows = [tuple(map(figures.line, entry.cells)) for entry in shown]
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    lines: list[str] = []
    for entry, row in zip(shown, rows, strict=True):
        padded = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False))
        lines.append("  ".join(padded).rstrip())
        lines += [f"{'':<{widths[0]}}  {entry.example}"] if entry.example else []
    lines += ["", f"for example: {example}"] if lines else ["none"]
    return "".join(f"{line}\n" for line in lines)


def faults() -> Iterator[Entry]:
    for name, kind in CATALOGUE.items():
        yield Entry((name, kind.about), _item({"fault": name, "name": name, "at": "5s", "for": "20s", **kind.example}))


def objectives() -> Iterator[Entry]:
    for key, kind in OBJECTIVES.items():
        given = {"name": f"my-{key}", **dict(_required(kind, {**_OBJECTIVE, **kind.example}))}
        yield Entry((key, kind.about), _item(given))


def clients() -> Iterator[Entry]:
    for name, kind in CLIENTS.items():
        given = {"client": name, "name": "chat", **dict(_required(kind, _CLIENT)), "rate": "50/s"}
        yield Entry((name, kind.about), _item(given))


def _required(kind: type, chosen: Mapping[str, str]) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Every word that has no default, with an example of it."""
    for key, field in words_of(kind).items():
        word = word_of(field)
        if word and key != "name" and field.default is MISSING and field.default_factory is MISSING:
            example = chosen.get(key) or _example(word)
            yield key, (example,) if word.many else example


def _example(word: Word) -> str:
    """The one that its own sentence gives, else any that its reader takes."""
    given = _SUCH_AS.search(word.about)
    return given[1] if given else word.reader.example


def _item(words: Mapping[str, str | tuple[str, ...]]) -> str:
    return "- {" + ", ".join(f"{key}: {_scalar(value)}" for key, value in words.items()) + "}"


def _scalar(value: str | tuple[str, ...]) -> str:
    if not isinstance(value, str):
        return f"[{', '.join(map(_scalar, value))}]"
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
