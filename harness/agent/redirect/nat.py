"""The redirects as nftables text: one table, ``inet harness-redirect``. Pure; every text is one transaction.

Its chain stands before Docker's own rules for 127.0.0.11 and before the redirects to Toxiproxy (both at -100), and the
first redirect of a connection wins. What we and Toxiproxy send is left alone, so a link may run through both proxies.
As in ``packets``: rules refer to sets that are empty until the fault fires, and elements carry the kernel's time-out.
A redirected flow carries our mark, so that flows which outlive the redirect are found and forgotten by it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.agent.packets import by_version, checked, empty, fill
from harness.errors import AgentError
from harness.primitives import Resolve, Tamper
from harness.wire import ECHO_PORT, TOXIPROXY_UID

TABLE = "inet harness-redirect"
DELETE = f"add table {TABLE}\ndelete table {TABLE}"
MARK = 0x5D  # of packets our child processes send, and of flows that were turned to them
DNS_PORT = 53
_FAMILY = {4: ("ip", "ipv4_addr"), 6: ("ip6", "ipv6_addr")}
_CHAIN = f"{TABLE} redirects"


@dataclass(frozen=True, slots=True)
class Caught:
    """One set of a fault: its type, what is compared with it, and its elements while the fault is in force."""

    name: str
    type: str
    match: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Redirect:
    """All that one fault turns to the program that listens on ``port`` of loopback.

    ``ss``: the established connections it misses, in the words of ``ss``.
    """

    fault: str
    port: int
    caught: tuple[Caught, ...]
    ss: str

    def arm(self) -> str:
        lines = [f"add table {TABLE}", f"add chain {TABLE} {self.fault}"]
        for caught in self.caught:
            lines.append(f"add set {TABLE} {caught.name} {{ type {caught.type}; flags timeout; }}")
            turn = f"ct mark set {MARK} redirect to :{self.port}"
            lines.append(f"add rule {TABLE} {self.fault} {caught.match} @{caught.name} {turn}")
        return "\n".join(lines)

    def fire(self, lease_s: float) -> str:
        return fill(TABLE, {caught.name: caught.keys for caught in self.caught}, lease_s)

    def heal(self) -> str:
        return empty(TABLE, self.counts())

    def remove(self) -> str:
        """Once nothing jumps to it any more (``entry`` without this fault, in the same transaction, before)."""
        sets = (f"delete set {TABLE} {caught.name}" for caught in self.caught)
        return "\n".join([f"flush chain {TABLE} {self.fault}", f"delete chain {TABLE} {self.fault}", *sets])

    def counts(self) -> Mapping[str, int]:
        """How many elements each set holds while the fault is in force."""
        return {caught.name: len(caught.keys) for caught in self.caught}


def questions(fault: str, port: int) -> Redirect:
    """Every question to any resolver, over UDP and TCP."""
    match = "meta l4proto { tcp, udp } th dport"
    caught = Caught(f"{checked(fault)}/dns", "inet_service", match, (str(DNS_PORT),))
    return Redirect(fault, port, (caught,), f"dport = :{DNS_PORT}")


def connections(fault: str, port: int, tamper: Tamper, ips: Sequence[str]) -> Redirect:
    """Every connection to the peer's port, and to its echo, so that the witness meets what the traffic meets."""
    if not ips:
        raise AgentError(f"{fault}: no address of {tamper.peer} is known here; name it in Prepare")
    caught = []
    for version, addresses in by_version(ips).items():
        ip, address = _FAMILY[version]
        keys = tuple(f"{a} . {p}" for a in addresses for p in (tamper.port, ECHO_PORT))
        match = f"meta l4proto tcp {ip} daddr . tcp dport"
        caught.append(Caught(f"{checked(fault)}/to{version}", f"{address} . inet_service", match, keys))
    ss = " or ".join(f"( dst {f'[{ip}]' if ':' in ip else ip} and dport = :{tamper.port} )" for ip in ips)
    return Redirect(fault, port, tuple(caught), ss)


def redirect_of(fault: str, port: int, change: "Resolve | Tamper", ips: Sequence[str]) -> Redirect:
    return questions(fault, port) if isinstance(change, Resolve) else connections(fault, port, change, ips)


def entry(faults: Iterable[Redirect]) -> str:
    """The chain every new flow of the pod enters, leading to exactly these faults. The table is made where needed."""
    never = (f"meta mark {MARK} return", f"meta skuid {TOXIPROXY_UID} return")
    rules = (*never, *(f"jump {redirect.fault}" for redirect in faults))
    return "\n".join(
        [
            f"add table {TABLE}",
            f"add chain {_CHAIN} {{ type nat hook output priority -110; policy accept; }}",
            f"flush chain {_CHAIN}",
            *(f"add rule {_CHAIN} {rule}" for rule in rules),
        ]
    )
