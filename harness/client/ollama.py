"""Ollama's own API: ``/api/generate`` and ``/api/chat``, streamed as NDJSON."""

from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from harness.client.asking import Answer
from harness.client.models import Chat, Check, Model, Streamed


class _Message(msgspec.Struct):
    content: str = ""


class _Frame(msgspec.Struct):
    response: str = ""
    done: bool = False
    error: str | None = None


class _ChatFrame(msgspec.Struct):
    message: _Message | None = None
    done: bool = False
    error: str | None = None


_decode_frame = msgspec.json.Decoder(_Frame).decode
_decode_chat_frame = msgspec.json.Decoder(_ChatFrame).decode


class _Frames(Streamed):
    """The body of ``/api/generate``; the terminal frame says ``"done": true``."""

    __slots__ = ()

    def _line(self, line: bytes) -> bool:
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


class _ChatFrames(Streamed):
    """The body of ``/api/chat``: the same, but for where the text is."""

    __slots__ = ()

    def _line(self, line: bytes) -> bool:
        try:
            frame = _decode_chat_frame(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return False
        if self._done:
            return False
        if frame.message:
            self._texts.append(frame.message.content)
        self._done = frame.done
        self._error = self._error or frame.error
        return True


class OllamaGenerate(Model):
    """``POST /api/generate``."""

    path = "/api/generate"

    def _body(self, prompt: str) -> Mapping[str, object]:
        sampling = {"num_predict": self._tokens, "temperature": 0, "seed": self._seed}
        return {"model": self._model, "prompt": prompt, "stream": self._stream, "options": sampling}

    def _reading(self, check: Check) -> Callable[[], Answer]:
        return partial(_Frames, check)


class OllamaChat(Chat):
    """``POST /api/chat``."""

    path = "/api/chat"

    def _body(self, prompt: str) -> Mapping[str, object]:
        sampling = {"num_predict": self._tokens, "temperature": 0, "seed": self._seed}
        return {"model": self._model, "messages": self._messages(prompt), "stream": self._stream, "options": sampling}

    def _reading(self, check: Check) -> Callable[[], Answer]:
        return partial(_ChatFrames, check)
