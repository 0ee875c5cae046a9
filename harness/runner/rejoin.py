"""Nodes that own their namespaces: one that is started again has another, and its old sidecar sits where nobody is.

The new one joins in a thread of its own, one after the other; a node may be started again meanwhile. Only the deciding
thread knows which start was the last: what comes of an earlier one is dropped.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from harness import wire
from harness.clock import to_ns
from harness.engine import RunningCluster, Stream
from harness.errors import HarnessError
from harness.recording import events
from harness.runner.agenda import Agenda
from harness.runner.hearing import Hearing
from harness.runner.inbox import Call, Inbox
from harness.runner.ledger import Ledger
from harness.runner.programs import Programs

_HEARD_S = 2.0  # so long after it happened at the latest the engine has said that a node ended


@runtime_checkable
class Joining(RunningCluster, Protocol):
    """A running cluster whose nodes own their namespaces."""

    def rejoin(self, node: str) -> tuple[wire.Address, ...]:
        """A new sidecar in the namespace that the node has now; everybody's addresses then."""


@dataclass
class Rejoin:
    """``orders``: what agents are told first. ``faults``: those with parts in a node's pod, over or not.

    ``arms``: what is to be in force there, from now on.
    """

    running: Joining
    hearing: Hearing
    ledger: Ledger
    programs: Programs
    inbox: Inbox
    agenda: Agenda
    orders: Callable[[Sequence[wire.Address]], Mapping[str, wire.Prepare]]
    faults: Callable[[str], Collection[str]]
    arms: Callable[[str], Iterable[wire.Arm]]
    _turns: Counter[str] = field(default_factory=Counter)
    _worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="rejoin"))

    def changed(self, node: str, action: str) -> None:
        """The node's container ended or was started, by whomever."""
        if self.hearing.leaving or action not in ("die", "start"):
            return
        self._turns[node] += 1
        if action == "start":
            self._forget(node)
            self._worker.submit(self._join, node, self._turns[node])

    def close(self) -> None:
        """Back when nothing joins any more: what is started after all was removed would stay."""
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _forget(self, node: str) -> None:
        """The old agent is heard no more, and what was in force in its namespace went with it."""
        self.programs.lost(node)
        self.hearing.prepared.discard(node)
        self.hearing.anew.add(node)
        there = self.faults(node)
        now_ns = self.ledger.now_ns()
        counted = self.hearing.counters.get(node)
        for fault in [fault for fault, where in self.ledger.open() if where == node and fault in there]:
            met = next((met for met in counted.met if met.fault == fault), None) if counted else None
            figures = (met.packets, met.bytes, met.echoes) if met else (0, 0, 0)
            self.ledger.healed(events.FaultHealed(now_ns, fault, node, now_ns, now_ns, "end", *figures))

    def _join(self, node: str, turn: int) -> None:
        if self._turns[node] != turn:
            return
        try:
            addresses = self.running.rejoin(node)
            stream = self.running.open_agent(node)
        except HarnessError as error:
            text = f"The sidecar of {node} could not join it after its restart: {error}"
            self.inbox.put(Call(lambda: self._failed(node, turn, text)))
        else:
            self.inbox.put(Call(lambda: self._attach(node, turn, addresses, stream)))

    def _failed(self, node: str, turn: int, text: str) -> None:
        """Nothing can join a node that has ended meanwhile; then its next start matters, not this one."""

        def complain() -> None:
            if self._turns[node] == turn:
                self.hearing.trouble("agent-lost", text)

        self.agenda.add(self.ledger.now_ns() + to_ns(_HEARD_S), complain)

    def _attach(self, node: str, turn: int, addresses: Sequence[wire.Address], stream: Stream) -> None:
        if self._turns[node] != turn or self.hearing.leaving:
            stream.close()
            return
        self.programs.replace(node, stream)
        self.programs.send(node, self.orders(addresses)[node])
        for arm in self.arms(node):
            self.programs.send(node, arm)
