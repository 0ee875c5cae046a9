"""What every client has in common: questions that are made before the load begins, and how their answers are read.

A client is a short cycle of questions; operation number i asks question i modulo their number. Everything that can be
made before the load begins is made then, so that sending costs nothing but the write.
"""

from typing import NamedTuple, Protocol

from harness.operations import Outcome

BEGINNING = 120  # how much of an answer is quoted
DIGITS = "0123456789"


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
        """The answer is whole, with this HTTP status (0 where there is none): is it the right one?"""


class Straight:
    """A client whose connections go where its questions do, and that has nothing of its own to end."""

    def at(self, host: str, port: int) -> tuple[str, int]:
        return host, port

    def close(self) -> None:
        pass


class Question(Protocol):
    def request(self, host: str, port: int, keep: bool) -> bytes:
        """What is written; ``keep``: the connection is to be used again."""

    def answer(self) -> Answer:
        """A new reader of the answer to it."""


def not_answered(status: int, beginning: str) -> Judged:
    """What another HTTP status than the right one means."""
    text = f"HTTP {status}: {beginning}"
    if status >= 500:
        return Judged(Outcome.SERVER_ERROR, "", text)
    return Judged(Outcome.CLIENT_ERROR if status >= 400 else Outcome.WRONG, "", text)


def by_digit(*texts: str) -> tuple[tuple[str, ...], ...]:
    """The texts with ``{digit}`` put in: once for each digit, or only once where none of them has it."""
    if not any("{digit}" in text for text in texts):
        return (texts,)
    return tuple(tuple(text.replace("{digit}", digit) for text in texts) for digit in DIGITS)


class Page:
    """A body in which ``needle`` must be found, wherever its pieces are cut. ``status``: the right one."""

    def __init__(self, status: int, needle: bytes) -> None:
        self._status = status
        self._needle = needle
        self._found = not needle
        self._beginning = b""
        self._tail = b""

    def feed(self, data: bytes) -> None:
        if len(self._beginning) < BEGINNING:
            self._beginning += data[:BEGINNING]
        if not self._found:
            seen = self._tail + data
            self._found = self._needle in seen
            self._tail = seen[len(seen) - len(self._needle) + 1 :] if len(seen) >= len(self._needle) else seen

    def judge(self, status: int) -> Judged:
        beginning = self._beginning[:BEGINNING].decode("utf-8", "replace")
        if status != self._status:
            return not_answered(status, beginning)
        if not self._found:
            return Judged(Outcome.WRONG, "", f"'{self._needle.decode()}' is not in '{beginning}'")
        return Judged(Outcome.OK, "", beginning)
