"""One operation in flight: what was asked, when, and how it ended. It ends exactly once."""

from collections.abc import Callable
from typing import Protocol

from harness.client.asking import Answer
from harness.clock import monotonic_ns
from harness.operations import Operation, Outcome

_SIZE_MAX = (1 << 32) - 1


class Asked(Protocol):
    """Whoever can be asked: connections to one target, most often."""

    def ask(self, exchange: "Exchange") -> None:
        """Send it now, or as soon as it can be. Every end of it is told by ``exchange``."""


def _nothing() -> None:
    pass


class Exchange:
    """``sent_ns`` is when sending began, be it by a write or by opening a connection: how late the generator was.

    ``written``: some of the request may have left us. ``abandon`` gives up what it is waiting for (a connection, or an
    answer); whoever it waits for sets it.
    """

    __slots__ = (
        *("_when_ended", "abandon", "answer", "done_ns", "due_ns", "node", "outcome"),
        *("request", "sent_ns", "size_bytes", "status", "text", "written"),
    )

    def __init__(self, due_ns: int, request: bytes, answer: Answer, when_ended: Callable[["Exchange"], None]) -> None:
        self.due_ns = due_ns
        self.request = request
        self.answer = answer
        self.abandon: Callable[[], object] = _nothing
        self.sent_ns = monotonic_ns()
        self.done_ns = 0
        self.outcome = Outcome.OK
        self.status = 0
        self.size_bytes = 0
        self.node = ""
        self.text = ""
        self.written = False
        self._when_ended = when_ended

    @property
    def ended(self) -> bool:
        return self.done_ns != 0

    def end(self, outcome: Outcome, text: str = "", node: str = "") -> None:
        """The first end counts; later ones are its consequences."""
        if self.done_ns:
            return
        self.done_ns = monotonic_ns()
        self.outcome = outcome
        self.text = text
        self.node = node
        self.abandon = _nothing
        self._when_ended(self)

    def time_out(self) -> None:
        abandon = self.abandon
        self.end(Outcome.TIMED_OUT, "no whole answer in time")
        abandon()

    def operation(self) -> Operation:
        """The record of an exchange that has ended."""
        return Operation(
            self.due_ns,
            self.sent_ns,
            self.done_ns,
            min(self.size_bytes, _SIZE_MAX),
            self.outcome,
            self.status // 100,
            self.node,
        )
