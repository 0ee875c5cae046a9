"""Lines over TCP: one is sent, so many come back."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.client.asking import Answer, Page, Straight, by_digit
from harness.client.connection import Connection, Opening
from harness.client.exchange import Exchange
from harness.client.options import Options
from harness.client.turns import InTurn

_ANSWER_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """``text`` goes out with an end of line; ``expect`` must be in what comes back."""

    text: str
    expect: bytes

    def request(self, host: str, port: int, keep: bool) -> bytes:
        return self.text.encode() + b"\n"

    def answer(self) -> Answer:
        return Page(0, self.expect)


@dataclass(frozen=True, slots=True)
class LinesOpening:
    """``lines``: how many an answer has."""

    lines: int

    def __call__(
        self, when_free: Callable[[Connection], None], when_lost: Callable[[Connection], None]
    ) -> "LinesConnection":
        return LinesConnection(self.lines, when_free, when_lost)


class LinesConnection(Connection):
    """An answer ends with its last line."""

    def __init__(
        self, lines: int, when_free: Callable[[Connection], None], when_lost: Callable[[Connection], None]
    ) -> None:
        super().__init__(when_free, when_lost)
        self._lines = lines
        self._left = lines

    def _begin(self) -> None:
        super()._begin()
        self._left = self._lines

    def _read(self, exchange: Exchange, data: memoryview) -> None:
        came = bytes(data)
        self._left -= came.count(b"\n")
        exchange.size_bytes += len(came)
        exchange.answer.feed(came)
        if self._left < 0 or (self._left == 0 and not came.endswith(b"\n")):
            # Nobody knows what the rest belongs to.
            self._refuse(exchange, f"more than {self._lines} lines came: {came[-60:]!r}")
        elif self._left == 0:
            self._judge(exchange)
        elif exchange.size_bytes > _ANSWER_MAX_BYTES:
            self._refuse(exchange, f"a line of more than {_ANSWER_MAX_BYTES} bytes")


class Tcp(InTurn, Straight):
    """``send`` and ``expect`` may have ``{digit}`` in them, which counts from 0 to 9."""

    def __init__(self, options: Options, seed: int) -> None:
        self._send = options.text("send", "PING")
        self._expect = options.text("expect", "")
        self._lines = options.count("lines", 1, 1, 1000)
        if "\n" in self._send:
            raise options.wrong("send", "has more than one line: write one")

    def questions(self) -> tuple[Line, ...]:
        return tuple(Line(send, expect.encode()) for send, expect in by_digit(self._send, self._expect))

    def opening(self, host: str, port: int) -> Opening:
        return LinesOpening(self._lines)
