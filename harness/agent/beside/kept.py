"""The mechanism of everything beside a node: one keeper for each change, and a witness in the agent itself."""

import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from harness.agent.beside.keeper import Order, Said
from harness.agent.beside.trades import TRADES
from harness.agent.beside.work import Witness
from harness.clock import monotonic_ns, to_ns, to_s
from harness.errors import AgentError
from harness.primitives import AgentPrimitive, Beside, BesidePrimitive
from harness.wire import Met

_READY_S = 10.0  # a program that starts on a busy machine
_APPLY_S = 10.0
_UNDO_S = 5.0
_COUNT_S = 0.2


class Child:
    """A keeper and the pipe to it."""

    def __init__(self, order: Order) -> None:
        command = (sys.executable, "-m", "harness.agent.beside.keeper")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, bufsize=0
        )
        self._rest = b""
        self.tell(msgspec.json.encode(order))

    def tell(self, line: bytes) -> None:
        """A keeper that is gone is found out by ``hear``."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.write(line + b"\n")

    def hear(self, within_s: float) -> Said:
        """Its next message; ``AgentError`` if it is gone or says nothing."""
        assert self._process.stdout is not None
        out, until_ns = self._process.stdout.fileno(), monotonic_ns() + to_ns(within_s)
        while b"\n" not in self._rest:
            if not select.select([out], [], [], max(0.0, to_s(until_ns - monotonic_ns())))[0]:
                raise AgentError(f"its keeper has said nothing for {within_s:g} s")
            data = os.read(out, 65536)
            if not data:
                raise AgentError(f"its keeper is gone (status {self._process.poll()})")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return msgspec.json.decode(line, type=Said)

    def close(self) -> None:
        """End of input: it undoes what is in force and ends; killed when it does not."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(_UNDO_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@dataclass(slots=True)
class Change:
    """One primitive of one fault. ``memory``: what undoing needs, as long as it may be in force.

    ``left``: what still held after it was last healed; None: it was not healed since it was last fired, or armed.
    """

    primitive: BesidePrimitive
    lease_s: float
    child: Child
    witness: Witness[Any]
    memory: msgspec.Raw | None = None
    met: int = 0
    left: Sequence[str] | None = None


class Kept:
    """A ``Mechanism`` for every primitive that has a trade."""

    def __init__(self) -> None:
        self._changes: dict[str, list[Change]] = {}

    def takes(self, primitive: AgentPrimitive) -> bool:
        return type(primitive) in TRADES

    def arm(self, fault: str, primitives: Sequence[AgentPrimitive], lease_s: float) -> None:
        self.forget(fault)
        changes = self._changes[fault] = []
        for primitive in primitives:
            if not isinstance(primitive, Beside):
                raise AgentError(f"{fault}: {primitive.says()}: nothing beside a node can do that")
            asked: BesidePrimitive = primitive
            child = Child(Order(asked, lease_s))
            changes.append(Change(asked, lease_s, child, TRADES[type(asked)].witness(asked)))
        for change in changes:  # they start side by side
            said = change.child.hear(_READY_S)
            if said.what != "ready":
                raise AgentError(f"{fault}: {change.primitive.says()}: {said.text}")

    def fire(self, fault: str) -> None:
        """Back when every keeper has done it, so that what is stamped around this is when it came into force."""
        for change in self._changes[fault]:
            change.left = None
            change.child.tell(b"apply")
        for change in self._changes[fault]:
            try:
                self._await_applied(change)
            except AgentError as error:
                raise AgentError(f"{fault}: {change.primitive.says()}: {error}") from error

    def confirm_fired(self, fault: str) -> None:
        for change in self._changes[fault]:
            if not change.child.alive():
                raise AgentError(f"{fault}: {change.primitive.says()}: its keeper is gone, and so may be the change")

    def heal(self, fault: str) -> None:
        """All are told, and then each is waited for; what could not be undone is in ``left``."""
        told = [change for change in self._changes.get(fault, ()) if change.left is None]
        for change in told:
            change.child.tell(b"undo")
        for change in told:
            change.left = self._await_undone(change)
            change.witness.changed()

    def left(self, fault: str) -> Sequence[str]:
        return [
            f"{change.primitive.says()}: {what}"
            for change in self._changes.get(fault, ())
            for what in (change.left if change.left is not None else ("it is still in force",))
            if change.memory is not None
        ]

    def forget(self, fault: str) -> None:
        for change in self._changes.pop(fault, ()):
            change.child.close()
            change.witness.close()

    def met(self, fault: str) -> Met:
        for change in self._changes.get(fault, ()):
            if change.memory is not None and change.left is None:
                with suppress(AgentError):
                    change.child.tell(b"count")
                    change.met = max(change.met, self._answer(change, "count", _COUNT_S).met)
        return Met(fault, sum(change.met for change in self._changes.get(fault, ())), 0, 0)

    def readings(self, fault: str) -> Mapping[str, float]:
        """Of several changes on one node under one name, the sum."""
        total: dict[str, float] = {}
        for change in self._changes.get(fault, ()):
            for name, value in change.witness.readings().items():
                total[name] = total.get(name, 0.0) + value
        return total

    def elements(self) -> int:
        return sum(change.memory is not None for changes in self._changes.values() for change in changes)

    def leave(self) -> None:
        for fault in tuple(self._changes):
            self.heal(fault)
        for fault in tuple(self._changes):
            self.forget(fault)

    def _await_applied(self, change: Change) -> None:
        said = self._hear(change, _APPLY_S)
        if said.what == "planned":
            change.memory = said.memory
            change.witness.told(bytes(said.memory))
            said = self._hear(change, _APPLY_S)
        if said.what != "applied":
            raise AgentError(said.text)
        change.witness.changed()

    def _await_undone(self, change: Change) -> Sequence[str]:
        try:
            said = self._answer(change, "undone", _UNDO_S)
        except AgentError as error:
            said = self._succeed(change, error)
        change.met = max(change.met, said.met)
        if not said.left:
            change.memory = None
        return said.left

    def _succeed(self, change: Change, why: AgentError) -> Said:
        """The keeper is dead or stuck: another one undoes what it did."""
        change.child.kill()
        if change.memory is not None:
            successor = Child(Order(change.primitive, change.lease_s, change.memory))
            try:
                said = successor.hear(_READY_S)
            except AgentError as error:
                return Said("undone", left=(f"{why}, and the next one: {error}",))
            finally:
                successor.close()
        else:
            said = Said("undone")
        return said

    @staticmethod
    def _hear(change: Change, within_s: float) -> Said:
        """Past the late answers to what was asked before."""
        while True:
            said = change.child.hear(within_s)
            if said.what not in ("count", "undone"):
                return said

    @staticmethod
    def _answer(change: Change, what: str, within_s: float) -> Said:
        while True:
            said = change.child.hear(within_s)
            if said.what == what:
                return said
