"""What can be asked, and how the answer is checked: one class and one line in the table for each client.

A client is a short cycle of questions; operation number i asks question i modulo their number. Everything that can be
made before the load begins is made then, so that sending costs nothing but the write.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple, Protocol

import msgspec

from harness.client.answers import node_of, start_of
from harness.client.options import Options
from harness.errors import WireError
from harness.operations import Outcome

_LINE_LIMIT_BYTES = 1 << 20
_BEGINNING = 120  # how much of an answer is quoted


class Judged(NamedTuple):
    """``node``: who answered, or "". ``text``: how the answer began, or what is wrong with it."""

    outcome: Outcome
    node: str
    text: str


class Answer(Protocol):
    """One answer as it comes in. Never raises, whatever the bytes are."""

    def feed(self, data: bytes) -> None:
        """More of the body."""

    def judge(self, status: int) -> Judged:
        """The HTTP answer is whole, with this status: is it the right one?"""


@dataclass(frozen=True, slots=True)
class Question:
    """One HTTP request, and how to read its answer."""

    method: str
    path: str
    body: bytes
    answer: Callable[[], Answer]


class Client(Protocol):
    def __init__(self, options: Options, seed: int) -> None:
        """Take what it knows out of ``options``; ``WireError`` for a value that is wrong."""

    def questions(self) -> tuple[Question, ...]:
        """At least one."""


def _not_answered(status: int, beginning: str) -> Judged:
    text = f"HTTP {status}: {beginning}"
    if status >= 500:
        return Judged(Outcome.SERVER_ERROR, "", text)
    return Judged(Outcome.CLIENT_ERROR if status >= 400 else Outcome.WRONG, "", text)


# --- ollama-generate --------------------------------------------------------------------------------------------------


class _Frame(msgspec.Struct):
    response: str = ""
    done: bool = False
    error: str | None = None


_decode_frame = msgspec.json.Decoder(_Frame).decode


class _Frames:
    """The NDJSON body of ``/api/generate``: pieces of text, the terminal frame (``"done": true``), and nothing more."""

    __slots__ = ("_bad", "_check", "_done", "_error", "_rest", "_texts")

    def __init__(self, check: Callable[[str], str | None]) -> None:
        self._check = check
        self._rest = b""
        self._texts: list[str] = []
        self._done = False
        self._error: str | None = None
        self._bad = ""

    def feed(self, data: bytes) -> None:
        if self._bad:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line and not self._frame(line):
                self._bad = f"not a frame: {line[:_BEGINNING]!r}"
        if len(self._rest) > _LINE_LIMIT_BYTES:
            self._bad, self._rest = f"a line of more than {_LINE_LIMIT_BYTES} bytes", b""

    def _frame(self, line: bytes) -> bool:
        try:
            frame = _decode_frame(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return False
        if self._done:
            return False  # nothing comes after the terminal frame
        self._texts.append(frame.response)
        self._done = frame.done
        self._error = self._error or frame.error
        return True

    def judge(self, status: int) -> Judged:
        last_is_whole = not self._rest or self._frame(self._rest)
        text = "".join(self._texts)
        if status != 200:
            return _not_answered(status, self._error or text[:_BEGINNING] or self._bad)
        if self._error is not None:
            return Judged(Outcome.SERVER_ERROR, "", f"after {len(text)} characters: {self._error[:_BEGINNING]}")
        if self._bad:
            return Judged(Outcome.WRONG, "", self._bad)
        if not self._done:
            return Judged(Outcome.TRUNCATED, "", f"no terminal frame after '{text[-_BEGINNING:]}'")
        node = self._check(text) if last_is_whole else None
        if node is None:
            return Judged(Outcome.WRONG, "", f"not the answer to this prompt: '{text[:_BEGINNING]}'")
        return Judged(Outcome.OK, node, text[:_BEGINNING])


class OllamaGenerate:
    """``POST /api/generate``. The tiny model's answer is known word for word; of another model's answer the terminal
    frame is required, and ``pattern`` must be found in it."""

    def __init__(self, options: Options, seed: int) -> None:
        self._model = options.text("model", "tiny")
        self._prompt = options.text("prompt", "hello {digit}")
        self._tokens = options.count("tokens", 8, 1, 1_000_000)
        self._stream = options.flag("stream", True)
        self._pattern = options.pattern("pattern")
        self._seed = seed
        self._known = self._model.removesuffix(":latest") == "tiny"
        if self._known and self._pattern:
            raise options.wrong("pattern", "is for other models: the tiny model's answer is known, leave it out")
        if not self._model:
            raise options.wrong("model", "is empty: write a model's name, such as tiny")

    def questions(self) -> tuple[Question, ...]:
        digits = "0123456789" if "{digit}" in self._prompt else "0"
        return tuple(self._question(self._prompt.replace("{digit}", digit)) for digit in digits)

    def _question(self, prompt: str) -> Question:
        sampling = {"num_predict": self._tokens, "temperature": 0, "seed": self._seed}
        body = {"model": self._model, "prompt": prompt, "stream": self._stream, "options": sampling}
        start, tokens = start_of(prompt), self._tokens

        def known(text: str) -> str | None:
            return node_of(text, start, tokens)

        check = known if self._known else self._matches
        return Question("POST", "/api/generate", msgspec.json.encode(body), lambda: _Frames(check))

    def _matches(self, text: str) -> str | None:
        return "" if self._pattern is None or self._pattern.search(text) else None


# --- http -------------------------------------------------------------------------------------------------------------


class _Page:
    """A body that must have ``needle`` in it; only its beginning and what a chunk's edge may cut are kept."""

    __slots__ = ("_beginning", "_found", "_needle", "_status", "_tail")

    def __init__(self, status: int, needle: bytes) -> None:
        self._status = status
        self._needle = needle
        self._found = not needle
        self._beginning = b""
        self._tail = b""

    def feed(self, data: bytes) -> None:
        if len(self._beginning) < _BEGINNING:
            self._beginning += data[:_BEGINNING]
        if not self._found:
            seen = self._tail + data
            self._found = self._needle in seen
            self._tail = seen[len(seen) - len(self._needle) + 1 :] if len(seen) >= len(self._needle) else seen

    def judge(self, status: int) -> Judged:
        beginning = self._beginning[:_BEGINNING].decode("utf-8", "replace")
        if status != self._status:
            return _not_answered(status, beginning)
        if not self._found:
            return Judged(Outcome.WRONG, "", f"'{self._needle.decode()}' is not in '{beginning}'")
        return Judged(Outcome.OK, "", beginning)


class Http:
    """``GET path``: the status must be ``status`` (no redirect is followed), and ``body`` must be in the body."""

    def __init__(self, options: Options, seed: int) -> None:
        self._path = options.text("path", "/")
        self._status = options.count("status", 200, 200, 599)
        self._needle = options.text("body", "").encode()
        if not re.fullmatch(r"/[!-~]*", self._path):
            raise options.wrong("path", f"is '{self._path}': write an absolute path without spaces, such as /health")

    def questions(self) -> tuple[Question, ...]:
        return (Question("GET", self._path, b"", lambda: _Page(self._status, self._needle)),)


CLIENTS: Mapping[str, type[Client]] = {
    "ollama-generate": OllamaGenerate,
    "http": Http,
}


def build(client: str, pairs: Iterable[tuple[str, str]], seed: int) -> Client:
    """The client of that name with those options; ``WireError`` when there is none such."""
    if client not in CLIENTS:
        near = get_close_matches(client, CLIENTS, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(CLIENTS)}"
        raise WireError(f"'{client}' is not a client; {hint}")
    options = Options(client, pairs)
    built = CLIENTS[client](options, seed)
    options.close()
    return built
