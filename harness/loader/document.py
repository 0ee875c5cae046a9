"""YAML as a marked tree of texts, lists and maps: nothing is resolved, nothing is shared, nothing is deep.

PyYAML's events are read one by one, so that a bomb is refused before it is built: its own composer hides aliases,
keeps duplicate keys silently and recurses. No scalar is ever turned into a number, a date or a truth value here
(``1:30`` is not 90 and ``no`` is not False); words are read by ``harness.words``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from harness.errors import Problem

LIMIT_BYTES = 64 * 1024
LIMIT_DEPTH = 32
_NULLS = ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar as it was written; ``text`` None: nothing stands there (or a plain ``null``)."""

    line: int
    text: str | None


@dataclass(frozen=True, slots=True)
class List:
    line: int
    items: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One ``key: value`` of a map; ``line`` is the key's."""

    line: int
    key: str
    value: "Tree"


@dataclass(frozen=True, slots=True)
class Map:
    """No key twice; in the order of the file."""

    line: int
    entries: tuple[Entry, ...]

    def get(self, key: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.key == key), None)


@dataclass(frozen=True, slots=True)
class Hole:
    """Something that was refused when the tree was built: whoever reads it has nothing to add."""

    line: int


Tree = Text | List | Map | Hole


class Complaints:
    """The problems of one file, as they are found."""

    def __init__(self, file: str, kind: str = "scenario", first: str = "") -> None:
        """``kind``: what such a file holds. ``first``: how it begins, where that is not ``KIND: NAME``."""
        self.file = file
        self.kind = kind
        self.first = first or f"{kind}: NAME"
        self.problems: list[Problem] = []

    def add(self, line: int, text: str) -> None:
        self.problems.append(Problem(self.file, line, text))


def quoted(text: str) -> str:
    """A word in a message: on one line, printable, and short enough to be read."""
    shown = text if len(text) <= 60 else text[:57] + "..."
    return "'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown) + "'"


def read(data: bytes, complaints: Complaints) -> Map | None:
    """The map that a file is. None, and a complaint, where it is none."""
    if len(data) > LIMIT_BYTES:
        complaints.add(0, f"has more than {LIMIT_BYTES // 1024} KiB: a {complaints.kind} is a page of text")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        complaints.add(line, f"has a byte that is not UTF-8 (0x{data[error.start]:02x}): save the file as UTF-8")
        return None
    tree = _tree(text, complaints)
    if isinstance(tree, Map):
        return tree
    if isinstance(tree, Text) and tree.text is None:
        complaints.add(0, f"is empty: begin with '{complaints.first}'")
    elif isinstance(tree, Text | List):
        seen = "a list" if isinstance(tree, List) else "a text"
        complaints.add(tree.line, f"the file is {seen}: write keys and values, beginning with '{complaints.first}'")
    return None


def _tree(text: str, complaints: Complaints) -> Tree:
    builder = _Builder(complaints)
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if not builder.take(event):
                return Hole(0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        complaints.add(mark.line + 1 if mark else 0, _not_yaml(error.problem or str(error.context)))
        return Hole(0)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        complaints.add(line, f"has a character that YAML forbids (U+{ord(text[error.position]):04X}): take it out")
        return Hole(0)
    except (ValueError, OverflowError):  # PyYAML hands an escape's number to chr() unseen
        complaints.add(0, r"has an escape such as \UFFFFFFFF that is no character: take it out")
        return Hole(0)
    return builder.root


def _not_yaml(problem: str) -> str:
    if "'\\t'" in problem:
        return "has a tab where YAML wants spaces: indent with spaces"
    return f"is not YAML here ({problem.splitlines()[0]}): look at the quotes, brackets and indentation"


@dataclass(slots=True)
class _Open:
    """A list or map that has begun and not ended; a map's keys and values in turns."""

    line: int
    is_map: bool
    items: list[Tree] = field(default_factory=list)


class _Builder:
    """Events in, a tree out; without recursion."""

    def __init__(self, complaints: Complaints) -> None:
        self.root: Tree = Text(1, None)
        self._complaints = complaints
        self._open: list[_Open] = []
        self._documents = 0

    def take(self, event: yaml.Event) -> bool:
        """False: the file is refused as a whole, and no further event is wanted."""
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                kind = self._complaints.kind
                self._complaints.add(line, f"a second document begins here ('---'): one file is one {kind}")
                return False
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._open.pop()
            self._put(self._map(done) if done.is_map else List(done.line, tuple(done.items)))
        elif isinstance(event, yaml.NodeEvent):
            self._refuse_marks(event, line)
            if isinstance(event, yaml.CollectionStartEvent):
                self._open.append(_Open(line, isinstance(event, yaml.MappingStartEvent)))
            else:
                self._put(_leaf(event, line))
        if len(self._open) > LIMIT_DEPTH:
            self._complaints.add(line, f"is nested more than {LIMIT_DEPTH} deep: no {self._complaints.kind} is")
            return False
        return True

    def _refuse_marks(self, event: yaml.NodeEvent, line: int) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._complaints.add(line, f"{quoted(f'*{event.anchor}')} is an alias: write out what it stands for")
        elif event.anchor is not None:
            self._complaints.add(line, f"{quoted(f'&{event.anchor}')} is an anchor: take it out")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            self._complaints.add(line, f"{quoted(event.tag)} is a tag: take it out, values are read as written")

    def _put(self, tree: Tree) -> None:
        if self._open:
            self._open[-1].items.append(tree)
        else:
            self.root = tree

    def _map(self, done: _Open) -> Map:
        return Map(done.line, tuple(self._entries(done)))

    def _entries(self, done: _Open) -> Iterator[Entry]:
        first: dict[str, int] = {}
        for key, value in zip(done.items[::2], done.items[1::2], strict=True):
            if isinstance(key, Hole):
                continue
            if not isinstance(key, Text) or key.text is None:
                self._complaints.add(key.line, "a key is not a word: write 'key: value'")
            elif key.text == "<<":
                self._complaints.add(key.line, "'<<' is a merge: write out the keys it brings")
            elif key.text in first:
                where = f"first on line {first[key.text]}"
                self._complaints.add(key.line, f"{quoted(key.text)} stands here twice ({where}): keep one")
            else:
                first[key.text] = key.line
                yield Entry(key.line, key.text, value)


def _leaf(event: yaml.NodeEvent, line: int) -> Tree:
    if not isinstance(event, yaml.ScalarEvent):
        return Hole(line)  # an alias
    nothing = event.style is None and event.value in _NULLS
    return Text(line, None if nothing else event.value)
