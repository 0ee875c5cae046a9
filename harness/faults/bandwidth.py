"""A narrow link: what goes over it waits, there and back."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Sighting, link_problems, pods_of
from harness.faults.partition import LINK
from harness.faults.pattern import Patterned, inner, turns_of
from harness.primitives import AnyPrimitive, Rate, Toxic
from harness.recording.evidence import Evidence, InForce
from harness.words import Reader, choice, word

_BITS = {"bit": 1, "kbit": 1000, "Mbit": 10**6, "Gbit": 10**9, "B": 8, "kB": 8000, "KB": 8000, "MB": 8 * 10**6}
_BIT_RATE = re.compile(rf"(\d{{1,12}}(?:\.\d{{1,9}})?) ?({'|'.join(_BITS)})/s", re.ASCII)
_MIN_BITS_PER_S, _MAX_BITS_PER_S = 100_000, 100_000_000
_KB_BITS = 8000  # Toxiproxy counts in kB/s
_OVER = 1.25  # a small bulk may come a little faster than the rate: the first packets did not wait
_WITHOUT = 1.5  # without the fault the link must carry so many times the rate, or nothing was changed


def bits_per_s(text: str) -> int:
    """``10Mbit/s`` -> 10000000; ``1MB/s`` -> 8000000."""
    found = _BIT_RATE.fullmatch(text)
    if not found:
        raise ValueError(f"is '{text}': write a bit rate with its unit, such as 10Mbit/s or 500kB/s")
    return round(Decimal(found[1]) * _BITS[found[2]])


BIT_RATE = Reader("bit rate", "10Mbit/s", bits_per_s, pattern=_BIT_RATE.pattern)


def show_bits_per_s(rate: float) -> str:
    for unit, bits in (("Gbit/s", 1e9), ("Mbit/s", 1e6)):
        if rate >= 0.9995 * bits:  # what rounds to 1000 of the next smaller unit
            return f"{rate / bits:.3g} {unit}"
    return f"{rate / 1e3:.3g} kbit/s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth(Patterned):
    """Connections on ``link`` carry at most ``rate`` in each direction."""

    kind: ClassVar[str] = "bandwidth"
    about: ClassVar[str] = "a link carries no more than so many bits a second"
    works: ClassVar[str] = (
        "Via packets: nftables names a class of the kernel's HTB for packets of the link as they leave, in the "
        "pods of both ends, TCP and UDP; what is too much waits there. Via toxiproxy: a bandwidth toxic for each "
        "direction in our sidecar, in the pod of the link's source."
    )
    bites: ClassVar[str] = (
        "Via packets with the next packet: 0.4 ms, measured once as the time until the kernel was read back. Via "
        "toxiproxy with the next bytes; not measured apart. Each run's report gives its own bound."
    )
    witness: ClassVar[str] = (
        "In force: a bulk of up to 0.2 s of the rate (0.3 s via toxiproxy), moved about once a second over the "
        "link's echo, never comes faster than 1.25 times the rate, while without the fault it came at 1.5 times "
        "the rate or more. Exercised: packets or bytes of the system met it, as the kernel or the toxic counts. "
        "Gone: the rate of such a bulk afterwards."
    )
    page: ClassVar[str] = (
        "Each direction has the rate for itself, and all connections of the link share it, with what the "
        "packets' headers take: a program gets about 95% of it (9.5 of 10 Mbit/s measured). Via packets nothing "
        "is thrown away until 0.2 s of it waits; what still waits when it heals leaves at the rate. Small "
        "answers on an idle link are not slower: it is met by bulk, or by many at once. Via toxiproxy: TCP only, "
        "per connection, in bursts of 0.1 s. The witness's bulk takes its share of the rate."
    )
    replaces: ClassVar[str] = (
        "tc tbf on a whole device (which cannot tell peers apart), Pumba netem rate, Toxiproxy's bandwidth "
        "toxic, Chaos Mesh's NetworkChaos (bandwidth), Comcast."
    )
    limits: ClassVar[Mapping[str, str]] = {
        "rate": "from 100kbit/s to 100Mbit/s; via toxiproxy whole kB/s",
        "on": "at least 100ms, and less than 'for'",
        "off": "at least 100ms",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"link": "gateway -> n1", "rate": "1Mbit/s"}

    link: Link = field(metadata=word("link", LINK, "the connections that become narrow"))
    rate_bits_per_s: int = field(metadata=word("rate", BIT_RATE, "how much each direction carries"))
    mechanism: str = field(
        default="packets", metadata=word("via", choice("packets", "toxiproxy"), "what makes it narrow")
    )

    @property
    def via(self) -> str:
        return "Toxiproxy" if self.mechanism == "toxiproxy" else "HTB, by nftables"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from link_problems("link", self.link, cluster)
        yield from self.pattern_problems()
        if not _MIN_BITS_PER_S <= self.rate_bits_per_s <= _MAX_BITS_PER_S:
            yield "rate", f"is {show_bits_per_s(self.rate_bits_per_s)}: write one from 100kbit/s to 100Mbit/s"
        elif self.mechanism == "toxiproxy" and self.rate_bits_per_s % _KB_BITS:
            shown = show_bits_per_s(self.rate_bits_per_s)
            yield "rate", f"is {shown}: write whole kB/s, which is how Toxiproxy counts, such as 125kB/s"

    def needs(self) -> tuple[str, ...]:
        return ("htb",) if self.mechanism == "packets" else ()

    def proxies(self, cluster: Cluster) -> frozenset[Link]:
        return frozenset({cluster.resolve(self.link)}) if self.mechanism == "toxiproxy" else frozenset()

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        link = cluster.resolve(self.link)
        if link.port is None:
            raise ValueError(f"{link} has no port: check() was not asked")
        if self.mechanism == "packets":
            return (
                Rate(link.source, link.target, self.rate_bits_per_s, link.port, "peer"),
                Rate(link.target, link.source, self.rate_bits_per_s, link.port, "node"),
            )
        values = (("rate", self.rate_bits_per_s // _KB_BITS),)
        return (
            Toxic(link.source, link.target, link.port, "bandwidth", "upstream", values),
            Toxic(link.source, link.target, link.port, "bandwidth", "downstream", values),
        )

    def describe(self) -> str:
        return f"{self.link} carries {show_bits_per_s(self.rate_bits_per_s)} at most{self.rhythm()}"

    def undo(self) -> str:
        if self.mechanism == "toxiproxy":
            return "the toxics are deleted; the link stays on its proxy, without toxics"
        return "the maps that choose the class are emptied (the kernel does it by itself 2 s later), then it is removed"

    def touches(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return frozenset({pods_of(self.link, cluster)})

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        found = turns_of(self.name, evidence, in_force.window)
        spells = inner(found.on) if found.off else (in_force.window,)
        read = evidence.readings(self.name, "bits_per_s", "during")
        during = [one.value for one in read if any(spell.holds(one.read_ns) for spell in spells)]
        before = [one.value for one in evidence.readings(self.name, "bits_per_s", "before")]
        after = [one.value for one in evidence.readings(self.name, "bits_per_s", "after")]
        healed = evidence.healed(self.name)
        met = sum(event.packets for event in healed) + sum(event.bytes for event in healed)
        apart = [*before, *after]  # a busy machine may have moved no bulk in time at one of the two
        if not apart or not during:
            return Sighting(False, met > 0, "no bulk came back on this link with and without it, so nothing was seen")
        narrow = max(during) <= _OVER * self.rate_bits_per_s
        wide = max(apart) >= _WITHOUT * self.rate_bits_per_s
        gone = f"gone: {show_bits_per_s(median(after))}" if after else "gone: not seen"
        words = (
            f"{found.says()}a bulk came at {show_bits_per_s(median(during))} (at most {show_bits_per_s(max(during))}, "
            f"{len(during)} read; without it {show_bits_per_s(max(apart))}); "
            f"{sum(event.bytes for event in healed):,} bytes met it; {gone}"
        )
        return Sighting(narrow and wide, met > 0, words)
