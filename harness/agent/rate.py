"""The mechanism of ``Rate``: packets to a peer leave through a class of their own, which our table in the kernel names.

``inet harness-rate``: for each fault a chain and maps from a peer to its class, filled when the fault fires (each
element with the kernel's own time-out) and emptied when it heals. The classes are made when it is armed; one that
no packet chooses does nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from typing import Literal

from harness.agent.bulk import Mover
from harness.agent.kernel import Kernel
from harness.agent.packets import by_version, checked
from harness.agent.place import compare
from harness.agent.shaper import Shaper
from harness.clock import to_ns
from harness.errors import AgentError
from harness.primitives import AgentPrimitive
from harness.primitives import Rate as RatePrimitive
from harness.wire import CLIENT_METRICS_PORT, ECHO_PORT, METRICS_PORT, Met

TABLE = "inet harness-rate"
DELETE = f"add table {TABLE}\ndelete table {TABLE}"  # adding first makes deleting one that is not there no error
_FAMILY = {4: ("ip", "ipv4_addr"), 6: ("ip6", "ipv6_addr")}
_METRICS = f"{{ {METRICS_PORT}, {CLIENT_METRICS_PORT} }}"
_BULK_S, _BULK_MIN_BYTES, _BULK_MAX_BYTES = 0.2, 12_000, 256_000
_BULK_TIMEOUT_S = 5.0
_PATIENCE_S = 0.25  # with a bulk that nothing should slow
_MANGLE, _STEPS, _FASTEST = -150, 30, 10**11  # steps of the chain's priority for a tenth of the rate

Side = Literal["dport", "sport"]


@dataclass(frozen=True, slots=True, order=True)
class Choice:
    """One map of a fault: by what its packets are known (``side`` None: by their address alone)."""

    version: int
    side: Side | None

    def name(self, fault: str) -> str:
        return f"{fault}/{self.version}{f'-{self.side}' if self.side else ''}"

    def type(self) -> str:
        address = _FAMILY[self.version][1]
        return f"{address} . inet_proto . inet_service" if self.side else address

    def key(self) -> str:
        address = f"{_FAMILY[self.version][0]} daddr"
        return f"{address} . meta l4proto . th {self.side}" if self.side else address

    def elements(self, ip: str, port: int | None) -> tuple[str, ...]:
        if port is None:
            return (ip,)
        return tuple(f"{ip} . {protocol} . {one}" for one in (port, ECHO_PORT) for protocol in ("tcp", "udp"))


@dataclass(frozen=True, slots=True)
class Slow:
    """What one fault slows in this pod. ``elements``: of each map its keys, each with the class it chooses."""

    fault: str
    elements: Mapping[Choice, Mapping[str, str]]
    strictest_bits_per_s: int

    @classmethod
    def of(
        cls, fault: str, rates: Sequence[RatePrimitive], classes: Sequence[str], ips: Mapping[str, tuple[str, ...]]
    ) -> "Slow":
        """``classes``: one for each of ``rates``. Raises ``AgentError`` for a peer whose addresses nobody told."""
        found: dict[Choice, dict[str, str]] = {}
        for rate, name in zip(rates, classes, strict=True):
            if not ips.get(rate.peer):
                raise AgentError(f"{fault}: no address of {rate.peer} is known here; name it in Prepare")
            for version, addresses in by_version(ips[rate.peer]).items():
                choice = Choice(version, _side(rate))
                keys = (key for ip in addresses for key in choice.elements(ip, rate.port))
                found.setdefault(choice, {}).update(dict.fromkeys(keys, name))
        return cls(checked(fault), found, min(rate.bits_per_s for rate in rates))

    def priority(self) -> int:
        """Of two faults on one packet the chain that comes later has the last word: the stricter rate's."""
        return _MANGLE + round(_STEPS * log10(_FASTEST / self.strictest_bits_per_s))

    def arm(self) -> str:
        return "\n".join(self._arm())

    def _arm(self) -> Iterator[str]:
        chain = f"{TABLE} {self.fault}/out"
        yield f"add table {TABLE}"
        hook = f"type filter hook postrouting priority {self.priority()}"
        yield f"add chain {chain} {{ {hook}; policy accept; }}"
        for what in ("packets", "echoes"):
            yield f"add counter {TABLE} {self.fault}/{what}"
        yield f"add rule {chain} oif lo accept"
        yield f"add rule {chain} tcp dport {_METRICS} accept"
        yield f"add rule {chain} tcp sport {_METRICS} accept"
        for choice in self.elements:
            name = choice.name(self.fault)
            yield f"add map {TABLE} {name} {{ type {choice.type()} : classid; flags timeout; }}"
            choose = f"meta priority set {choice.key()} map @{name}"  # a packet that is not in the map goes on below
            for side in ("dport", "sport"):
                echo = f"meta l4proto {{ tcp, udp }} th {side} {ECHO_PORT}"
                yield f"add rule {chain} {echo} {choose} counter name {self.fault}/echoes accept"
            yield f"add rule {chain} {choose} counter name {self.fault}/packets accept"

    def fire(self, lease_s: float) -> str:
        timeout = f"timeout {to_ns(lease_s) // 1_000_000}ms"
        return "\n".join(
            f"add element {TABLE} {choice.name(self.fault)} "
            f"{{ {', '.join(f'{key} {timeout} : {name}' for key, name in keys.items())} }}"
            for choice, keys in self.elements.items()
        )

    def heal(self) -> str:
        return "\n".join(f"flush map {TABLE} {choice.name(self.fault)}" for choice in self.elements)

    def remove(self) -> str:
        chain = f"{TABLE} {self.fault}/out"
        return "\n".join(
            [f"flush chain {chain}", f"delete chain {chain}"]
            + [f"delete map {TABLE} {choice.name(self.fault)}" for choice in self.elements]
            + [f"delete counter {TABLE} {self.fault}/{what}" for what in ("packets", "echoes")]
        )

    def counts(self) -> dict[str, int]:
        """How many elements each map holds while the fault is in force."""
        return {choice.name(self.fault): len(keys) for choice, keys in self.elements.items()}

    def rules(self) -> dict[str, int]:
        return {f"{self.fault}/out": self.arm().count("add rule ")}


