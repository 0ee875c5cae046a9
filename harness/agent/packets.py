"""What the kernel is told, as nftables text: one table, ``inet harness``. Pure; every text is one transaction.

A fault's rules are made when it is armed and refer to sets that are still empty. Firing only puts elements into these
sets (each with the kernel's own time-out), healing only empties them. Everything a fault owns carries its name
(``lost-n1/in4-drop``); ``/`` cannot occur in a name, so no two faults ever share an object.

    faults-in   prerouting, raw -> lost-n1/in  -> lost-n1/drop or lost-n1/reject
    faults-out  output, raw     -> lost-n1/out -> the same
    arrived, sent               counters of what the pod's ports and proxied links really carried, before any cut
    left                        the counter of what of the harness's own packets left the pod, after any cut
    redirects                   output, nat: connections that go through Toxiproxy
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from harness.clock import to_ns
from harness.errors import AgentError
from harness.primitives import Cut, Style
from harness.wire import CLIENT_METRICS_PORT, ECHO_PORT, METRICS_PORT, TOXIPROXY_UID, Redirect

TABLE = "inet harness"
DELETE = f"add table {TABLE}\ndelete table {TABLE}"  # adding first makes deleting one that is not there no error
Hook = Literal["in", "out"]
HOOKS: tuple[Hook, ...] = ("in", "out")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,79}")
_FAMILY = {4: ("ip", "ipv4_addr"), 6: ("ip6", "ipv6_addr")}
_METRICS = f"{{ {METRICS_PORT}, {CLIENT_METRICS_PORT} }}"
_OPENS = "tcp flags & (syn | ack) == syn"  # asks for a connection
OWN = ("own/in", "own/out")  # counters of what the harness itself sends and gets


def checked(name: str) -> str:
    """``name``, if nftables can carry it as part of an object's name; else ``AgentError``."""
    if _NAME.fullmatch(name):
        return name
    raise AgentError(f"'{name}' cannot name a rule: use a letter first, then letters, digits, '-', '_' and '.'")


def by_version(ips: Iterable[str]) -> dict[int, tuple[str, ...]]:
    """Addresses by IP version, 4 first, each in its canonical spelling; versions without an address are left out."""
    found: dict[int, list[str]] = {4: [], 6: []}
    for text in ips:
        address = ip_address(text)
        found[address.version].append(str(address))
    return {version: tuple(texts) for version, texts in found.items() if texts}


# --- one fault --------------------------------------------------------------------------------------------------------


def fill(table: str, sets: Mapping[str, Iterable[str]], lease_s: float) -> str:
    """These elements into these sets; the kernel itself takes each out again when the lease is over."""
    timeout = f"timeout {to_ns(lease_s) // 1_000_000}ms"
    return "\n".join(
        f"add element {table} {name} {{ {', '.join(f'{key} {timeout}' for key in keys)} }}"
        for name, keys in sets.items()
    )


def empty(table: str, sets: Iterable[str]) -> str:
    return "\n".join(f"flush set {table} {name}" for name in sets)


@dataclass(frozen=True, slots=True, order=True)
class Catch:
    """One set of a fault: what its elements are compared with (``side`` None: addresses alone)."""

    hook: Hook
    version: int
    side: Literal["dport", "sport"] | None
    style: Style

    def name(self, fault: str) -> str:
        return f"{fault}/{self.hook}{self.version}-{self.side + '-' if self.side else ''}{self.style}"

    def type(self) -> str:
        address = _FAMILY[self.version][1]
        return f"{address} . inet_proto . inet_service" if self.side else address

    def match(self) -> str:
        address = f"{_FAMILY[self.version][0]} {'saddr' if self.hook == 'in' else 'daddr'}"
        return f"{address} . meta l4proto . th {self.side}" if self.side else address


