"""Is every node ready? Asked until each gives the answer it must give, by the load's own client."""

import threading
import time
from collections.abc import Callable
from itertools import count

from harness.cluster import Cluster
from harness.runner.programs import LOAD
from harness.weave import HEALTHCHECK, Readiness
from harness.wire import Answered, Message, Once

_ASK_EVERY_NS = 100_000_000
_ASK_TIMEOUT_S = 3.0


class _Answer:
    """One that a thread waits for."""

    def __init__(self) -> None:
        self._right = False
        self._there = threading.Event()

    def put(self, right: bool) -> None:
        self._right = right
        self._there.set()

    def right_by(self, deadline_s: float) -> bool:
        return self._there.wait(max(0.0, deadline_s - time.monotonic())) and self._right


def _beginning(question: Readiness) -> str:
    return "its health check has not ended yet" if question.client == HEALTHCHECK else "was not asked yet"


class Asking:
    """One question in flight per node that has not answered yet; a node without a question is ready when it runs."""

    def __init__(self, cluster: Cluster, ready: tuple[Readiness, ...], send: Callable[[str, Message], None]) -> None:
        self._cluster, self._send = cluster, send
        self._ready = ready
        self._open = dict(enumerate(ready))
        self._numbers = count(len(ready))
        self._again: dict[int, _Answer] = {}
        self._in_flight: set[int] = set()
        self._last: dict[str, str] = {question.node: _beginning(question) for question in ready}
        self._next_ns = 0

    def anew(self) -> None:
        """From the beginning, as if nobody had answered yet."""
        self._open, self._next_ns = dict(enumerate(self._ready)), 0
        self._in_flight.clear()

    def answers(self) -> tuple[tuple[str, bool, str], ...]:
        """(node, whether all its answers were right, the last one) of every node that has a question."""
        silent = {question.node for question in self._open.values()}
        return tuple((node, node not in silent, text) for node, text in self._last.items())

    def done(self) -> bool:
        return not self._open

    def patience_s(self, usual_s: float) -> float:
        """How long to wait for all: longer than one of the answers may take."""
        return max([usual_s, *(question.timeout_s + 5.0 for question in self._ready if question.timeout_s)])

    def waiting_for(self) -> str:
        said = ", ".join(f"{question.node} ({self._last[question.node]})" for question in self._open.values())
        return f"a right answer from {said}"

    def summary(self) -> str:
        checked = {question.node for question in self._ready if question.client == HEALTHCHECK}
        said = (f"{n}: {text}" if n in checked else f'{n} answered "{text}"' for n, text in self._last.items())
        return "; ".join(said) or "nothing was asked"

    def ask(self, now_ns: int) -> None:
        """Ask again whoever has not answered; at most ten times a second."""
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + _ASK_EVERY_NS
        for number in self._open.keys() - self._in_flight:
            if self._open[number].client != HEALTHCHECK:
                self._in_flight.add(number)
                self._send_question(number, self._open[number])

    def checked(self, node: str, status: str) -> None:
        """The engine says what came of a node's own health check: ``healthy`` or ``unhealthy``."""
        for number, question in [*self._open.items()]:
            if question.node == node and question.client == HEALTHCHECK:
                self._last[node] = f"its health check says {status}"
                if status == "healthy":
                    del self._open[number]

    def again(self, node: str) -> bool:
        """One more round of this node's questions, from a thread that waits for the answers: are all of them right?"""
        asked = (question for question in self._ready if question.node == node and question.client != HEALTHCHECK)
        waiting = [self._send_again(question) for question in asked]
        deadline_s = time.monotonic() + _ASK_TIMEOUT_S + 0.5
        return all(answer.right_by(deadline_s) for answer in waiting)

    def _send_again(self, question: Readiness) -> "_Answer":
        number, answer = next(self._numbers), _Answer()
        self._again[number] = answer
        self._send_question(number, question)
        return answer

    def _send_question(self, number: int, question: Readiness) -> None:
        node = self._cluster.node(question.node)
        port = question.port or (node.ports[0] if node.ports else 80)
        timeout_s = question.timeout_s or _ASK_TIMEOUT_S
        self._send(LOAD, Once(number, question.client, node.name, port, timeout_s, question.options))

    def answered(self, message: Answered) -> None:
        if waited_for := self._again.pop(message.id, None):
            waited_for.put(message.outcome == "OK")
        self._in_flight.discard(message.id)
        question = self._open.get(message.id)
        if question is None:
            return
        good = message.outcome == "OK"
        self._last[question.node] = message.text if good else f"{message.outcome.lower()}: {message.text}".rstrip(": ")
        if good:
            del self._open[message.id]
