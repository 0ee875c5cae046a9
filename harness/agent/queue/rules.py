"""What the kernel is told for the queue, as nftables text: a table of its own, ``inet harness-queue``. Pure.

    arrive   prerouting, before raw: a packet gets the mark of every disturbance that names it, then goes to the queue
    twice    prerouting, after raw: a packet that the queue's program marked arrives twice (ip and ip6 have the word)

Before ``raw``, where cuts stand, so that a cut also ends what the queue held when it fired; behind the counters of
arrivals. As in ``packets``, sets are empty until a fault fires and what is in them has the kernel's own time-out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from harness.agent.packets import by_version, checked, empty, fill
from harness.agent.queue.orders import DOUBLED, MARKS_MAX, QUEUE, Served
from harness.errors import AgentError
from harness.primitives import Disturb
from harness.wire import CLIENT_METRICS_PORT, ECHO_PORT, METRICS_PORT

NAME, QUEUED = "harness-queue", "queued"
TABLE = f"inet {NAME}"
QUEUE_RULE = f"add rule {TABLE} {QUEUED} queue flags bypass to {QUEUE}"
_FAMILIES = ("ip", "ip6")
_FAMILY = {4: ("ip", "ipv4_addr"), 6: ("ip6", "ipv6_addr")}
_ALL = (1 << MARKS_MAX) - 1
Side = Literal["dport", "sport"]


def _absent(table: str) -> tuple[str, str]:
    return f"add table {table}", f"delete table {table}"  # adding first makes deleting one that is not there no error


DELETE = "\n".join(line for family in ("inet", *_FAMILIES) for line in _absent(f"{family} {NAME}"))


def base() -> str:
    """The tables before any fault is armed; nothing reaches the queue yet."""
    return "\n".join(
        (
            DELETE,
            f"add table {TABLE}",
            f"add chain {TABLE} {QUEUED}",
            f"add chain {TABLE} arrive {{ type filter hook prerouting priority -305; policy accept; }}",
        )
    )


def twice() -> str:
    """Copies of marked packets, made behind the cuts; a copy comes in by loopback and is not copied again."""
    lines = []
    for family in _FAMILIES:
        table = f"{family} {NAME}"
        lines += [
            f"add table {table}",
            f"add chain {table} twice {{ type filter hook prerouting priority -299; policy accept; }}",
            f"flush chain {table} twice",
            f'add rule {table} twice iif != "lo" meta mark {DOUBLED:#x} meta mark set 0 dup to {family} daddr',
        ]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True, order=True)
class Pick:
    """One set: what its elements are compared with (``side`` None: addresses alone), and the bit they give."""

    bit: int
    version: int
    side: Side | None

    def name(self, fault: str) -> str:
        return f"{fault}/{self.bit}-{self.version}{f'-{self.side}' if self.side else ''}"

    def type(self) -> str:
        address = _FAMILY[self.version][1]
        return f"{address} . inet_proto . inet_service" if self.side else address

    def match(self) -> str:
        address = f"{_FAMILY[self.version][0]} saddr"
        return f"{address} . meta l4proto . th {self.side}" if self.side else address


def _keys(disturb: Disturb, ip: str) -> Iterable[tuple[Side | None, str]]:
    """What names the packets of one disturbance, and with them the witness's: answers of the peer's UDP echo."""
    if disturb.port is None:
        yield None, ip
        return
    side: Side = "dport" if disturb.port_of == "node" else "sport"
    yield side, f"{ip} . tcp . {disturb.port}"
    yield side, f"{ip} . udp . {disturb.port}"
    yield side, f"{ip} . tcp . {ECHO_PORT}"
    yield "sport", f"{ip} . udp . {ECHO_PORT}"


@dataclass(frozen=True, slots=True)
class Steering:
    """One fault's part of the table: the texts that arm, fire, heal and remove it, and what must be read back."""

    fault: str
    served: tuple[Served, ...]
    elements: Mapping[Pick, tuple[str, ...]]

    @classmethod
    def of(
        cls, fault: str, disturbs: Sequence[Disturb], addresses: Callable[[str], tuple[str, ...]], free: Sequence[int]
    ) -> "Steering":
        """``free``: bits nobody uses. Peers that meet the same share one. Raises ``AgentError``."""
        bits: dict[Disturb, int] = {}
        elements: dict[Pick, dict[str, None]] = {}
        for disturb in disturbs:
            if disturb.port is not None and disturb.port_of is None:
                raise AgentError(f"{fault}: port {disturb.port} of {disturb.node} or of {disturb.peer}? It must say")
            kind = replace(disturb, peer="", port=None, port_of=None)  # what is done, without to whom
            if kind not in bits:
                if len(bits) == len(free):
                    raise AgentError(f"{fault}: more than {MARKS_MAX} disturbances in one pod; name fewer at a time")
                bits[kind] = free[len(bits)]
            for version, ips in by_version(_known(fault, disturb.peer, addresses)).items():
                for side, key in (found for ip in ips for found in _keys(disturb, ip)):
                    elements.setdefault(Pick(bits[kind], version, side), {})[key] = None
        served = tuple(Served(bit, kind) for kind, bit in bits.items())
        return cls(checked(fault), served, {pick: tuple(elements[pick]) for pick in sorted(elements, key=str)})

    def mask(self) -> int:
        return sum(1 << served.bit for served in self.served)

    def doubles(self) -> bool:
        return any(served.disturb.duplicate for served in self.served)

    def arm(self) -> str:
        fault, chain = self.fault, f"{TABLE} {self.fault}/in"
        lines = [f"add counter {TABLE} {fault}/{what}" for what in ("packets", "echoes")]
        lines.append(f"add chain {chain}")
        for pick in self.elements:
            name = pick.name(fault)
            lines.append(f"add set {TABLE} {name} {{ type {pick.type()}; flags timeout; }}")
            lines.append(f"add rule {chain} {pick.match()} @{name} meta mark set meta mark | {1 << pick.bit:#x}")
        echoes = (f"udp sport {ECHO_PORT}", f"tcp sport {ECHO_PORT}", f"tcp dport {ECHO_PORT}")
        lines.append(f"add rule {chain} meta mark & {self.mask():#x} == 0 return")
        lines += [f"add rule {chain} {echo} counter name {fault}/echoes return" for echo in echoes]
        lines.append(f"add rule {chain} counter name {fault}/packets")
        return "\n".join(lines)

    def fire(self, lease_s: float) -> str:
        return fill(TABLE, {pick.name(self.fault): keys for pick, keys in self.elements.items()}, lease_s)

    def heal(self) -> str:
        return empty(TABLE, self.counts())

    def remove(self) -> str:
        """Once nothing jumps to it any more (``entry`` without this fault, in the same transaction, before)."""
        return "\n".join(
            [
                f"flush chain {TABLE} {self.fault}/in",
                f"delete chain {TABLE} {self.fault}/in",
                *(f"delete set {TABLE} {pick.name(self.fault)}" for pick in self.elements),
                *(f"delete counter {TABLE} {self.fault}/{what}" for what in ("packets", "echoes")),
            ]
        )

    def counts(self) -> dict[str, int]:
        """How many elements each set holds while the fault is in force."""
        return {pick.name(self.fault): len(keys) for pick, keys in self.elements.items()}


