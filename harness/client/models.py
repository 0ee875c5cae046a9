"""Clients of language models: what is asked, and whether the answer is the one that the tiny model must give."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import msgspec

from harness.client.answers import node_of, start_of
from harness.client.asking import BEGINNING, Answer, Judged, by_digit, not_answered
from harness.client.http import OverHttp, Request
from harness.client.options import Options
from harness.operations import Outcome
from harness.wire import KNOWN_MODELS

LINE_MAX_BYTES = 1 << 20

Check = Callable[[str], str | None]  # a text -> which node gave it ("": one that does not say), or None: a wrong text


class Piece(msgspec.Struct):
    """What one line of a streamed answer says. ``done``: it is the terminal one. ``error``: what went wrong."""

    text: str = ""
    done: bool = False
    error: str | None = None


class Streamed(ABC):
    """A body of lines: pieces of text, the terminal line, and nothing more."""

    __slots__ = ("_bad", "_check", "_done", "_error", "_rest", "_texts")

    def __init__(self, check: Check) -> None:
        self._check = check
        self._rest = b""
        self._texts: list[str] = []
        self._done = False
        self._error: str | None = None
        self._bad = ""

    @abstractmethod
    def _line(self, line: bytes) -> bool:
        """One line that is not empty: kept in ``_texts``, ``_done`` and ``_error``; False: it is none of these."""

    def feed(self, data: bytes) -> None:
        if self._bad:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line and not self._line(line):
                self._bad = f"not a frame: {line[:BEGINNING]!r}"
        if len(self._rest) > LINE_MAX_BYTES:
            self._bad, self._rest = f"a line of more than {LINE_MAX_BYTES} bytes", b""

    def judge(self, status: int) -> Judged:
        last_is_whole = not self._rest or self._line(self._rest)
        text = "".join(self._texts)
        if status != 200:
            return not_answered(status, self._error or text[:BEGINNING] or self._bad)
        if self._error is not None:
            return Judged(Outcome.SERVER_ERROR, "", f"after {len(text)} characters: {self._error[:BEGINNING]}")
        if self._bad:
            return Judged(Outcome.WRONG, "", self._bad)
        if not self._done:
            return Judged(Outcome.TRUNCATED, "", f"no terminal frame after '{text[-BEGINNING:]}'")
        node = self._check(text) if last_is_whole else None
        if node is None:
            return Judged(Outcome.WRONG, "", f"not the answer to this prompt: '{text[:BEGINNING]}'")
        return Judged(Outcome.OK, node, text[:BEGINNING])


class Model(OverHttp, ABC):
    """The answers of tiny and slow are known word for word; of another model's answer the terminal line is required,
    and ``pattern`` must be found in it."""

    path: str

    def __init__(self, options: Options, seed: int) -> None:
        self._model = options.text("model", "tiny")
        self._prompt = options.text("prompt", "hello {digit}")
        self._tokens = options.count("tokens", 8, 1, 1_000_000)
        self._stream = options.flag("stream", True)
        self._pattern = options.pattern("pattern")
        self._seed = seed
        self._known = self._model.removesuffix(":latest") in KNOWN_MODELS
        if self._known and self._pattern:
            raise options.wrong("pattern", f"is for other models: every token of {self._model} is known, leave it out")
        if not self._model:
            raise options.wrong("model", "is empty: write a model's name, such as tiny")

    @abstractmethod
    def _body(self, prompt: str) -> Mapping[str, object]:
        """The request's body, as JSON."""

    @abstractmethod
    def _reading(self, check: Check) -> Callable[[], Answer]:
        """What makes a new reader of an answer."""

    def _right(self, start: int) -> Check:
        tokens = self._tokens
        return lambda text: node_of(text, start, tokens)

    def questions(self) -> tuple[Request, ...]:
        return tuple(self._question(prompt) for (prompt,) in by_digit(self._prompt))

    def _question(self, prompt: str) -> Request:
        check = self._right(start_of(prompt)) if self._known else self._matches
        return Request("POST", self.path, msgspec.json.encode(self._body(prompt)), self._reading(check))

    def _matches(self, text: str) -> str | None:
        return "" if self._pattern is None or self._pattern.search(text) else None


class Chat(Model):
    """A conversation of one message. Servers may trim the blank before an answer's first word: both are right."""

    def _right(self, start: int) -> Check:
        tokens = self._tokens
        return lambda text: node_of(text if text.startswith(" ") else f" {text}", start, tokens)

    def _messages(self, prompt: str) -> list[dict[str, str]]:
        return [{"role": "user", "content": prompt}]
