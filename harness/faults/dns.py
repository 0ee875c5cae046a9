"""Names that mean nothing, or something else, to some nodes: a resolver of ours answers in place of theirs."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address
from typing import ClassVar, Literal, cast

from harness.cluster import Cluster, Link
from harness.faults.base import Fault, Sighting, node_problems
from harness.primitives import AnyPrimitive, Resolve
from harness.recording.events import Read
from harness.recording.evidence import Evidence, InForce
from harness.words import DURATION, NODE, TEXT, Reader, choice, word

Answer = Literal["nxdomain", "servfail", "address", "delay", "silence"]
_LOOK_S = 1.0  # so long it takes until a question of ours was asked and what it heard was read
_SILENT_S = 2.0  # and until one that is not answered is given up
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?")


def _host(text: str) -> str:
    if _HOST.fullmatch(text):
        return text
    raise ValueError(f"is '{text}': write a name as programs ask for it, such as n2 or db.example")


HOST = Reader("host name", "n2", _host, pattern=_HOST.pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dns(Fault):
    """When ``nodes`` ask for ``names`` (none: for any name), they hear ``answer``."""

    kind: ClassVar[str] = "dns"
    about: ClassVar[str] = "names do not resolve on some nodes, or resolve wrongly, late or never"
    works: ClassVar[str] = (
        "nftables redirects what the node's pod sends to port 53, UDP and TCP, to a resolver of ours, which "
        "answers for the names as the fault says and asks the true resolver for all others."
    )
    bites: ClassVar[str] = (
        "About 1 ms after its instant, until the redirect's set was read back; for sockets that were open "
        "before, 20 ms. A program notices when it asks for the name again."
    )
    witness: ClassVar[str] = (
        "In force: a program of ours in the pod asks for the name four times a second from a socket that stays "
        "open, and every time hears what the fault says, on every node; before, the name had an address. "
        "Exercised: the redirect counted questions of the system's own. Gone: our question is answered truly "
        "again."
    )
    page: ClassVar[str] = (
        "DNS over TLS or HTTPS and /etc/hosts are not met. Only who asks is hit, and the whole pod: open "
        "connections go on, and a program that resolved the name before (HAProxy and nginx at their start, a "
        "JVM's cache) does not notice until it asks again. A name is matched exactly: neither its subdomains nor "
        "what a search domain makes of it. Every other question gets the true answer of the first nameserver in "
        "/etc/resolv.conf, whomever it was sent to. Without 'names' the witness asks for the node's own name."
    )
    replaces: ClassVar[str] = (
        "editing resolv.conf or /etc/hosts (as ChaosBlade's network dns does), Chaos Mesh's DNSChaos, which "
        "needs a DNS server of its own for the cluster."
    )
    limits: ClassVar[Mapping[str, str]] = {
        "delay": "from 1ms to 30s, only with answer: delay",
        "address": "private or loopback, only with answer: address",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {
        "nodes": ("gateway",),
        "names": ("n2",),
        "answer": "address",
        "address": "127.0.0.1",
    }

    nodes: tuple[str, ...] = field(metadata=word("nodes", NODE, "who hears it", many=True))
    names: tuple[str, ...] = field(
        default=(), metadata=word("names", HOST, "when it asks for these; left out: for any name", many=True)
    )
    answer: str = field(
        default="nxdomain",
        metadata=word(
            "answer",
            choice("nxdomain", "servfail", "address", "delay", "silence"),
            "what it hears: no such name, a failure, an address that is wrong, the truth but late, nothing",
        ),
    )
    address: str | None = field(default=None, metadata=word("address", TEXT, "the wrong address (IPv4)"))
    delay_s: float = field(default=0.0, metadata=word("delay", DURATION, "how much later the true answer comes"))

    @property
    def via(self) -> str:
        return "a resolver of ours, by an nftables redirect"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        if not self.nodes:
            yield "nodes", "is empty: name who hears it"
        yield from node_problems("nodes", self.nodes, cluster)
        least_s = _SILENT_S if self.answer == "silence" else _LOOK_S + self.delay_s
        if self.for_s < least_s:
            yield (
                "for",
                f"is {self.for_s:g} s: write at least {least_s:g}s, or no question of ours would be over by then",
            )
        if self.answer == "address":
            yield from _address_problems(self.address)
        elif self.address is not None:
            yield "address", f"is of no use to 'answer: {self.answer}': take it out, or write 'answer: address'"
        if self.answer == "delay" and not 0.001 <= self.delay_s <= 30:
            yield "delay", f"is {self.delay_s:g} s: write one from 1ms to 30s"
        elif self.answer != "delay" and self.delay_s:
            yield "delay", f"is of no use to 'answer: {self.answer}': take it out, or write 'answer: delay'"

    def _pods(self, cluster: Cluster) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(cluster.pod_of, self.nodes)))

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        answer = cast(Answer, self.answer)  # the word's reader takes no other
        return tuple(Resolve(pod, self.names, answer, self.address, self.delay_s) for pod in self._pods(cluster))

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return frozenset(("dns", pod) for pod in self._pods(cluster))

    def describe(self) -> str:
        what = {"address": str(self.address), "delay": f"the truth {self.delay_s * 1000:g} ms late"}
        asked = ", ".join(self.names) or "any name"
        return f"{', '.join(self.nodes)} asking for {asked}: {what.get(self.answer, self.answer)}"

    def undo(self) -> str:
        return "the redirect's set is emptied (by the kernel itself 2 s later), and flows that outlive it are forgotten"

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        pods = set(self._pods(cluster))
        name, asks = self._sign()
        during = evidence.readings(self.name, name, "during")
        before = evidence.readings(self.name, "answered", "before")
        after = evidence.readings(self.name, "answered", "after")
        if {read.node for read in before if read.value} < pods:
            return Sighting(False, False, "the name that was asked for had no address before either: nothing was seen")
        hits = sum(map(asks, during))
        met = sum(event.packets for event in evidence.healed(self.name))
        back = sum(bool(read.value) for read in _last_of_each(after))
        gone = f"gone: {back} of {len(pods)} hear the truth again" if after else "gone: not seen"
        seen = {read.node for read in during} == pods and hits == len(during)
        words = f"{hits} of {len(during)} lookups of ours met '{self.answer}'"
        return Sighting(seen, met > 0, f"{words}; {met:,} questions of the system's own; {gone}")

    def _sign(self) -> tuple[str, Callable[[Read], bool]]:
        """Which reading shows this answer, and when it does."""
        match self.answer:
            case "address":
                return "wrong_address", lambda read: read.value == 1
            case "delay":
                return "lookup_s", lambda read: read.value >= 0.95 * self.delay_s
            case "silence":
                return "heard", lambda read: read.value == 0
            case _:
                return self.answer, lambda read: read.value == 1


def _last_of_each(reads: Collection[Read]) -> Collection[Read]:
    return {read.node: read for read in reads}.values()


def _address_problems(address: str | None) -> Iterator[tuple[str, str]]:
    if address is None:
        yield "address", "is missing: 'answer: address' needs the wrong address to give"
        return
    try:
        ip = IPv4Address(address)
    except AddressValueError:
        yield "address", f"is '{address}': write an IPv4 address, such as 127.0.0.1"
        return
    if ip.is_global or ip.is_multicast:
        yield "address", f"is '{address}', which may be somebody's: write a private or loopback one"
