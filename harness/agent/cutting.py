"""The mechanism of ``Cut``: sets of addresses in our nft table, filled and emptied."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.agent import packets
from harness.agent.kernel import Held, Kernel, end_sockets
from harness.agent.packets import Cuts
from harness.agent.place import compare
from harness.primitives import AgentPrimitive, Cut
from harness.wire import Met


@dataclass(frozen=True, slots=True)
class _Ready:
    """Every text that one fault will need, made beforehand."""

    cuts: Cuts
    fire: str
    heal: str
    kill: str


class Cutting:
    """Implements ``Mechanism``. ``addresses``: every address of a node, as this pod was told."""

    def __init__(self, kernel: Kernel, addresses: Callable[[str], tuple[str, ...]]) -> None:
        self._kernel, self._addresses = kernel, addresses
        self._ready: dict[str, _Ready] = {}

    def takes(self, primitive: AgentPrimitive) -> bool:
        return isinstance(primitive, Cut)

    def arm(self, fault: str, primitives: Sequence[AgentPrimitive], lease_s: float) -> None:
        """Rules that refer to empty sets."""
        cuts = [p for p in primitives if isinstance(p, Cut)]
        ips = {cut.peer: self._addresses(cut.peer) for cut in cuts}
        made = Cuts.of(fault, cuts, ips)
        ready = _Ready(made, made.fire(lease_s), made.heal(), packets.kill_filter(cuts, ips))
        others = [other.cuts for other in self._ready.values()]
        self._kernel.change(f"{made.arm()}\n{packets.entry([*others, made])}")
        self._ready[fault] = ready
        self._check_rules(fault, ready, self._kernel.held())

    def fire(self, fault: str) -> None:
        self._kernel.change(self._ready[fault].fire)

    def confirm_fired(self, fault: str) -> None:
        """Reset what a reject must reset, then read back."""
        ready = self._ready[fault]
        if ready.kill:
            end_sockets(ready.kill)
        held = self._kernel.held()
        compare(f"{fault} in force", ready.cuts.counts(), held.elements)
        self._check_rules(fault, ready, held)

    def heal(self, fault: str) -> None:
        if fault in self._ready:
            self._kernel.take_away(self._ready[fault].heal)

    def left(self, fault: str) -> Sequence[str]:
        if fault not in self._ready:
            return ()
        return self._kernel.held().filled(self._ready[fault].cuts.counts())

    def forget(self, fault: str) -> None:
        ready = self._ready.pop(fault, None)
        if ready is None or not self._kernel.held().rules:
            return
        others = [other.cuts for other in self._ready.values()]
        self._kernel.change(f"{packets.entry(others)}\n{ready.cuts.remove()}")

    def met(self, fault: str) -> Met:
        return self._kernel.held().met(fault)

    def readings(self, fault: str) -> Mapping[str, float]:
        return {}  # the probes of every pod see what a cut does

    def elements(self) -> int:
        if not self._ready:
            return 0
        held = self._kernel.held().elements
        return sum(held.get(name, 0) for ready in self._ready.values() for name in ready.cuts.counts())

    def leave(self) -> None:
        for fault in tuple(self._ready):
            self.heal(fault)
            self.forget(fault)

    def _check_rules(self, fault: str, ready: _Ready, held: Held) -> None:
        entry = packets.entry([r.cuts for r in self._ready.values()])
        compare(f"the rules of {fault}", packets.rules_of(f"{ready.cuts.arm()}\n{entry}"), held.rules)
