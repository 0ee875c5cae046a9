"""The mechanism of ``Resolve`` and ``Tamper``: the kernel redirects to a child process that answers or passes on."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from harness.agent.kernel import Kernel, end_sockets
from harness.agent.packets import by_version
from harness.agent.place import compare
from harness.agent.redirect import flows, nat, orders
from harness.agent.redirect.child import Child
from harness.agent.redirect.nat import Redirect, redirect_of
from harness.agent.redirect.witness import Asker, Echoer, Witness, resolver_of
from harness.clock import monotonic_ns, to_ns
from harness.errors import AgentError
from harness.primitives import AgentPrimitive, Resolve, Tamper
from harness.wire import Met


@dataclass(frozen=True, slots=True)
class _Ready:
    """All that one fault needs; its child listens already."""

    change: Resolve | Tamper
    redirect: Redirect
    child: Child
    witness: Witness
    lease_s: float
    fire: str
    heal: str


class Redirects:
    """Implements ``Mechanism``, for one change of each fault. ``addresses``: every address of a node, as told here.

    A change ends with its fault, with the agent (its child sees that and removes the redirects), with the child (the
    agent sees it), and with both by the kernel's own time-out. Past the lease the child changes nothing either.
    """

    def __init__(self, kernel: Kernel, addresses: Callable[[str], tuple[str, ...]]) -> None:
        self._kernel, self._addresses = kernel, addresses
        self._ready: dict[str, _Ready] = {}

    def takes(self, primitive: AgentPrimitive) -> bool:
        return isinstance(primitive, Resolve | Tamper)

    def arm(self, fault: str, primitives: Sequence[AgentPrimitive], lease_s: float) -> None:
        """The child starts while this returns: its sockets are there already, and the rules that lead to them."""
        changes = [p for p in primitives if isinstance(p, Resolve | Tamper)]
        if len(changes) != 1:
            raise AgentError(f"{fault}: one redirect for each fault and pod, not {len(changes)}")
        change = changes[0]
        ips: tuple[str, ...] = ()
        if isinstance(change, Resolve):
            resolver = resolver_of()
            asker = Asker(change, resolver)
            witness: Witness = asker
            child = Child(change, resolver, asker.port)
        else:
            ips = self._ips(fault, change.peer)
            witness = Echoer(change, next(iter(by_version(ips).values()))[0])
            child = Child(change)
        redirect = redirect_of(fault, child.port, change, ips)
        child.undo = redirect.heal()
        # Known before the kernel is asked: what a failure leaves behind is forgotten like the rest.
        self._ready[fault] = _Ready(change, redirect, child, witness, lease_s, redirect.fire(lease_s), redirect.heal())
        self._kernel.change(f"{redirect.arm()}\n{nat.entry(r.redirect for r in self._ready.values())}")
        witness.start()

    def fire(self, fault: str) -> None:
        ready = self._ready[fault]
        if not ready.child.running:
            ready.child.check()
        ready.child.tell(orders.Fire(monotonic_ns() + to_ns(ready.lease_s)))
        self._kernel.change(ready.fire)

    def confirm_fired(self, fault: str) -> None:
        """A redirect misses what is open already: such connections end, so that they are opened anew, through it."""
        ready = self._ready[fault]
        end_sockets(ready.redirect.ss)
        if isinstance(ready.change, Resolve):
            flows.forget_questions()
        ready.child.check()
        compare(f"{fault} in force", ready.redirect.counts(), self._kernel.held(nat.TABLE).elements)
        ready.witness.turn(fired=True)

    def heal(self, fault: str) -> None:
        if fault not in self._ready:
            return
        ready = self._ready[fault]
        ready.child.tell(orders.Ease())  # what still goes through it is as it should be from here on
        self._kernel.take_away(ready.heal, nat.TABLE)
        ready.witness.turn(fired=False)

    def left(self, fault: str) -> Sequence[str]:
        if fault not in self._ready:
            return ()
        return self._kernel.held(nat.TABLE).filled(self._ready[fault].redirect.counts())

    def forget(self, fault: str) -> None:
        ready = self._ready.pop(fault, None)
        if ready is None:
            return
        ready.witness.stop()
        if fault in self._kernel.held(nat.TABLE).rules:
            others = [other.redirect for other in self._ready.values()]
            self._kernel.change(f"{nat.entry(others)}\n{ready.redirect.remove()}" if others else nat.DELETE)
        if isinstance(ready.change, Resolve):
            flows.forget_redirected()
        ready.child.dismiss()  # last: a socket that asks again and again still found it a moment ago

    def met(self, fault: str) -> Met:
        if fault not in self._ready:
            return Met(fault, 0, 0, 0)
        found = self._ready[fault].child.figures()
        return Met(fault, found.met, found.size_bytes, found.echoes)

    def readings(self, fault: str) -> Mapping[str, float]:
        """What the witness saw; how much of the system's own was changed; whether the child still runs."""
        if fault not in self._ready:
            return {}
        ready = self._ready[fault]
        changed = float(ready.child.figures().changed)
        return {**ready.witness.readings(), "changed": changed, "running": float(ready.child.running)}

    def elements(self) -> int:
        if not self._ready:
            return 0
        held = self._kernel.held(nat.TABLE).elements
        return sum(held.get(name, 0) for ready in self._ready.values() for name in ready.redirect.counts())

    def leave(self) -> None:
        for fault in tuple(self._ready):
            with suppress(AgentError):  # the table goes as a whole below
                self.heal(fault)
                self.forget(fault)
        self._kernel.change(nat.DELETE)

    def _ips(self, fault: str, peer: str) -> tuple[str, ...]:
        if not (ips := self._addresses(peer)):
            raise AgentError(f"{fault}: no address of {peer} is known here; name it in Prepare")
        return ips
