"""A slow network: answers wait in Toxiproxy, or packets in the packet queue."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import ClassVar

from harness.cluster import EVERYONE, Cluster, Link
from harness.faults.base import Sighting, link_problems
from harness.faults.partition import LINK
from harness.faults.pattern import EDGE_S, Patterned, inner, sent_in, turns_of
from harness.faults.reach import Reach
from harness.faults.volleys import alone, slower_s, volleys
from harness.primitives import AnyPrimitive, Disturb, Toxic
from harness.recording.evidence import Evidence, InForce, Window
from harness.words import DURATION, NODE, choice, word

_SHORTEST_S, _LONGEST_S = 0.001, 60.0
_TOO_MUCH = 0.2  # of the delay: so much more than was asked for is another fault ...
_TOO_MUCH_S = 0.020  # ... and below this it is the machine's noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(Patterned):
    """Answers on ``link`` come ``delay`` later, plus or minus ``jitter`` (uniform).

    ``via: packets``: every packet of the answers waits; instead of ``link`` it takes ``nodes`` and ``from``, and then
    everything waits that arrives at ``nodes``.
    """

    kind: ClassVar[str] = "latency"
    about: ClassVar[str] = "answers on a link, or everything that arrives at a node, come later, with jitter"
    works: ClassVar[str] = (
        "Via toxiproxy: a latency toxic in our sidecar, in the pod of the link's source, holds what comes back. "
        "Via packets: an nftables rule in the pod of whoever receives leads packets, TCP and UDP, to the "
        "kernel's packet queue, where a program of ours holds each for its time."
    )
    bites: ClassVar[str] = (
        "With the next bytes, or packet. Via packets within 1 ms of its instant, read back from the kernel; via "
        "toxiproxy the instant is the one at which Toxiproxy, read back, had the toxic, and how long that takes "
        "was not measured apart. Each run's report gives its own bound."
    )
    witness: ClassVar[str] = (
        "In force: round trips grew by the delay. Via toxiproxy they are the link's echo, every one of them "
        "later by at least 80% of the delay (less the jitter) than in the warm-up; via packets they are "
        "datagrams of ours to each peer every 0.5 s, later by that and, if no other fault is there, not later "
        "than asked for. Exercised: bytes of the system went through the toxic, or packets of it through the "
        "queue. Gone: the same round trips afterwards."
    )
    page: ClassVar[str] = (
        "Via toxiproxy: TCP only, after the connection was accepted: connecting stays fast, and a dead target "
        "looks alive to a TCP health check, on this link, all run long; its jitter cannot be replayed from a "
        "seed. Via packets: connecting is slow too, nothing is redirected, and jitter comes from the seed; a "
        "round trip takes the delay once, for packets wait one way only. The order of a flow's packets is kept, "
        "so that dense flows see more than the mean of the jitter. At most 16,384 packets wait; more of them "
        "pass at once."
    )
    replaces: ClassVar[str] = (
        "tc netem delay, Pumba netem delay, Toxiproxy's own command line, Chaos Mesh's NetworkChaos (delay), "
        "ChaosBlade's network delay."
    )
    limits: ClassVar[Mapping[str, str]] = {
        "delay": "from 1ms to 60s",
        "jitter": "at most the delay",
        "link": "exactly one of 'link' and 'nodes'; 'nodes' and 'from' only via packets",
        "on": "at least 100ms, and less than 'for'",
        "off": "at least 100ms",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {
        "link": "gateway -> n1",
        "delay": "200ms",
        "jitter": "20ms",
    }

    link: Link | None = field(default=None, metadata=word("link", LINK, "the connections that become slow"))
    nodes: tuple[str, ...] = field(default=(), metadata=word("nodes", NODE, "or who gets everything late", many=True))
    others: tuple[str, ...] = field(
        default=(EVERYONE,), metadata=word("from", NODE, "from whom; everyone: all other nodes", many=True)
    )
    delay_s: float = field(metadata=word("delay", DURATION, "how much later an answer comes"))
    jitter_s: float = field(default=0.0, metadata=word("jitter", DURATION, "how much more or less than that"))
    mechanism: str = field(
        default="toxiproxy", metadata=word("via", choice("toxiproxy", "packets"), "what makes it slow")
    )

    @property
    def via(self) -> str:
        return "packet queue" if self._queued else "Toxiproxy"

    @property
    def _queued(self) -> bool:
        return self.mechanism == "packets"

    def _reach(self) -> Reach:
        return Reach(self.nodes, self.others, (self.link,) if self.link else ())

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        if self._queued:
            yield from self._reach().problems(cluster, "link")
        elif self.link is None:
            yield "link", "is missing: Toxiproxy slows a link; write one, or 'via: packets' for all packets of a node"
        elif self.nodes or self.others != (EVERYONE,):
            yield "nodes" if self.nodes else "from", "is for 'via: packets': Toxiproxy slows a link; take it out"
        else:
            yield from link_problems("link", self.link, cluster)
        yield from self._amount_problems()
        yield from self.pattern_problems()

    def _amount_problems(self) -> Iterator[tuple[str, str]]:
        if not _SHORTEST_S <= self.delay_s <= _LONGEST_S:
            yield "delay", f"is {self.delay_s:g} s: write one from 1ms to 60s"
        elif not self._queued and _broken_ms(self.delay_s):
            yield "delay", f"is {self.delay_s * 1000:g} ms: write whole milliseconds, which is how Toxiproxy counts"
        if not self._queued and _broken_ms(self.jitter_s):
            yield "jitter", f"is {self.jitter_s * 1000:g} ms: write whole milliseconds, which is how Toxiproxy counts"
        if self.jitter_s > self.delay_s:
            yield (
                "jitter",
                f"is {self.jitter_s:g} s, more than the delay ({self.delay_s:g} s): nothing arrives early; lower it",
            )

    def proxies(self, cluster: Cluster) -> frozenset[Link]:
        return frozenset({cluster.resolve(self.link)} if self.link and not self._queued else ())

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        if self._queued:
            return tuple(
                Disturb(e.node, e.peer, e.port, e.port_of, delay_s=self.delay_s, jitter_s=self.jitter_s, seed=seed)
                for e in self._reach().ends(cluster)
            )
        link = cluster.resolve(self.link) if self.link else None
        if link is None or link.port is None:
            raise ValueError(f"{link} has no port: check() was not asked")
        values = (("latency", round(self.delay_s * 1000)), ("jitter", round(self.jitter_s * 1000)))
        return (Toxic(link.source, link.target, link.port, "latency", "downstream", values),)

    def describe(self) -> str:
        jitter = f" ± {self.jitter_s * 1000:g} ms" if self.jitter_s else ""
        return f"{self.delay_s * 1000:g} ms{jitter} {self._reach()}{self.rhythm()}"

    def undo(self) -> str:
        if self._queued:
            return "the rules' sets are emptied, and what waits goes on at once; the kernel forgets them by itself"
        return "the toxic is deleted; the link stays on its proxy, without toxics"

    def needs(self) -> tuple[str, ...]:
        return ("queue",) if self._queued else ()

    def touches(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return self._reach().touches(cluster)

    def strength_s(self) -> float:
        return 2 * self.delay_s if self._queued else self.delay_s  # connecting waits as well

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        return (self._by_datagrams if self._queued else self._by_echoes)(evidence, cluster, in_force)

    def _by_datagrams(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        nodes = sorted({end.node for end in self._reach().ends(cluster)})
        before, during, after = (
            [volleys(evidence, self.name, when, node) for node in nodes] for when in ("before", "during", "after")
        )
        grown = [slower_s(*pair) for pair in zip(before, during, strict=True)]
        added_s = [both_s for both_s in grown if both_s is not None]
        if len(added_s) < len(nodes):
            return Sighting(False, False, "too few datagrams came back before or during it, so nothing was seen")
        least_s, most_s = 0.8 * (self.delay_s - self.jitter_s), self.delay_s + self.jitter_s
        most_s += max(_TOO_MUCH_S, _TOO_MUCH * self.delay_s)
        seen = all(low_s >= max(least_s, 0.0005) for low_s, _ in added_s)
        seen &= all(mid_s <= most_s for _, mid_s in added_s) or not alone(evidence, self.name, in_force)
        packets = sum(event.packets for event in evidence.healed(self.name))
        left = [left_s[1] for pair in zip(before, after, strict=True) if (left_s := slower_s(*pair))]
        gone = f"gone: {max(left) * 1000:+.1f} ms" if left else "gone: not seen"
        words = f"datagrams +{min(mid_s for _, mid_s in added_s) * 1000:.1f} ms"
        return Sighting(seen, packets > 0, f"{words}; {packets:,} packets of the system waited; {gone}")

    def _by_echoes(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        (pair,) = self.touches(cluster)
        window = in_force.window
        before = _round_trips(evidence, pair, evidence.phases.get("warmup", Window(0, window.start_ns)))
        edge_s = EDGE_S if self.pattern() else 0.0
        spells = inner(turns_of(self.name, evidence, window).on, start_s=edge_s, end_s=self.delay_s + edge_s)
        during = [p.rtt_s for p in sent_in(spells, {pair}, evidence) if p.rtt_s is not None]
        after = _round_trips(evidence, pair, Window(window.end_ns, window.end_ns + 10_000_000_000))
        if not before or not during:
            return Sighting(False, False, "no echo came back on this link before and during it, so nothing was seen")
        added_s = median(during) - median(before)
        # Jitter moves the median of few samples; the floor is what one sample must have waited at the least.
        least_s = 0.8 * (self.delay_s - self.jitter_s)
        late = sum(rtt_s >= least_s for rtt_s in during)
        met = sum(event.bytes for event in evidence.healed(self.name))
        gone = f"gone: +{(median(after) - median(before)) * 1000:.0f} ms" if after else "gone: not seen"
        words = f"echo +{added_s * 1000:.0f} ms ({late} of {len(during)} late)"
        seen = added_s >= max(least_s, 0.001) and late == len(during)
        return Sighting(seen, met > 0, f"{words}; {met:,} bytes went through it; {gone}")


def _broken_ms(seconds: float) -> bool:
    """Not a whole number of milliseconds."""
    return round(seconds * 1000, 6) != round(seconds * 1000)


def _round_trips(evidence: Evidence, pair: tuple[str, str], window: Window) -> list[float]:
    return [p.rtt_s for p in evidence.probes_between(*pair, window) if p.rtt_s is not None]
