"""The mechanism of ``Limit``: a connection too many to a port of this pod gets a reset, by the kernel's own count.

``inet harness-limit``: for each fault a chain that counts connections (``ct count``) from the time it is armed, and
refuses the SYN of one too many while a set holds the port: filled when the fault fires (with the kernel's own
time-out), emptied when it heals. Connections are never ended; those that were open before it was armed are not counted
by newer kernels (6.18; older ones count them from their next packet on). The pod's loopback is not counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.agent.kernel import Kernel
from harness.agent.packets import checked, empty, fill
from harness.agent.place import compare
from harness.primitives import AgentPrimitive
from harness.primitives import Limit as LimitPrimitive
from harness.wire import Met

TABLE = "inet harness-limit"
DELETE = f"add table {TABLE}\ndelete table {TABLE}"  # adding first makes deleting one that is not there no error
_SOCKETS = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
_ESTABLISHED = "01"
_LOOPBACK = ("0100007F", "0" * 24 + "01000000", "0000000000000000FFFF00000100007F")


@dataclass(frozen=True, slots=True)
class Bound:
    """What one fault bounds in this pod: at most so many connections for each port."""

    fault: str
    most: Mapping[int, int]

    @classmethod
    def of(cls, fault: str, limits: Sequence[LimitPrimitive]) -> "Bound":
        """The stricter of two for one port."""
        ports = {limit.port for limit in limits}
        return cls(checked(fault), {port: min(x.connections for x in limits if x.port == port) for port in ports})

    def arm(self) -> str:
        return "\n".join(self._arm())

    def _arm(self) -> Iterator[str]:
        chain = f"{TABLE} {self.fault}/in"
        yield f"add table {TABLE}"
        yield f"add counter {TABLE} {self.fault}/refused"
        yield f"add set {TABLE} {self.fault}/on {{ type inet_service; flags timeout; }}"
        yield f"add chain {chain} {{ type filter hook prerouting priority mangle; policy accept; }}"
        yield f"add rule {chain} iif lo accept"
        for port, most in self.most.items():
            too_many = (
                f"tcp dport {port} ct count over {most} tcp dport @{self.fault}/on tcp flags & (syn | ack) == syn"
            )
            yield f"add rule {chain} {too_many} counter name {self.fault}/refused reject with tcp reset"

    def fire(self, lease_s: float) -> str:
        return fill(TABLE, {f"{self.fault}/on": map(str, self.most)}, lease_s)

    def heal(self) -> str:
        return empty(TABLE, self.counts())

    def remove(self) -> str:
        chain = f"{TABLE} {self.fault}/in"
        return "\n".join(
            (
                f"flush chain {chain}",
                f"delete chain {chain}",
                f"delete set {TABLE} {self.fault}/on",
                f"delete counter {TABLE} {self.fault}/refused",
            )
        )

    def rules(self) -> dict[str, int]:
        return {f"{self.fault}/in": 1 + len(self.most)}

    def counts(self) -> dict[str, int]:
        """How many elements its set holds while it is in force."""
        return {f"{self.fault}/on": len(self.most)}


@dataclass(frozen=True, slots=True)
class _Ready:
    bound: Bound
    fire: str
    heal: str


class Limit:
    """Implements ``Mechanism``."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._ready: dict[str, _Ready] = {}

    def takes(self, primitive: AgentPrimitive) -> bool:
        return isinstance(primitive, LimitPrimitive)

    def arm(self, fault: str, primitives: Sequence[AgentPrimitive], lease_s: float) -> None:
        """Rules that refer to an empty set."""
        bound = Bound.of(fault, [p for p in primitives if isinstance(p, LimitPrimitive)])
        self._kernel.change(bound.arm())
        self._ready[fault] = _Ready(bound, bound.fire(lease_s), bound.heal())
        compare(f"the rules of {fault}", bound.rules(), self._kernel.held(TABLE).rules)

    def fire(self, fault: str) -> None:
        self._kernel.change(self._ready[fault].fire)

    def confirm_fired(self, fault: str) -> None:
        bound, held = self._ready[fault].bound, self._kernel.held(TABLE)
        compare(f"{fault} in force", bound.counts(), held.elements)
        compare(f"the rules of {fault}", bound.rules(), held.rules)

    def heal(self, fault: str) -> None:
        if fault in self._ready:
            self._kernel.take_away(self._ready[fault].heal, TABLE)

    def left(self, fault: str) -> Sequence[str]:
        if fault not in self._ready:
            return ()
        return self._kernel.held(TABLE).filled(self._ready[fault].bound.counts())

    def forget(self, fault: str) -> None:
        ready = self._ready.pop(fault, None)
        if ready is not None and self._kernel.held(TABLE).rules:
            self._kernel.change(ready.bound.remove())

    def met(self, fault: str) -> Met:
        """The connections it refused."""
        refused = self._kernel.held(TABLE).count(f"{fault}/refused")
        return Met(fault, refused.packets, refused.bytes, 0)

    def readings(self, fault: str) -> Mapping[str, float]:
        """``established``: connections that the kernel's list of sockets shows on these ports; ``refused`` so far."""
        ready = self._ready.get(fault)
        if ready is None:
            return {}
        there = established(tuple(path.read_text() for path in _SOCKETS if path.exists()), ready.bound.most)
        return {"established": there, "refused": self.met(fault).packets}

    def elements(self) -> int:
        if not self._ready:
            return 0
        held = self._kernel.held(TABLE).elements
        return sum(held.get(name, 0) for ready in self._ready.values() for name in ready.bound.counts())

    def leave(self) -> None:
        self._ready = {}
        self._kernel.change(DELETE)


def established(tables: Sequence[str], ports: Mapping[int, object]) -> int:
    """How many established connections from other pods these ports have, by ``/proc/net/tcp`` and ``tcp6``."""
    return sum(_counts(line.split(), ports) for table in tables for line in table.splitlines()[1:])


def _counts(words: Sequence[str], ports: Mapping[int, object]) -> bool:
    local, remote, state = words[1:4]
    remote_address = remote.partition(":")[0]
    return state == _ESTABLISHED and int(local.partition(":")[2], 16) in ports and remote_address not in _LOOPBACK
