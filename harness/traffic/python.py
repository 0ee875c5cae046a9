"""A class in the user's own file."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from harness.cluster import Cluster
from harness.traffic.base import Traffic
from harness.words import TEXT, word

_SOURCE_MAX_BYTES = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Python(Traffic):
    """Your own way to ask: a class whose ``ask(number)`` asks once, made as ``Chat(host, port, timeout_s)``.

    ``ask`` may be a coroutine or may block. Returning means that the answer was right (the name of the node that gave
    it, or None); an ``AssertionError`` that it was wrong; a ``TimeoutError``, ``ConnectionError`` or other ``OSError``
    that it was lost; any other exception is the client's own error. It runs in a process of its own in the client's
    pod, with Python's standard library, and its text travels with the run.
    """

    client: ClassVar[str] = "python"
    about: ClassVar[str] = "asks through a class in a Python file of yours"

    file: str = field(metadata=word("file", TEXT, "where the class is, beside the scenario, such as 'my_client.py'"))
    kind: str = field(metadata=word("class", TEXT, "which class of it asks, such as 'Chat'"))
    source: str = ""

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from super(Python, self).check(cluster)
        if not self.kind.isidentifier():
            yield "class", f"is '{self.kind}': write the name of a class, such as Chat"
        if self.mix:
            yield "mix", "stands at a class of yours: which question it asks is decided in it"

    def files(self) -> tuple[str, ...]:
        return (self.file,)

    def check_files(self, texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        text = texts[self.file]
        if len(text.encode()) > _SOURCE_MAX_BYTES:
            yield "file", f"names '{self.file}', which has more than {_SOURCE_MAX_BYTES >> 10} KiB"
            return
        try:
            body = ast.parse(text, self.file).body
        except (SyntaxError, ValueError) as error:
            yield "file", f"names '{self.file}', which is not Python: {error}"
            return
        found = next((one for one in body if isinstance(one, ast.ClassDef) and one.name == self.kind), None)
        if found is None:
            yield "class", f"is '{self.kind}', and {self.file} has no such class at its top"
        elif "ask" not in {one.name for one in found.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}:
            yield "class", f"is '{self.kind}', which has no 'ask': write 'def ask(self, number)' in it"

    def with_files(self, texts: Mapping[str, str]) -> "Python":
        return replace(self, source=texts[self.file])

    def options(self) -> tuple[tuple[str, str], ...]:
        return (("source", self.source), ("file", self.file), ("class", self.kind), ("timeout", f"{self.timeout_s:g}"))
