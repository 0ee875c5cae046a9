"""OpenAI's API as others speak it, too: ``/v1/chat/completions``, streamed as server-sent events.

Source: the API reference of chat completions (the chunk object, and the ``[DONE]`` that ends a stream), and the WHATWG
HTML standard on event streams for the lines: ``data: TEXT``, a colon begins a comment, and other fields are not ours.
"""

from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from harness.client.asking import Answer
from harness.client.models import Chat, Check, Streamed

_NOT_OURS = (b":", b"event:", b"id:", b"retry:")


class _Text(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Text | None = None
    message: _Text | None = None  # in place of ``delta`` where the answer is not streamed
    finish_reason: str | None = None


class _Error(msgspec.Struct):
    message: str = ""


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    error: _Error | str | None = None


_decode_chunk = msgspec.json.Decoder(_Chunk).decode


class _Events(Streamed):
    """``data: {chunk}`` again and again, and ``data: [DONE]``.

    An answer that is not streamed, and an error with another status than 200, is one JSON document without ``data:``.
    """

    __slots__ = ("_streamed",)

    def __init__(self, check: Check, streamed: bool) -> None:
        super().__init__(check)
        self._streamed = streamed

    def _line(self, line: bytes) -> bool:
        line = line.rstrip(b"\r")
        if not line or line.startswith(_NOT_OURS):
            return True
        if self._done:
            return False  # nothing comes after [DONE]
        if line.startswith(b"data:"):
            line = line[5:].removeprefix(b" ")
            if line == b"[DONE]":
                self._done = True
                return True
        try:
            return self._chunk(_decode_chunk(line))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return False

    def _chunk(self, chunk: _Chunk) -> bool:
        if chunk.error is not None:
            self._error = self._error or (chunk.error if isinstance(chunk.error, str) else chunk.error.message)
        for choice in chunk.choices[:1]:  # one was asked for
            said = choice.delta or choice.message
            self._texts.append((said and said.content) or "")
            self._done = choice.finish_reason is not None and not self._streamed
        return True


class OpenaiChat(Chat):
    """``POST /v1/chat/completions``."""

    path = "/v1/chat/completions"

    def _body(self, prompt: str) -> Mapping[str, object]:
        sampling = {"max_tokens": self._tokens, "temperature": 0, "seed": self._seed}
        return {"model": self._model, "messages": self._messages(prompt), "stream": self._stream, **sampling}

    def _reading(self, check: Check) -> Callable[[], Answer]:
        return partial(_Events, check, self._stream)