def _side(cut: Cut) -> Literal["dport", "sport"] | None:
    """Where a packet of the connection carries the port: its destination when it travels toward the port's owner."""
    if cut.port is None:
        return None
    if cut.port_of is None:
        raise AgentError(f"the cut of port {cut.port} between {cut.node} and {cut.peer} does not say whose port it is")
    toward = "node" if cut.hook == "in" else "peer"
    return "dport" if cut.port_of == toward else "sport"


def _keys(cut: Cut, ip: str) -> tuple[str, ...]:
    if cut.port is None:
        return (ip,)
    echo = f"{ip} . tcp . {ECHO_PORT}"  # the witness of this link meets what its traffic meets
    return (f"{ip} . tcp . {cut.port}", f"{ip} . udp . {cut.port}", echo)


@dataclass(frozen=True, slots=True)
class Cuts:
    """All cuts of one fault in this pod: the texts that arm, fire, heal and remove it, and what must be read back."""

    fault: str
    elements: Mapping[Catch, tuple[str, ...]]

    @classmethod
    def of(cls, fault: str, cuts: Sequence[Cut], ips: Mapping[str, tuple[str, ...]]) -> "Cuts":
        """``ips``: every node's addresses. Raises ``AgentError`` for a peer whose addresses nobody told."""
        elements: dict[Catch, dict[str, None]] = {}
        for cut in cuts:
            if not ips.get(cut.peer):
                raise AgentError(f"{fault}: no address of {cut.peer} is known here; name it in Prepare")
            for version, addresses in by_version(ips[cut.peer]).items():
                catch = Catch(cut.hook, version, _side(cut), cut.style)
                keys = (key for ip in addresses for key in _keys(cut, ip))
                elements.setdefault(catch, {}).update(dict.fromkeys(keys))
        return cls(checked(fault), {catch: tuple(elements[catch]) for catch in sorted(elements, key=str)})

    def hooks(self) -> tuple[Hook, ...]:
        return tuple(hook for hook in HOOKS if any(catch.hook == hook for catch in self.elements))

    def _styles(self) -> tuple[Style, ...]:
        return tuple(sorted({catch.style for catch in self.elements}))

    def arm(self) -> str:
        fault, lines = self.fault, []
        lines += [f"add counter {TABLE} {fault}/{what}" for what in ("packets", "echoes")]
        for style in self._styles():
            lines.append(f"add chain {TABLE} {fault}/{style}")
            lines += [f"add rule {TABLE} {fault}/{style} {rule}" for rule in _end(fault, style)]
        for hook in self.hooks():
            lines.append(f"add chain {TABLE} {fault}/{hook}")
            for catch in (c for c in self.elements if c.hook == hook):
                name = catch.name(fault)
                lines.append(f"add set {TABLE} {name} {{ type {catch.type()}; flags timeout; }}")
                caught = f"add rule {TABLE} {fault}/{hook} {catch.match()} @{name}"
                if hook == "out" and catch.style == "reject":
                    # The peer refuses it, as a peer does; one that ended here would be no attempt in the peer's count.
                    lines.append(f"{caught} {_OPENS} return")
                lines.append(f"{caught} goto {fault}/{catch.style}")
        return "\n".join(lines)

    def fire(self, lease_s: float) -> str:
        return fill(TABLE, {catch.name(self.fault): keys for catch, keys in self.elements.items()}, lease_s)

    def heal(self) -> str:
        return empty(TABLE, self.counts())

    def remove(self) -> str:
        """Once nothing jumps to it any more (``entry`` without this fault, in the same transaction, before)."""
        chains = [*(f"{self.fault}/{hook}" for hook in self.hooks()), *(f"{self.fault}/{s}" for s in self._styles())]
        return "\n".join(
            [f"flush chain {TABLE} {chain}" for chain in chains]
            + [f"delete chain {TABLE} {chain}" for chain in chains]
            + [f"delete set {TABLE} {catch.name(self.fault)}" for catch in self.elements]
            + [f"delete counter {TABLE} {self.fault}/{what}" for what in ("packets", "echoes")]
        )

    def counts(self) -> dict[str, int]:
        """How many elements each set holds while the fault is in force."""
        return {catch.name(self.fault): len(keys) for catch, keys in self.elements.items()}