@dataclass(frozen=True, slots=True)
class _Ready:
    slow: Slow
    fire: str
    heal: str
    classes: tuple[str, ...]
    mover: Mover | None


class Rate:
    """Implements ``Mechanism``. ``addresses``: every address of a node, as this pod was told."""

    def __init__(
        self, kernel: Kernel, addresses: Callable[[str], tuple[str, ...]], shaper: Shaper | None = None
    ) -> None:
        self._kernel, self._addresses, self._shaper = kernel, addresses, shaper or Shaper()
        self._ready: dict[str, _Ready] = {}
        self._in_force: set[str] = set()

    def takes(self, primitive: AgentPrimitive) -> bool:
        return isinstance(primitive, RatePrimitive)

    def arm(self, fault: str, primitives: Sequence[AgentPrimitive], lease_s: float) -> None:
        """Classes that nothing chooses, and rules that look into empty maps."""
        rates = [p for p in primitives if isinstance(p, RatePrimitive)]
        ips = {rate.peer: self._addresses(rate.peer) for rate in rates}
        classes = self._shaper.make([rate.bits_per_s for rate in rates])
        try:
            slow = Slow.of(fault, rates, classes, ips)
            self._kernel.change(slow.arm())
        except AgentError:
            self._shaper.remove(classes)
            raise
        self._ready[fault] = _Ready(slow, slow.fire(lease_s), slow.heal(), classes, _mover(rates, ips))
        compare(f"the rules of {fault}", slow.rules(), self._kernel.held(TABLE).rules)

    def fire(self, fault: str) -> None:
        self._kernel.change(self._ready[fault].fire)
        self._turn(fault, True)

    def confirm_fired(self, fault: str) -> None:
        ready, held = self._ready[fault], self._kernel.held(TABLE)
        compare(f"{fault} in force", ready.slow.counts(), held.elements)
        compare(f"the rules of {fault}", ready.slow.rules(), held.rules)
        self._shaper.check(ready.classes)

    def heal(self, fault: str) -> None:
        if fault not in self._ready:
            return
        self._turn(fault, False)
        self._kernel.take_away(self._ready[fault].heal, TABLE)

    def left(self, fault: str) -> Sequence[str]:
        if fault not in self._ready:
            return ()
        return self._kernel.held(TABLE).filled(self._ready[fault].slow.counts())

    def forget(self, fault: str) -> None:
        """The chain goes before the classes it names. What still waited in a class is lost with it."""
        ready = self._ready.pop(fault, None)
        if ready is None:
            return
        if self._kernel.held(TABLE).rules:
            self._kernel.change(ready.slow.remove())
        self._shaper.remove(ready.classes)

    def met(self, fault: str) -> Met:
        return self._kernel.held(TABLE).met(fault)

    def readings(self, fault: str) -> Mapping[str, float]:
        """``bits_per_s``: how fast a bulk came back from the peer's echo, what other traffic takes apart."""
        mover = self._ready[fault].mover if fault in self._ready else None
        moved = mover.look(0.0 if fault in self._in_force else _PATIENCE_S) if mover else None
        return {"bits_per_s": moved.bits_per_s()} if moved else {}

    def elements(self) -> int:
        if not self._ready:
            return 0
        held = self._kernel.held(TABLE).elements
        return sum(held.get(name, 0) for ready in self._ready.values() for name in ready.slow.counts())

    def leave(self) -> None:
        self._ready, self._in_force = {}, set()
        try:
            self._kernel.change(DELETE)
        finally:
            self._shaper.leave()

    def _turn(self, fault: str, in_force: bool) -> None:
        self._in_force = self._in_force | {fault} if in_force else self._in_force - {fault}
        if mover := self._ready[fault].mover:
            mover.turn()


def _side(rate: RatePrimitive) -> Side | None:
    """Where a packet that leaves carries the port: its destination when the peer owns it."""
    if rate.port is None:
        return None
    if rate.port_of is None:
        text = f"the rate of port {rate.port} from {rate.node} to {rate.peer} does not say whose port it is"
        raise AgentError(text)
    return "dport" if rate.port_of == "peer" else "sport"


def _mover(rates: Sequence[RatePrimitive], ips: Mapping[str, tuple[str, ...]]) -> Mover | None:
    """To the first peer whose echo a rate covers; answers to a peer's connections are seen from that peer."""
    for rate in rates:
        if rate.port_of != "node":
            size = min(max(round(rate.bits_per_s / 8 * _BULK_S), _BULK_MIN_BYTES), _BULK_MAX_BYTES)
            return Mover(next(iter(by_version(ips[rate.peer]).values()))[0], size, _BULK_TIMEOUT_S)
    return None
