"""A slow link: every chunk of an answer waits in Toxiproxy."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Fault, Sighting, link_problems, pods_of
from harness.faults.partition import LINK
from harness.primitives import AnyPrimitive, Toxic
from harness.recording.evidence import Evidence, InForce, Window
from harness.words import DURATION, choice, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(Fault):
    """Answers on ``link`` come ``delay`` later, plus or minus ``jitter`` (uniform, drawn by Toxiproxy)."""

    kind: ClassVar[str] = "latency"
    about: ClassVar[str] = "answers on a link come later, with jitter"
    page: ClassVar[str] = (
        "TCP only, after the connection was accepted: connecting stays fast, and a dead target looks alive to a TCP "
        "health check, on this link, all run long. Toxiproxy's jitter cannot be replayed from a seed."
    )

    link: Link = field(metadata=word("link", LINK, "the connections that become slow"))
    delay_s: float = field(metadata=word("delay", DURATION, "how much later an answer comes"))
    jitter_s: float = field(default=0.0, metadata=word("jitter", DURATION, "how much more or less than that"))
    mechanism: str = field(default="toxiproxy", metadata=word("via", choice("toxiproxy"), "what makes it slow"))

    @property
    def via(self) -> str:
        return "Toxiproxy"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from link_problems("link", self.link, cluster)
        if not 0.001 <= self.delay_s <= 60:
            yield "delay", f"is {self.delay_s:g} s: write one from 1ms to 60s"
        elif _broken_ms(self.delay_s):
            yield "delay", f"is {self.delay_s * 1000:g} ms: write whole milliseconds, which is how Toxiproxy counts"
        if _broken_ms(self.jitter_s):
            yield "jitter", f"is {self.jitter_s * 1000:g} ms: write whole milliseconds, which is how Toxiproxy counts"
        if self.jitter_s > self.delay_s:
            yield (
                "jitter",
                f"is {self.jitter_s:g} s, more than the delay ({self.delay_s:g} s): nothing arrives early; lower it",
            )

    def proxies(self, cluster: Cluster) -> frozenset[Link]:
        return frozenset({cluster.resolve(self.link)})

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        link = cluster.resolve(self.link)
        if link.port is None:
            raise ValueError(f"{link} has no port: check() was not asked")
        values = (("latency", round(self.delay_s * 1000)), ("jitter", round(self.jitter_s * 1000)))
        return (Toxic(link.source, link.target, link.port, "latency", "downstream", values),)

    def describe(self) -> str:
        jitter = f" ± {self.jitter_s * 1000:g} ms" if self.jitter_s else ""
        return f"{self.delay_s * 1000:g} ms{jitter} on {self.link}"

    def undo(self) -> str:
        return "the toxic is deleted; the link stays on its proxy, without toxics"

    def touches(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return frozenset({pods_of(self.link, cluster)})

    def strength_s(self) -> float:
        return self.delay_s

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        pair = pods_of(self.link, cluster)
        window = in_force.window
        before = _round_trips(evidence, pair, evidence.phases.get("warmup", Window(0, window.start_ns)))
        during = _round_trips(evidence, pair, Window(window.start_ns, window.end_ns - round(self.delay_s * 1e9)))
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