def _end(fault: str, style: Style) -> tuple[str, ...]:
    """What happens to a packet that was caught; echoes are counted apart from the traffic."""
    packets, echoes = f"counter name {fault}/packets", f"counter name {fault}/echoes"
    tcp, other = (
        ("drop", "drop") if style == "drop" else ("reject with tcp reset", "reject with icmpx port-unreachable")
    )
    echo = tuple(f"tcp {side} {ECHO_PORT} {echoes} {tcp}" for side in ("dport", "sport"))
    if style == "drop":
        return (*echo, f"{packets} drop")
    passed = (  # our own answer, and the other end's, must not die in the cut
        "tcp flags & rst == rst return",
        "icmp type destination-unreachable return",
        "icmpv6 type destination-unreachable return",
    )
    return (*passed, *echo, f"meta l4proto tcp {packets} {tcp}", f"{packets} {other}")


def entry(faults: Iterable[Cuts]) -> str:
    """The two chains every packet of the pod enters, leading to exactly these faults."""
    armed = tuple(faults)
    lines = []
    for hook in HOOKS:
        chain = f"{TABLE} faults-{hook}"
        loopback = "iif lo accept" if hook == "in" else "oif lo accept"
        never = (loopback, f"tcp dport {_METRICS} accept", f"tcp sport {_METRICS} accept")
        jumps = (f"jump {cuts.fault}/{hook}" for cuts in armed if hook in cuts.hooks())
        lines += [f"flush chain {chain}", *(f"add rule {chain} {rule}" for rule in (*never, *jumps))]
    return "\n".join(lines)


def rules_of(text: str) -> Counter[str]:
    """chain -> how many rules this text adds to it: what must be read back."""
    start = f"add rule {TABLE} "
    return Counter(line[len(start) :].split(" ", 1)[0] for line in text.splitlines() if line.startswith(start))


def kill_filter(cuts: Sequence[Cut], ips: Mapping[str, tuple[str, ...]]) -> str:
    """The sockets that reject cuts end, in the words of ``ss``; empty where there are none.

    A reject answers only packets that are sent. Where data flows one way, the end that waits would hear nothing.
    """
    found: dict[str, None] = {}
    for cut in cuts:
        port = f" and {'dport' if cut.port_of == 'peer' else 'sport'} = :{cut.port}" if cut.port else ""
        for ip in ips.get(cut.peer, ()) if cut.style == "reject" else ():
            found[f"( dst {f'[{ip}]' if ':' in ip else ip}{port} )"] = None
    return " or ".join(found)


# --- all run long -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Route:
    """One redirected destination: ``label`` is the link's port or ``echo``; ``ips`` all addresses of the peer."""

    peer: str
    label: str
    ips: tuple[str, ...]
    port: int
    listen: int

    def counter(self, stream: str) -> str:
        return f"link/{self.peer}/{self.label}/{stream}"


def routes(redirects: Sequence[Redirect], ips: Mapping[str, tuple[str, ...]]) -> tuple[Route, ...]:
    """Every link's own port, and once for each peer its echo."""
    found: dict[tuple[str, str], Route] = {}
    for redirect in redirects:
        peer = checked(redirect.peer)
        if not ips.get(peer):
            raise AgentError(
                f"no address of {peer} is known here, so its link cannot be redirected; name it in Prepare"
            )
        for label, port, listen in (
            (str(redirect.port), redirect.port, redirect.listen),
            ("echo", ECHO_PORT, redirect.echo_listen),
        ):
            found.setdefault((peer, label), Route(peer, label, ips[peer], port, listen))
    return tuple(found.values())