def _known(fault: str, peer: str, addresses: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
    found = addresses(peer)
    if not found:
        raise AgentError(f"{fault}: no address of {peer} is known here; name it in Prepare")
    return found


def entry(faults: Iterable[Steering]) -> str:
    """The chain every packet of the pod enters, leading through exactly these faults and then to the queue."""
    ports = f"{{ {METRICS_PORT}, {CLIENT_METRICS_PORT} }}"
    # A witness's question goes free: it is to meet what happens to its answer, once.
    never = ("iif lo accept", f"tcp dport {ports} accept", f"tcp sport {ports} accept", f"udp dport {ECHO_PORT} accept")
    jumps = tuple(f"jump {steering.fault}/in" for steering in faults)
    marked = f"meta mark & {_ALL:#x} != 0 jump {QUEUED}"
    chain = f"{TABLE} arrive"
    return "\n".join((f"flush chain {chain}", *(f"add rule {chain} {rule}" for rule in (*never, *jumps, marked))))


def chains(faults: Sequence[Steering]) -> Mapping[str, int]:
    """chain -> how many rules it has while exactly these faults are armed: what must be read back."""
    start = f"add rule {TABLE} "
    lines = "\n".join((entry(faults), QUEUE_RULE, *(steering.arm() for steering in faults))).splitlines()
    return Counter(line.removeprefix(start).split(" ", 1)[0] for line in lines if line.startswith(start))
