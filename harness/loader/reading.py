"""From a map of the file to the keyword arguments of a class, by the words its fields carry. Knows no class by name."""

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

from harness.loader.document import Complaints, Hole, List, Map, Text, Tree, quoted
from harness.words import NAME, TEXT, Word, word_of, words_of

T = TypeVar("T")
_LIMIT_CHARACTERS = 200  # of a word; a text may fill the file
_FAILED = object()


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """One value and where it stands. ``value`` None: something in it is wrong. ``lines``: of its keys.

    ``words``: what the file calls keys of the value's class, where it is not what the class calls them.
    """

    value: T | None
    name: str | None
    line: int
    lines: Mapping[str, int]
    words: Mapping[str, str] = field(default_factory=dict)

    def word_of(self, key: str) -> str:
        return self.words.get(key, key)

    def line_of(self, key: str) -> int:
        return self.lines.get(self.word_of(key), self.line)


def read_words(
    kind: type, tree: Map, noun: str, complaints: Complaints, also: Collection[str] = ()
) -> tuple[dict[str, Any], bool]:
    """The keyword arguments for ``kind`` that could be read, and whether nothing was wrong with the map.

    ``also``: keys of this map that are somebody else's. ``noun`` ('a latency fault') stands in the messages.
    """
    words = words_of(kind)
    values: dict[str, Any] = {}
    whole = known_keys(tree, (*also, *words), noun, complaints)
    for key, filled in words.items():
        entry, word = tree.get(key), word_of(filled)
        if word is None:
            continue
        if entry is None:
            if _required(filled):
                whole = False
                complaints.add(tree.line, f"{noun} needs '{key}': {word.about}; such as {example(word)}")
            continue
        value = _many(entry.value, word, complaints) if word.many else _one(entry.value, word, complaints)
        if value is _FAILED:
            whole = False
        else:
            values[filled.name] = value
    return values, whole


def known_keys(tree: Map, keys: Collection[str], noun: str, complaints: Complaints) -> bool:
    """One complaint for each key that is none of ``keys``; True if there is no such key."""
    strange = [entry for entry in tree.entries if entry.key not in keys]
    for entry in strange:
        complaints.add(entry.line, f"{quoted(entry.key)} is not a key of {noun}{did_you_mean(entry.key, keys)}")
    return not strange


def did_you_mean(seen: str, known: Iterable[str]) -> str:
    """The end of a sentence: the one name that was probably meant, or all there are."""
    names = sorted(known)
    close = get_close_matches(seen.lower()[:_LIMIT_CHARACTERS], names, n=1, cutoff=0.65)
    return f"; did you mean '{close[0]}'?" if close else f" (there are {', '.join(names)})"


def example(word: Word) -> str:
    """``'for: 20s'``: a line that can be copied into the file; capitals stand for a word of one's own."""
    reader = word.reader
    text = reader.noun.upper() if reader in (NAME, TEXT) else reader.example
    return f"'{word.key}: {text}'" if text[0].isalnum() else f"""'{word.key}: "{text}"'"""


def article(noun: str) -> str:
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def _wanted(word: Word) -> str:
    """What to write: ``a duration, such as 'for: 20s'``."""
    if word.reader.choices:
        return word.reader.noun
    return f"{article(word.reader.noun)}{' or a list of them' if word.many else ''}, such as {example(word)}"


def shape(tree: Tree) -> str:
    """What stands there, in a message."""
    if isinstance(tree, Text):
        return "empty" if tree.text is None else "a text"
    return "a list" if isinstance(tree, List) else "a map"


def text_of(tree: Tree | None) -> str | None:
    """The text, where it is one; without a complaint."""
    return tree.text if isinstance(tree, Text) else None


def text_problem(text: str, *, lines: bool = False) -> str | None:
    """Half a sentence about characters that nobody can see; None where all is well. ``lines``: may have several."""
    for character in text:
        hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        if hidden and not (lines and character in "\n\t"):
            return f"has a character that cannot be seen (U+{ord(character):04X}): take it out"
    return None


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _one(tree: Tree, word: Word, complaints: Complaints) -> object:
    """The value of one word; ``_FAILED`` after a complaint."""
    reader, key = word.reader, word.key
    if isinstance(tree, Hole):
        return _FAILED
    if not isinstance(tree, Text):
        complaints.add(tree.line, f"'{key}' is {shape(tree)}: write {_wanted(word)}")
        return _FAILED
    if tree.text is None:
        complaints.add(tree.line, f"'{key}' is empty: write {_wanted(word)}")
        return _FAILED
    problem = text_problem(tree.text, lines=reader is TEXT)
    if problem is None and reader is not TEXT and len(tree.text) > _LIMIT_CHARACTERS:
        problem = f"is {len(tree.text):,} characters long: write {_wanted(word)}"
    if problem is None:
        try:
            return reader.read(tree.text)
        except ValueError as error:
            problem = str(error)
    complaints.add(tree.line, f"'{key}' {problem}")
    return _FAILED


def _many(tree: Tree, word: Word, complaints: Complaints) -> object:
    """A tuple of values, none of them twice unless it may be; a single word is a list of one."""
    items = tree.items if isinstance(tree, List) else (tree,)
    values = [_one(item, word, complaints) for item in items]
    for line, value in () if word.repeats else _again(items, values):
        complaints.add(line, f"'{word.key}' has {quoted(str(value))} twice: keep one")
        return _FAILED
    return _FAILED if any(value is _FAILED for value in values) else tuple(values)


def _again(items: Iterable[Tree], values: Iterable[object]) -> Iterator[tuple[int, object]]:
    seen = set()
    for item, value in zip(items, values, strict=True):
        if value is not _FAILED and value in seen:
            yield item.line, value
        seen.add(value)
