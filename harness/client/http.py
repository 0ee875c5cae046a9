"""HTTP/1.1: requests, the connections that their answers come over, and the plain client."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpResponseParser

from harness.client.asking import BEGINNING, Answer, Judged, Page, Straight, by_digit
from harness.client.connection import Connection, Opening
from harness.client.exchange import Exchange
from harness.client.options import Options
from harness.client.turns import InTurn
from harness.jsonpath import JsonPath
from harness.operations import Outcome
from harness.request import METHODS, SENT_MAX_BYTES, header

_FRAMING = (b"content-length", b"transfer-encoding")
_DOCUMENT_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, and how to read its answer. ``headers``: those that are not ours to write."""

    method: str
    path: str
    body: bytes
    answer: Callable[[], Answer]
    headers: tuple[str, ...] = ()

    def request(self, host: str, port: int, keep: bool) -> bytes:
        """Its bytes."""
        lines = [
            f"{self.method} {self.path} HTTP/1.1",
            f"Host: {f'[{host}]' if ':' in host else host}:{port}",
            f"Connection: {'keep-alive' if keep else 'close'}",
            *self.headers,
        ]
        if self.body:
            lines += _type_of(self.headers, "application/json")
        if self.body or self.method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def _type_of(headers: tuple[str, ...], otherwise: str) -> tuple[str, ...]:
    given = any(header.lower().startswith("content-type:") for header in headers)
    return () if given else (f"Content-Type: {otherwise}",)


class HttpConnection(Connection):
    """The answer's headers say where it ends; without such, the end of the connection does."""

    def __init__(self, when_free: Callable[[Connection], None], when_lost: Callable[[Connection], None]) -> None:
        super().__init__(when_free, when_lost)
        self._parser = HttpResponseParser(self)
        self._begin()

    def _begin(self) -> None:
        self._answered = False
        self._has_headers = False
        self._framed = False
        self._complete = False
        self._kept = False

    def _read(self, exchange: Exchange, data: memoryview) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserCallbackError:
            raise  # a fault of ours, not of the answer
        except (HttpParserError, HttpParserUpgrade) as error:
            if not self._complete:
                self._refuse(exchange, f"the answer is not HTTP: {error}")
            else:
                self.abort()
        if self._complete:
            self._judge(exchange)

    def _ended_by_closing(self) -> bool:
        return self._has_headers and not self._framed  # HTTP/1.0's way

    def connection_lost(self, exc: Exception | None) -> None:
        del self._parser  # it knows us as we know it, and nothing collects such rings while a load runs
        super().connection_lost(exc)

    # --- what the parser calls ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._complete:
            self.abort()  # more than was asked for

    def on_header(self, name: bytes, value: bytes) -> None:
        self._framed = self._framed or name.lower() in _FRAMING

    def on_headers_complete(self) -> None:
        if self._exchange and not self._complete:
            self._has_headers = True
            self._exchange.status = self._parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        if self._exchange and not self._complete:
            self._exchange.size_bytes += len(data)
            self._exchange.answer.feed(data)

    def on_message_complete(self) -> None:
        if self._exchange and self._exchange.status < 200:
            self._has_headers = self._framed = False  # 1xx only announces an answer
        elif self._exchange:
            self._complete = True
            self._kept = self._parser.should_keep_alive()  # only here does it speak of this message


class OverHttp(InTurn, Straight):
    """What every client over HTTP has in common."""

    def opening(self, host: str, port: int) -> Opening:
        return HttpConnection


class _Document(Page):
    """A page that must be JSON, too, with the value at ``path``."""

    def __init__(self, status: int, needle: bytes, path: JsonPath) -> None:
        super().__init__(status, needle)
        self._path = path
        self._whole = bytearray()

    def feed(self, data: bytes) -> None:
        super().feed(data)
        if len(self._whole) <= _DOCUMENT_MAX_BYTES:
            self._whole += data

    def judge(self, status: int) -> Judged:
        judged = super().judge(status)
        if judged.outcome is not Outcome.OK:
            return judged
        if len(self._whole) > _DOCUMENT_MAX_BYTES:
            return Judged(Outcome.WRONG, "", f"a document of more than {_DOCUMENT_MAX_BYTES} bytes")
        problem = self._path.problem(bytes(self._whole))
        return Judged(Outcome.WRONG, "", problem[:BEGINNING]) if problem else judged


class Http(OverHttp):
    """Any request: the status must be ``status`` (no redirect is followed), ``body`` must be in the body, and ``json``
    must hold in it. ``size``: a body of so many letters, the same for the same seed."""

    def __init__(self, options: Options, seed: int) -> None:
        self._path = options.text("path", "/")
        self._method = options.text("method", "GET")
        headers = options.text("headers", "").split("\n")
        self._send = options.text("send", "")
        size_bytes = options.count("size", 0, 0, SENT_MAX_BYTES)
        self._status = options.count("status", 200, 200, 599)
        self._body = options.text("body", "")
        self._json = self._path_in_json(options)
        if not re.fullmatch(r"/[!-~]*", self._path):
            raise options.wrong("path", f"is '{self._path}': write an absolute path without spaces, such as /health")
        if self._method not in METHODS:
            raise options.wrong("method", f"is '{self._method}': write one of {', '.join(METHODS)}")
        self._headers = tuple(self._header(options, text) for text in headers if text)
        if size_bytes:
            self._send = Random(seed).randbytes(size_bytes // 2 + 1).hex()[:size_bytes]
            self._headers = (*self._headers, *_type_of(self._headers, "application/octet-stream"))

    @staticmethod
    def _header(options: Options, text: str) -> str:
        try:
            return header(text)
        except ValueError as error:
            raise options.wrong("headers", str(error)) from error

    @staticmethod
    def _path_in_json(options: Options) -> JsonPath | None:
        text = options.text("json", "")
        try:
            return JsonPath.parse(text) if text else None
        except ValueError as error:
            raise options.wrong("json", str(error)) from error

    def questions(self) -> tuple[Request, ...]:
        return tuple(
            Request(self._method, path, send.encode(), partial(self._answer, body.encode()), self._headers)
            for path, send, body in by_digit(self._path, self._send, self._body)
        )

    def _answer(self, needle: bytes) -> Answer:
        if self._json:
            return _Document(self._status, needle, self._json)
        return Page(self._status, needle)
