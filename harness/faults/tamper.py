"""A link that lies: bytes are changed on their way, and neither end's network stack can know."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, cast

from harness.cluster import Cluster, Link
from harness.faults.base import Fault, Sighting, link_problems, pods_of
from harness.faults.partition import LINK
from harness.primitives import AnyPrimitive, Tamper
from harness.recording.evidence import Evidence, InForce
from harness.units import show_share
from harness.words import COUNT, SHARE, TEXT, choice, word

_EVERY_MAX = 100
_SHARE_MIN = 0.01
_LOOK_S = 1.0  # so long it takes until an echo of ours went through it and was read
_NEEDS = {"replace": ("find", "put"), "forge": ("put",)}
How = Literal["flip", "replace", "replay", "truncate", "forge"]
_DONE: Mapping[How, str] = {
    "flip": "a bit flipped",
    "replace": "a text replaced",
    "replay": "the chunk before replayed",
    "truncate": "the end cut off",
    "forge": "a forgery",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tampering(Fault):
    """Of what flows on ``link``, every ``every``-th chunk (or a ``share`` of them) is changed, as ``how`` says."""

    kind: ClassVar[str] = "tamper"
    about: ClassVar[str] = "answers or requests on a link are changed on their way"
    works: ClassVar[str] = (
        "nftables redirects the link's connections, in the pod of their source, to a proxy of ours, which "
        "changes chunks as they pass: flip one bit (of the last digit in a JSON string, times of day apart, else "
        "of a letter there, else of the last digit or letter, so that the answer looks true), replace a text, "
        "replay the chunk before on the same connection, truncate (send half and close), or forge the whole of "
        "it from a template."
    )
    bites: ClassVar[str] = (
        "About 1 ms after its instant, until the redirect's set was read back; it meets connections made from "
        "then on, and those that were open are ended so that they come back through the proxy. A witness of ours "
        "needs up to 1 s to see it."
    )
    witness: ClassVar[str] = (
        "In force: echoes of ours over the link come back changed, and did not before. Exercised: the proxy "
        "changed chunks of the system's own, by its count (the answers that arrived wrong are in the load's own "
        "figures). Gone: no echo comes back changed."
    )
    page: ClassVar[str] = (
        "TCP only. In HTTP/1 only bodies change and their framing stays right: a chunk is what came at once, at "
        "most one chunk of a chunked body; in a body with a Content-Length what is put in is cut or filled up "
        "with blanks. Any other stream (HTTP/2, TLS, compressed bodies) is changed as raw bytes, which mostly "
        "breaks it: TLS only breaks. replace finds nothing that is split over two chunks; the first chunk of a "
        "connection is never replayed over, so it is always true. Connecting succeeds at the proxy, even where "
        "the target is down: the connection is then reset. When the fault ends, its connections pass unchanged "
        "and are closed as they fall idle."
    )
    replaces: ClassVar[str] = "mitmproxy, a Toxiproxy toxic of one's own, Chaos Mesh's HTTPChaos (replace)."
    limits: ClassVar[Mapping[str, str]] = {
        "every": "from 1 to 100",
        "share": "from 1% to 100%; not beside 'every'",
        "find": "only with how: replace",
        "put": "only with how: replace or forge",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {
        "link": "gateway -> n1",
        "how": "replace",
        "every": "3",
        "find": "n1-",
        "put": "n9-",
    }

    link: Link = field(metadata=word("link", LINK, "the connections that are tampered with"))
    how: str = field(
        metadata=word("how", choice("flip", "replace", "replay", "truncate", "forge"), "what is done to a chunk")
    )
    every: int | None = field(default=None, metadata=word("every", COUNT, "every n-th chunk that can be changed"))
    share: float = field(default=1.0, metadata=word("share", SHARE, "or which share of them, drawn from the seed"))
    find: str = field(default="", metadata=word("find", TEXT, "what is looked for"))
    put: str = field(default="", metadata=word("put", TEXT, "what is there instead; in a forgery {n} counts"))
    stream: str = field(
        default="downstream",
        metadata=word("stream", choice("downstream", "upstream"), "the answers, or the requests"),
    )

    @property
    def via(self) -> str:
        return "a proxy of ours, by an nftables redirect"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from link_problems("link", self.link, cluster)
        if self.for_s < _LOOK_S:
            yield "for", f"is {self.for_s:g} s: write at least {_LOOK_S:g}s, or no echo of ours would be back by then"
        if self.every is not None and self.share != 1.0:
            yield "every", "and 'share' are two ways to say how often: write one of them"
        if self.every is not None and not 1 <= self.every <= _EVERY_MAX:
            yield "every", f"is {self.every}: write one from 1 to {_EVERY_MAX}, so that a witness meets it"
        if not _SHARE_MIN <= self.share <= 1:
            yield "share", f"is {self.share:.3%}: write one from {_SHARE_MIN:.0%} to 100%, so that a witness meets it"
        for key, value in (("find", self.find), ("put", self.put)):
            needed = key in _NEEDS.get(self.how, ())
            if needed and not value and (self.how, key) != ("replace", "put"):
                yield key, f"is missing: 'how: {self.how}' needs it"
            if value and not needed:
                yield key, f"is of no use to 'how: {self.how}': take it out"
        if self.find and self.find == self.put:
            yield "put", "is the same as 'find': nothing would change"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        link = cluster.resolve(self.link)
        if link.port is None:
            raise ValueError(f"{link} has no port: check() was not asked")
        how = cast(How, self.how)  # the words' readers take no others
        stream = cast(Literal["upstream", "downstream"], self.stream)
        source, target = pods_of(link, cluster)
        return (Tamper(source, target, link.port, how, stream, self.every, self.share, self.find, self.put, seed),)

    def touches(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        """The link's echo goes through the proxy too, and comes back changed."""
        return frozenset({pods_of(self.link, cluster)})

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        # By pods, without the port: every fault of this kind on a pair also redirects the pair's one echo.
        return frozenset({("redirect", " -> ".join(pods_of(self.link, cluster)))})

    def describe(self) -> str:
        often = f"one chunk in {self.every}" if self.every else f"{show_share(self.share)} of the chunks"
        what = "answers" if self.stream == "downstream" else "requests"
        return f"{_DONE[cast(How, self.how)]} in {often} of {what} on {self.link}"

    def undo(self) -> str:
        return (
            "the redirect's sets are emptied; the proxy passes on unchanged what it holds, and ends when that is idle"
        )

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        before, during, after = (
            [read.value for read in evidence.readings(self.name, "changed_share", when)]
            for when in ("before", "during", "after")
        )
        reads = [*evidence.readings(self.name, "changed", "during"), *evidence.readings(self.name, "changed", "after")]
        changed = max((read.value for read in reads), default=0)
        healed = evidence.healed(self.name)
        chunks, size_bytes = sum(event.packets for event in healed), sum(event.bytes for event in healed)
        share = during[-1] if during else 0.0
        gone = f"gone: {'no' if not any(after) else 'not, some'} echo comes back changed" if after else "gone: not seen"
        seen = any(during) and not any(before)
        words = f"{share:.0%} of our echoes came back changed" if during else "no echo came back on this link"
        met = f"{changed:,.0f} of {chunks:,} chunks ({size_bytes:,} bytes) of the system's own were changed"
        return Sighting(seen, changed > 0, f"{words}; {met}; {gone}")
