"""``python -m harness.agent.beside.keeper``: makes one change beside a node, and undoes it when nobody asks any more.

It hears an ``Order`` and then the words ``apply``, ``undo`` and ``count``, one a line, and answers each by one ``Said``
(``apply`` by two). End of input (its agent is gone), SIGTERM and its own deadline undo what is in force.
"""

import os
import select
import signal
import sys
from contextlib import suppress
from typing import Any, Literal

import msgspec

from harness.agent.beside.processes import OURS
from harness.agent.beside.trades import TRADES
from harness.agent.beside.work import Work
from harness.agent.mortal import call_ourselves
from harness.clock import monotonic_ns, to_ns, to_s
from harness.errors import AgentError
from harness.primitives import BesidePrimitive

NO_MEMORY = msgspec.Raw(b"null")


class Order(msgspec.Struct, frozen=True):
    """``memory``: of a keeper that is dead: undo what it did, and end; ``null``: there was none."""

    primitive: BesidePrimitive
    lease_s: float
    memory: msgspec.Raw = NO_MEMORY


class Said(msgspec.Struct, frozen=True):
    """``refused``: ``text`` says why, and nothing is in force. ``undone``: ``left`` says what could not be."""

    what: Literal["ready", "refused", "planned", "applied", "undone", "count"]
    text: str = ""
    memory: msgspec.Raw = NO_MEMORY
    left: tuple[str, ...] = ()
    met: int = 0


class Keeper:
    """One change and its state."""

    def __init__(self, work: Work[Any, Any], lease_s: float) -> None:
        self._work = work
        self._lease_s = lease_s
        self._memory: msgspec.Struct | None = None  # of what is in force
        self._deadline_ns: int | None = None
        self._rest = b""

    def serve(self) -> None:
        """Until end of input."""
        try:
            while (line := self._next()) != "":
                if line == "apply":
                    self._apply()
                elif line == "count":
                    say(Said("count", met=self._work.met()))
                else:
                    say(self._undo())
        finally:
            self._undo()

    def _next(self) -> str:
        """The next word; ``undo`` when the deadline has passed; empty at the end of input."""
        while b"\n" not in self._rest:
            wait_s = None if self._deadline_ns is None else max(0.0, to_s(self._deadline_ns - monotonic_ns()))
            if not select.select([0], [], [], wait_s)[0]:
                self._undo()  # nobody asked, so nobody is answered
                continue
            data = os.read(0, 4096)
            if not data:
                return ""
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def _apply(self) -> None:
        try:
            memory = self._work.plan()
            say(Said("planned", memory=msgspec.Raw(msgspec.json.encode(memory))))
            self._memory, self._deadline_ns = memory, monotonic_ns() + to_ns(self._lease_s)
            self._work.apply(memory, self._lease_s)
        except AgentError as error:
            left = self._undo().left
            say(Said("refused", "; ".join((str(error), *left))))
        else:
            say(Said("applied"))

    def _undo(self) -> Said:
        memory, self._deadline_ns = self._memory, None
        if memory is None:
            return Said("undone", met=self._work.met())
        said = undone(self._work, memory)
        if not said.left:
            self._memory = None
        return said


def undone(work: Work[Any, Any], memory: msgspec.Struct) -> Said:
    try:
        work.undo(memory)
        return Said("undone", left=tuple(work.left(memory)), met=work.met())
    except AgentError as error:
        return Said("undone", left=(str(error),), met=work.met())


def say(said: Said) -> None:
    """To an agent that may be gone."""
    with suppress(OSError):
        os.write(1, msgspec.json.encode(said) + b"\n")


def main() -> None:
    call_ourselves(OURS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    order = msgspec.json.decode(_line(), type=Order)
    work = TRADES[type(order.primitive)].work(order.primitive)
    if bytes(order.memory) != bytes(NO_MEMORY):
        say(undone(work, msgspec.json.decode(order.memory, type=work.memory)))
        return
    try:
        work.check()
    except AgentError as error:
        say(Said("refused", str(error)))
        return
    say(Said("ready"))
    Keeper(work, order.lease_s).serve()


def _line() -> bytes:
    """Byte by byte: what comes after it is the keeper's to wait for."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            sys.exit(0)
        line += byte
    return line


if __name__ == "__main__":
    main()
