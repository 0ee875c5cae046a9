"""What packet faults have in common: whose packets, how many of them, and how many the witness found so."""

from abc import abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import ClassVar

from harness.cluster import EVERYONE, Cluster, Link
from harness.faults.base import Sighting
from harness.faults.partition import LINK
from harness.faults.pattern import Patterned
from harness.faults.reach import PACKETS, End, Reach
from harness.faults.volleys import PER_S, WANTED, Volleys, alone, as_asked, volleys
from harness.primitives import AnyPrimitive, Disturb
from harness.recording.evidence import Evidence, InForce
from harness.units import show_planned_s, show_share
from harness.words import NODE, SHARE, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance(Patterned):
    """A ``share`` of the packets between ``nodes`` and ``from``, or on ``links``, does not arrive as it was sent."""

    bites: ClassVar[str] = (
        "With the next packet after its instant: firing fills the rules' sets, as it does for a partition (there "
        "median 0.9 ms, 99 of 100 within 1.6 ms until the kernel was read back, over 200 cuts of 'make bench'). "
        "Not measured apart for this kind: each run's report gives its own bound."
    )

    done: ClassVar[str]  # what becomes of them, in one word
    most: ClassVar[float] = 1.0

    nodes: tuple[str, ...] = field(default=(), metadata=word("nodes", NODE, "whose packets", many=True))
    others: tuple[str, ...] = field(
        default=(EVERYONE,), metadata=word("from", NODE, "between them and whom; everyone: all other nodes", many=True)
    )
    links: tuple[Link, ...] = field(default=(), metadata=word("links", LINK, "or which connections", many=True))
    packets: str = field(
        default="both",
        metadata=word("packets", PACKETS, "what 'nodes' (or a link's source) get: in; what they send: out; or both"),
    )
    share: float = field(metadata=word("share", SHARE, "of how many packets"))

    @property
    def via(self) -> str:
        return "packet queue"

    @abstractmethod
    def _disturb(self, end: End, seed: int) -> Disturb:
        """What happens to the packets that arrive at one end."""

    @abstractmethod
    def _found(self, seen: Volleys) -> tuple[float, float]:
        """How many of the witness's datagrams met that fate, and of how many that could."""

    def _reach(self) -> Reach:
        return Reach(self.nodes, self.others, self.links, self.packets)

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from self._reach().problems(cluster, "links")
        yield from self.pattern_problems()
        if not 0 < self.share <= self.most:
            yield "share", f"is {show_share(self.share)}: write one above 0% and up to {show_share(self.most)}"
        elif self._expected() < WANTED:
            least_s = show_planned_s(ceil(round(self.for_s * WANTED / self._expected(), 6)))
            yield (
                "share",
                f"is {show_share(self.share)}, too few for a witness to see in {show_planned_s(self.for_s)} "
                f"at {PER_S} datagrams a second: let it last {least_s} or take a larger share",
            )

    def _expected(self) -> float:
        """How many of the witness's datagrams will have met their fate in the end."""
        on, off = self.pattern() or (1.0, 0.0)
        return self.for_s * on / (on + off) * PER_S * self.share

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return tuple(self._disturb(end, seed) for end in self._reach().ends(cluster))

    def describe(self) -> str:
        return f"{show_share(self.share)} of packets {self._reach()} {self._said()}{self.rhythm()}"

    def _said(self) -> str:
        return self.done

    def undo(self) -> str:
        return "the rules' sets are emptied; the kernel forgets their elements by itself 2 s later"

    def needs(self) -> tuple[str, ...]:
        return ("queue",)

    def touches(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return self._reach().touches(cluster)

    def _spread(self) -> float:
        """How many times the variance of independent draws theirs is."""
        return 1.0

    def _proved(self, seen: Volleys) -> bool:
        """What else must show where it was in force."""
        return True

    def _share_seen(self) -> float:
        """Of how many of the witness's datagrams it can be seen."""
        return self.share

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        nodes = sorted({end.node for end in self._reach().ends(cluster)})
        by_node = [volleys(evidence, self.name, "during", node) for node in nodes]
        at_most = alone(evidence, self.name, in_force)

        def is_seen(one: Volleys) -> bool:
            found, of = self._found(one)
            asked = as_asked(found, of, self._share_seen(), spread=self._spread(), at_most=at_most)
            return asked and self._proved(one)

        (before, during, after) = (
            self._words([volleys(evidence, self.name, when, node) for node in nodes])
            for when in ("before", "during", "after")
        )
        packets = sum(event.packets for event in evidence.healed(self.name))
        words = f"{during} of the witness's datagrams {self.done} (before {before}, after {after})"
        met = packets * self.share >= 1
        return Sighting(all(map(is_seen, by_node)), met, f"{words}; {packets:,} packets of the system met it")

    def _words(self, seen: list[Volleys]) -> str:
        found, of = (sum(column) for column in zip(*map(self._found, seen), strict=True))
        return f"{found:.0f} of {of:.0f}"