def redirect_map(found: Sequence[Route], version: int) -> tuple[str, ...]:
    return tuple(f"{ip} . {r.port} : {r.listen}" for r in found for ip in by_version(r.ips).get(version, ()))


def base(ports: Sequence[int], found: Sequence[Route], scraped: Sequence[int] = ()) -> str:
    """The whole table before any fault is armed; replaces whatever was there, in one transaction."""
    return "\n".join(
        [
            *(DELETE, f"add table {TABLE}"),
            f"add chain {TABLE} arrived {{ type filter hook prerouting priority -310; policy accept; }}",
            f"add chain {TABLE} sent {{ type filter hook output priority -310; policy accept; }}",
            f"add chain {TABLE} left {{ type filter hook postrouting priority 0; policy accept; }}",
            f"add chain {TABLE} faults-in {{ type filter hook prerouting priority raw; policy accept; }}",
            f"add chain {TABLE} faults-out {{ type filter hook output priority raw; policy accept; }}",
            *_own_counters(scraped),
            *_port_counters(ports),
            *(line for route in found for line in _route_counters(route)),
            *(_redirects(found) if found else ()),
            entry(()),
        ]
    )


def _own_counters(scraped: Sequence[int]) -> Iterable[str]:
    """Echoes and scrapes, either way: as they come before any cut, and leave after it, like a device counts."""
    ports = f"{{ {', '.join(map(str, (ECHO_PORT, METRICS_PORT, CLIENT_METRICS_PORT, *scraped)))} }}"
    for counter, chain in zip(OWN, ("arrived iif", "left oif"), strict=True):
        yield f"add counter {TABLE} {counter}"
        for side in ("dport", "sport"):
            yield f"add rule {TABLE} {chain} != lo tcp {side} {ports} counter name {counter}"


def _port_counters(ports: Sequence[int]) -> Iterable[str]:
    for port in ports:
        yield f"add counter {TABLE} arrived/{port}"
        yield f"add counter {TABLE} opens/{port}"
        remote = f"add rule {TABLE} arrived iif != lo"
        yield f"{remote} meta l4proto {{ tcp, udp }} th dport {port} counter name arrived/{port}"
        yield f"{remote} tcp dport {port} {_OPENS} counter name opens/{port}"


def _route_counters(route: Route) -> Iterable[str]:
    """Segments that carry data (PSH): what a toxic met, as it goes into the proxy, upstream from our own programs.

    Toxiproxy alone talks to the peer's port directly; a black hole passes nothing on that could be counted behind it.
    """
    data = "tcp flags & psh == psh counter name"
    for stream in ("upstream", "downstream"):
        yield f"add counter {TABLE} {route.counter(stream)}"
    for version, ips in by_version(route.ips).items():
        ip, peers = _FAMILY[version][0], f"{{ {', '.join(ips)} }}"
        up = f"meta skuid != {TOXIPROXY_UID} {ip} daddr {peers} tcp dport {route.port}"
        down = f"iif != lo {ip} saddr {peers} tcp sport {route.port}"
        yield f"add rule {TABLE} sent {up} {data} {route.counter('upstream')}"
        yield f"add rule {TABLE} arrived {down} {data} {route.counter('downstream')}"


def _redirects(found: Sequence[Route]) -> Iterable[str]:
    yield f"add chain {TABLE} redirects {{ type nat hook output priority -100; policy accept; }}"
    yield f"add rule {TABLE} redirects meta skuid {TOXIPROXY_UID} return"
    for version, (ip, address) in _FAMILY.items():
        if elements := redirect_map(found, version):
            yield f"add map {TABLE} redirects{version} {{ type {address} . inet_service : inet_service; }}"
            yield f"add element {TABLE} redirects{version} {{ {', '.join(elements)} }}"
            to = f"redirect to :{ip} daddr . tcp dport map @redirects{version}"
            yield f"add rule {TABLE} redirects meta l4proto tcp {to}"
