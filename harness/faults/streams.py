"""What Toxiproxy can do to the streams of one link, beside slowing them: silence, resets, cuts, pieces, late ends.

All of them see TCP only, after the connection was accepted by the proxy in the source's own pod.
"""

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import ClassVar, Literal

from harness.cluster import Cluster, Link
from harness.faults.base import Fault, Sighting, link_problems, pods_of
from harness.faults.partition import LINK
from harness.primitives import AnyPrimitive, Toxic
from harness.recording.events import Probed
from harness.recording.evidence import Evidence, InForce, Window
from harness.units import show_planned_s, show_s
from harness.wire import When
from harness.words import DURATION, SIZE, word

Stream = Literal["upstream", "downstream"]
BOTH: tuple[Stream, ...] = ("upstream", "downstream")
ANSWERS: tuple[Stream, ...] = ("downstream",)
_LATER_S = 5.0
_MOST_OF_IT = 0.8  # of a planned wait: what was seen must have waited for so much of it
_NO_BULK = "no bulk was moved on this link with and without it, so nothing was seen"
_MILLISECONDS = "write whole milliseconds, which is how Toxiproxy counts"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFault(Fault):
    """One type of toxic on one or both streams of ``link``."""

    bites: ClassVar[str] = (
        "With the next bytes on the link. The instant is the one at which Toxiproxy was asked for the toxic and, "
        "when read back, had it; how long that takes was not measured apart, and each run's report gives its own "
        "bound."
    )

    toxic: ClassVar[str]
    streams: ClassVar[tuple[Stream, ...]] = ANSWERS

    link: Link = field(metadata=word("link", LINK, "the connections it happens to"))

    @property
    def via(self) -> str:
        return "Toxiproxy"

    @abstractmethod
    def attributes(self) -> tuple[tuple[str, int], ...]:
        """The toxic's own names and whole numbers."""

    @abstractmethod
    def own_problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong with its own words."""

    @abstractmethod
    def look(self, seen: "Seen") -> tuple[bool, str]:
        """Whether it was in force, and what showed it."""

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from link_problems("link", self.link, cluster)
        yield from self.own_problems()

    def proxies(self, cluster: Cluster) -> frozenset[Link]:
        return frozenset({cluster.resolve(self.link)})

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        link = cluster.resolve(self.link)
        if link.port is None:
            raise ValueError(f"{link} has no port: check() was not asked")
        values = self.attributes()
        return tuple(Toxic(link.source, link.target, link.port, self.toxic, way, values) for way in self.streams)

    def undo(self) -> str:
        return "the toxic is deleted; the link stays on its proxy, without toxics"

    def touches(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return frozenset({pods_of(self.link, cluster)})

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        record = Seen.of(self.name, pods_of(self.link, cluster), evidence, in_force)
        seen, words = self.look(record)
        met = sum(event.bytes for event in evidence.healed(self.name))
        return Sighting(seen, met > 0, f"{words}; {met:,} bytes met it; {record.gone()}")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the record has of one link and one fault: echoes sent while it was in force and after, and readings."""

    fault: str
    until_ns: int
    during: tuple[Probed, ...]
    after: tuple[Probed, ...]
    evidence: Evidence

    @classmethod
    def of(cls, fault: str, pair: tuple[str, str], evidence: Evidence, in_force: InForce) -> "Seen":
        until_ns = in_force.window.end_ns - round(in_force.end_error_s * 1e9)
        later = Window(in_force.window.end_ns, in_force.window.end_ns + round(_LATER_S * 1e9))
        during = evidence.probes_between(*pair, Window(in_force.window.start_ns, until_ns))
        return cls(fault, until_ns, during, evidence.probes_between(*pair, later), evidence)

    def failed(self) -> list[Probed]:
        """Echoes that no answer came for meanwhile."""
        return [p for p in self.during if p.rtt_s is None or p.sent_ns + round(p.rtt_s * 1e9) >= self.until_ns]

    def read(self, name: str, when: When = "during") -> list[float]:
        return [one.value for one in self.evidence.readings(self.fault, name, when)]

    def read_apart(self, name: str) -> list[float]:
        """Before it and after it: a busy machine may have moved no bulk in time at one of the two."""
        return [*self.read(name, "before"), *self.read(name, "after")]

    def gone(self) -> str:
        back = sum(probe.rtt_s is not None for probe in self.after)
        return f"gone: {back} of {len(self.after)} echoes answered" if self.after else "gone: not seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlackHole(StreamFault):
    """Nothing comes through in either direction, and nobody is told."""

    kind: ClassVar[str] = "black-hole"
    about: ClassVar[str] = "connections are accepted and then nothing comes through, in either direction"
    works: ClassVar[str] = (
        "A timeout toxic of Toxiproxy on both streams, in our sidecar, in the pod of the link's source; "
        "connections are led through it by an nftables redirect for the whole run, under the name and address "
        "the program knows."
    )
    witness: ClassVar[str] = (
        "In force: the link's echo connects, and not one of its echoes is answered. Exercised: bytes of the "
        "system went through the toxic, as the agent counts them. Gone: echoes are answered again after the "
        "heal."
    )
    page: ClassVar[str] = (
        "Connecting still works, at once: a TCP health check finds the target alive. Silence is on both streams; "
        "on one alone the request would still arrive. TCP only. When it heals, Toxiproxy closes every connection "
        "that was caught (a partition lets them go on)."
    )
    replaces: ClassVar[str] = "toxiproxy-cli's timeout toxic."
    limits: ClassVar[Mapping[str, str]] = {"close-after": "from 0s to 10s, in whole milliseconds; 0s: only at the heal"}
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"link": "gateway -> n1"}
    toxic: ClassVar[str] = "timeout"
    streams: ClassVar[tuple[Stream, ...]] = BOTH

    close_after_s: float = field(
        default=0.0, metadata=word("close-after", DURATION, "end such a connection after so long; else at the heal")
    )

    def own_problems(self) -> Iterator[tuple[str, str]]:
        yield from _milliseconds("close-after", self.close_after_s, least_s=0.0)

    def attributes(self) -> tuple[tuple[str, int], ...]:
        return (("timeout", round(self.close_after_s * 1000)),)

    def describe(self) -> str:
        end = f", closed after {show_planned_s(self.close_after_s)}" if self.close_after_s else ""
        return f"{self.link} is a black hole{end}"

    def look(self, seen: Seen) -> tuple[bool, str]:
        lost = len(seen.failed())
        return 0 < len(seen.during) == lost, f"{lost} of {len(seen.during)} echoes lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(StreamFault):
    """Connections are reset, ``after`` so long."""

    kind: ClassVar[str] = "reset"
    about: ClassVar[str] = "connections are reset"
    works: ClassVar[str] = (
        "A reset_peer toxic of Toxiproxy on the stream of answers, in our sidecar, in the pod of the link's "
        "source; connections are led through it by an nftables redirect for the whole run, under the name and "
        "address the program knows."
    )
    witness: ClassVar[str] = (
        "In force: every one of the link's echoes ends with an error of the connection; one that is only silent "
        "does not count. Exercised: bytes of the system went through the toxic, as the agent counts them. Gone: "
        "echoes are answered again after the heal."
    )
    page: ClassVar[str] = (
        "Connecting works, then a new connection gets a TCP reset as soon as an answer could come (or 'after'); "
        "one that was open before sees an ordinary end of the stream instead, which is Toxiproxy's way. A "
        "refusal to connect is a partition with style reject. TCP only."
    )
    replaces: ClassVar[str] = "toxiproxy-cli's reset_peer toxic, tcpkill."
    limits: ClassVar[Mapping[str, str]] = {"after": "from 0s to 10s, in whole milliseconds"}
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"link": "gateway -> n1"}
    toxic: ClassVar[str] = "reset_peer"

    after_s: float = field(default=0.0, metadata=word("after", DURATION, "how long a connection lives"))

    def own_problems(self) -> Iterator[tuple[str, str]]:
        yield from _milliseconds("after", self.after_s, least_s=0.0)

    def attributes(self) -> tuple[tuple[str, int], ...]:
        return (("timeout", round(self.after_s * 1000)),)

    def describe(self) -> str:
        late = f" {show_planned_s(self.after_s)} after they begin" if self.after_s else ""
        return f"connections {self.link} are reset{late}"

    def look(self, seen: Seen) -> tuple[bool, str]:
        """By an error: a connection that is only silent was not reset."""
        # One that was on its way as it ended may have been answered after that: it says nothing.
        told = [p for p in seen.during if p.rtt_s is None or p not in seen.failed()]
        reset = [p for p in told if p.error is not None and not p.error.startswith("no answer")]
        return 0 < len(told) == len(reset), f"{len(reset)} of {len(told)} echoes reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowClose(StreamFault):
    """The end of a stream comes ``delay`` later."""

    kind: ClassVar[str] = "slow-close"
    about: ClassVar[str] = "connections end later than they should"
    works: ClassVar[str] = (
        "A slow_close toxic of Toxiproxy on the stream of answers, in our sidecar, in the pod of the link's "
        "source; connections are led through it by an nftables redirect for the whole run, under the name and "
        "address the program knows."
    )
    bites: ClassVar[str] = (
        "With the next connection that ends. The instant is the one at which Toxiproxy was asked for the toxic "
        "and, when read back, had it; how long that takes was not measured apart, and each run's report gives "
        "its own bound."
    )
    witness: ClassVar[str] = (
        "In force: a bulk over the link's echo, about once a second, hears of the end of its stream only after "
        "80% of the delay or more, each time, and without the fault sooner. Exercised: bytes of the system went "
        "through the toxic, as the agent counts them. Gone: echoes are answered again after the heal."
    )
    page: ClassVar[str] = (
        "Data is not slowed. The source hears of the end of a connection late, so it keeps sockets, and a client "
        "that reads to the end waits; one that knows the length of an answer (HTTP with keep-alive) does not "
        "notice. What is asked to end meanwhile may still end that much later after the heal. TCP only."
    )
    replaces: ClassVar[str] = "toxiproxy-cli's slow_close toxic."
    limits: ClassVar[Mapping[str, str]] = {"delay": "from 50ms to 10s, in whole milliseconds"}
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"link": "gateway -> n1", "delay": "2s"}
    toxic: ClassVar[str] = "slow_close"

    delay_s: float = field(metadata=word("delay", DURATION, "how much later a connection ends"))

    def own_problems(self) -> Iterator[tuple[str, str]]:
        yield from _milliseconds("delay", self.delay_s, least_s=0.05)

    def attributes(self) -> tuple[tuple[str, int], ...]:
        return (("delay", round(self.delay_s * 1000)),)

    def describe(self) -> str:
        return f"connections {self.link} end {show_planned_s(self.delay_s)} late"

    def look(self, seen: Seen) -> tuple[bool, str]:
        return _waited(seen, "close_s", self.delay_s, "an echo's stream ended")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slicer(StreamFault):
    """Answers come in pieces of about ``size``, each ``pause`` after the one before."""

    kind: ClassVar[str] = "slicer"
    about: ClassVar[str] = "answers come in small pieces, with pauses"
    works: ClassVar[str] = (
        "A slicer toxic of Toxiproxy on the stream of answers, in our sidecar, in the pod of the link's source; "
        "connections are led through it by an nftables redirect for the whole run, under the name and address "
        "the program knows."
    )
    witness: ClassVar[str] = (
        "In force: the pieces of a bulk over the link's echo, about once a second, come 80% of the pause or more "
        "apart on average, each time, and without the fault closer together. Exercised: bytes of the system went "
        "through the toxic, as the agent counts them. Gone: echoes are answered again after the heal."
    )
    page: ClassVar[str] = (
        "Nothing is lost or changed. Pieces are halves of halves, so between half of 'size' and 'size', in the "
        "same places every time; an answer shorter than 'size' is left whole and is late by one pause at most. A "
        "long answer takes its length / size pauses. It shows readers that take one read for one message. TCP "
        "only."
    )
    replaces: ClassVar[str] = "toxiproxy-cli's slicer toxic."
    limits: ClassVar[Mapping[str, str]] = {"size": "from 1B to 16kB", "pause": "from 1ms to 1s, in whole milliseconds"}
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"link": "gateway -> n1", "size": "64B", "pause": "20ms"}
    toxic: ClassVar[str] = "slicer"

    size_bytes: int = field(metadata=word("size", SIZE, "how large a piece may be"))
    pause_s: float = field(metadata=word("pause", DURATION, "how long to wait between two pieces"))

    def own_problems(self) -> Iterator[tuple[str, str]]:
        if not 1 <= self.size_bytes <= 16_000:
            yield "size", f"is {self.size_bytes:,} bytes: write one from 1B to 16kB, or whole answers fit in one piece"
        yield from _milliseconds("pause", self.pause_s, least_s=0.001, most_s=1.0)

    def attributes(self) -> tuple[tuple[str, int], ...]:
        delay_us = round(self.pause_s * 1e6)
        return (("average_size", self.size_bytes), ("size_variation", 0), ("delay", delay_us))

    def describe(self) -> str:
        size = f"{self.size_bytes:,} bytes"
        return f"answers on {self.link} come in pieces of {size}, {show_planned_s(self.pause_s)} apart"

    def look(self, seen: Seen) -> tuple[bool, str]:
        return _waited(seen, "piece_s", self.pause_s, "a bulk's pieces came")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamCut(StreamFault):
    """A connection ends once ``after`` bytes of answers came over it."""

    kind: ClassVar[str] = "stream-cut"
    about: ClassVar[str] = "a connection ends after so many bytes, in the middle of an answer"
    works: ClassVar[str] = (
        "A limit_data toxic of Toxiproxy on the stream of answers, in our sidecar, in the pod of the link's "
        "source; connections are led through it by an nftables redirect for the whole run, under the name and "
        "address the program knows."
    )
    witness: ClassVar[str] = (
        "In force: of a bulk over the link's echo, about once a second, never more than 'after' bytes come back, "
        "and without the fault more. Exercised: bytes of the system went through the toxic, as the agent counts "
        "them. Gone: echoes are answered again after the heal."
    )
    page: ClassVar[str] = (
        "An ordinary end of the stream (no reset), counted for each connection from its first byte, or from when "
        "the fault began: with keep-alive it hits whichever answer is under way. Requests are not counted. A "
        "client that does not look for the end of an answer takes half of one for whole. TCP only."
    )
    replaces: ClassVar[str] = "toxiproxy-cli's limit_data toxic."
    limits: ClassVar[Mapping[str, str]] = {"after": "from 1B to 1MB"}
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"link": "gateway -> n1", "after": "2kB"}
    toxic: ClassVar[str] = "limit_data"

    after_bytes: int = field(metadata=word("after", SIZE, "how many bytes of answers come through"))

    def own_problems(self) -> Iterator[tuple[str, str]]:
        if not 1 <= self.after_bytes <= 1_000_000:
            yield "after", f"is {self.after_bytes:,} bytes: write one from 1B to 1MB"

    def attributes(self) -> tuple[tuple[str, int], ...]:
        return (("bytes", self.after_bytes),)

    def describe(self) -> str:
        return f"connections {self.link} end after {self.after_bytes:,} bytes of answers"

    def look(self, seen: Seen) -> tuple[bool, str]:
        apart, during = seen.read_apart("came_bytes"), seen.read("came_bytes")
        if not apart or not during:
            return False, _NO_BULK
        cut = max(during) <= self.after_bytes < min(apart)
        return cut, f"of a longer bulk at most {max(during):,.0f} bytes came ({len(during)} read)"


def _waited(seen: Seen, reading: str, planned_s: float, what: str) -> tuple[bool, str]:
    """Every reading meanwhile must have waited for most of it, and those before or after need not."""
    apart, during = seen.read_apart(reading), seen.read(reading)
    if not apart or not during:
        return False, _NO_BULK
    least_s = _MOST_OF_IT * planned_s
    late = sum(value >= least_s for value in during)
    words = f"{what} after {show_s(median(during))} ({late} of {len(during)} late; without it {show_s(min(apart))})"
    return late == len(during) and min(apart) < least_s, words


def _milliseconds(key: str, length_s: float, *, least_s: float, most_s: float = 10.0) -> Iterator[tuple[str, str]]:
    if not least_s <= length_s <= most_s:
        yield key, f"is {show_planned_s(length_s)}: write one from {least_s * 1000:g}ms to {most_s:g}s"
    elif round(length_s * 1000, 6) != round(length_s * 1000):
        yield key, f"is {length_s * 1000:g} ms: {_MILLISECONDS}"
