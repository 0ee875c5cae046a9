"""The mechanism of ``Disturb``: rules that lead packets to the queue, the program that serves it, the witnesses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.agent.kernel import Kernel
from harness.agent.packets import by_version
from harness.agent.place import compare
from harness.agent.queue import rules
from harness.agent.queue.child import Child
from harness.agent.queue.fate import OVERTAKEN_S
from harness.agent.queue.netlink import add_queue_rule
from harness.agent.queue.orders import MARKS_MAX, QUEUE
from harness.agent.queue.rules import Steering
from harness.agent.queue.witness import Witness
from harness.errors import AgentError
from harness.primitives import AgentPrimitive, Disturb
from harness.wire import Met

_RELEASE_S = 0.5  # what the program may take to give back what it holds


@dataclass(frozen=True, slots=True)
class _Ready:
    """Every text that one fault will need, made beforehand, and who watches it."""

    steering: Steering
    fire: str
    heal: str
    witness: Witness


class Queue:
    """Implements ``Mechanism``. ``addresses``: every address of a node, as this pod was told."""

    def __init__(self, kernel: Kernel, addresses: Callable[[str], tuple[str, ...]]) -> None:
        self._kernel, self._addresses = kernel, addresses
        self._ready: dict[str, _Ready] = {}
        self._late_s = OVERTAKEN_S  # the most a packet may wait; read by the witnesses' threads
        self._child: Child | None = None

    def takes(self, primitive: AgentPrimitive) -> bool:
        return isinstance(primitive, Disturb)

    def arm(self, fault: str, primitives: Sequence[AgentPrimitive], lease_s: float) -> None:
        """Rules that refer to empty sets, the program that knows what to do, a witness that begins to look."""
        disturbs = [p for p in primitives if isinstance(p, Disturb)]
        steering = Steering.of(fault, disturbs, self._addresses, self._free())
        if not self._ready:
            self._begin()
        others = [other.steering for other in self._ready.values()]
        text = f"{steering.arm()}\n{rules.entry([*others, steering])}"
        self._kernel.change(f"{text}\n{rules.twice()}" if steering.doubles() else text)
        peers = dict.fromkeys(d.peer for d in disturbs)
        ips = [next(iter(by_version(self._addresses(peer)).values()))[0] for peer in peers]
        witness = Witness(ips, lambda: self._late_s)
        self._ready[fault] = _Ready(steering, steering.fire(lease_s), steering.heal(), witness)
        self._serve()
        self._check_rules()
        try:
            witness.start()
        except OSError as error:
            raise AgentError(f"{fault}: its witness cannot reach {', '.join(peers)}: {error}") from error

    def fire(self, fault: str) -> None:
        ready = self._ready[fault]
        self._kernel.change(ready.fire)
        ready.witness.turn()

    def confirm_fired(self, fault: str) -> None:
        self._living().check()
        held = self._kernel.held(rules.TABLE)
        compare(f"{fault} in force", self._ready[fault].steering.counts(), held.elements)
        self._check_rules()

    def heal(self, fault: str) -> None:
        """Packets are named no more; then those that still wait go on, at once."""
        ready = self._ready.get(fault)
        if ready is None:
            return
        self._kernel.take_away(ready.heal, rules.TABLE)
        ready.witness.turn()
        if self._child:
            self._child.release(ready.steering.mask())

    def left(self, fault: str) -> Sequence[str]:
        if fault not in self._ready:
            return ()
        left = self._kernel.held(rules.TABLE).filled(self._ready[fault].steering.counts())
        if self._child and not self._child.settled(_RELEASE_S) and self._child.alive():
            left.append("packets that the queue's program holds")
        return left

    def forget(self, fault: str) -> None:
        ready = self._ready.pop(fault, None)
        if ready is None:
            return
        ready.witness.stop()
        if not self._ready:
            self._kernel.change(rules.DELETE)
        elif self._kernel.held(rules.TABLE).rules:
            others = [other.steering for other in self._ready.values()]
            self._kernel.change(f"{rules.entry(others)}\n{ready.steering.remove()}")
        if self._child and self._child.alive():
            self._serve()

    def met(self, fault: str) -> Met:
        return self._kernel.held(rules.TABLE).met(fault)

    def readings(self, fault: str) -> Mapping[str, float]:
        self._living().check()
        return self._ready[fault].witness.readings()

    def elements(self) -> int:
        if not self._ready:
            return 0
        held = self._kernel.held(rules.TABLE).elements
        return sum(held.get(name, 0) for ready in self._ready.values() for name in ready.steering.counts())

    def leave(self) -> None:
        """The table goes first, so that nothing is queued for a program that ends."""
        ready, self._ready = self._ready, {}
        try:
            self._kernel.change(rules.DELETE)
        finally:
            for one in ready.values():
                one.witness.stop()
            if self._child:
                self._child.end()
                self._child = None

    # --- leaves -------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """An empty table with its way into the queue, by whichever word this kernel has for it."""
        if self._child is None or not self._child.alive():
            self._child = Child()
        self._kernel.change(rules.base())
        try:
            self._kernel.change(rules.QUEUE_RULE)
            return
        except AgentError as error:
            newer = error
        try:
            add_queue_rule(rules.NAME, rules.QUEUED, QUEUE)
        except OSError as error:
            raise AgentError(
                f"this kernel has neither nft's queue (NFT_QUEUE: {newer}) nor the target NFQUEUE "
                f"(NETFILTER_XT_TARGET_NFQUEUE: {error}): packets cannot be disturbed here"
            ) from error

    def _living(self) -> Child:
        if self._child is None:
            raise AgentError("the packet queue's program was never started")
        return self._child

    def _serve(self) -> None:
        served = [served for ready in self._ready.values() for served in ready.steering.served]
        self._late_s = sum(s.disturb.delay_s + s.disturb.jitter_s for s in served) + OVERTAKEN_S
        self._living().serve(served)

    def _free(self) -> list[int]:
        taken = {served.bit for ready in self._ready.values() for served in ready.steering.served}
        return [bit for bit in range(MARKS_MAX) if bit not in taken]

    def _check_rules(self) -> None:
        armed = [ready.steering for ready in self._ready.values()]
        compare("the rules of the packet queue", rules.chains(armed), self._kernel.held(rules.TABLE).rules)
