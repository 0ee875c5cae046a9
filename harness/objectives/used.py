"""What the nodes used: memory and whether it grows, CPU, descriptors. The node that is worst decides."""

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from harness import units
from harness.cluster import Cluster
from harness.objectives.base import Bound, Finding, Outcome, bound
from harness.objectives.looks import Looks, looks
from harness.objectives.over_window import InWindow
from harness.objectives.promql import NUMBER
from harness.objectives.slope import NEEDED, Slope, slope
from harness.recording.evidence import Evidence, Window
from harness.units import show_bytes, show_s
from harness.words import COUNT, NODE, SIZE, Reader, word

BLIND_S = 5.0  # a node that nobody looked at for longer may have been anything meanwhile
_WORST: tuple[Outcome, ...] = ("held", "inconclusive", "violated")
_GROWTH = re.compile(r"(.+)/(s|min|h)", re.ASCII)
_PER_MIN = {"s": 60.0, "min": 1.0, "h": 1 / 60}


def _growth(text: str) -> float:
    if not (found := _GROWTH.fullmatch(text)):
        raise ValueError(f"is '{text}': write a size and a time, such as 1MB/min")
    return units.size_bytes(found[1]) * _PER_MIN[found[2]]


GROWTH = Reader("growth", "1MB/min", _growth, pattern=rf"(?:{units.SIZE.pattern})/(?:s|min|h)")
_SIZE_BOUND, _GROWTH_BOUND, _CPU_BOUND, _COUNT_BOUND = bound(SIZE), bound(GROWTH), bound(NUMBER), bound(COUNT)


@dataclass(frozen=True, slots=True)
class Share:
    """What one node comes to: its figure with the least and the most it may have been, and the same in words."""

    node: str
    value: float
    least: float
    most: float
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfNodes(InWindow):
    """``nodes``: whose figure it is."""

    nodes: tuple[str, ...] = field(
        default=(), metadata=word("nodes", NODE, "which nodes, by name or role; every one, unless given", many=True)
    )

    def check_on(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        for name in self.nodes:
            if name not in cluster.roles() and (nobody := cluster.unknown(name)):
                yield "nodes", f"names '{name}': {nobody}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PerNode(OfNodes):
    """Of every node a figure, and the bound must hold for each; the finding's figure is that of the worst.

    Nodes are looked at about once a second: a peak between two looks is not seen. One that did not run all the time
    has no figure and breaks no bound; one that nobody could look at for 5 s keeps no bound.
    """

    happened: ClassVar[str] = "was looked at"

    @property
    def source(self) -> str:
        whose = ", ".join(self.nodes) or "every node"
        return f"the control groups of {whose}, looked at about once a second in {self.window}"

    def within(self, evidence: Evidence, window: Window) -> Finding:
        if evidence.began is None:
            return self.finding("inconclusive", "the journal does not say which nodes there were")
        asked = looks(evidence, evidence.began.cluster.chosen(self.nodes), window)
        seen = [one for one in asked if one.used or not one.down]
        taken = [self.share(one, len(seen)) for one in seen]
        shares = [one for one in taken if isinstance(one, Share)]
        if not shares:
            reasons = dict.fromkeys(one for one in taken if isinstance(one, str))
            return self.finding("inconclusive", "; ".join(reasons) or f"no node ran in {self.window}")
        return self._worst(shares, self._unknown(seen, taken))

    @abstractmethod
    def share(self, seen: Looks, nodes: int) -> Share | str:
        """One node's figure, of so many that are asked about; or the sentence that says why it has none."""

    def _unknown(self, seen: Sequence[Looks], taken: Sequence[Share | str]) -> str:
        """The first reason for which not all is known, or ""."""
        for one in seen:
            if one.blind_s > BLIND_S:
                return f"nobody could look at {one.node} for {show_s(one.blind_s)} of {self.window}"
        return next((one for one in taken if isinstance(one, str)), "")

    def _worst(self, shares: Sequence[Share], unknown: str) -> Finding:
        sign = -1 if self.bound.comparison in (">=", ">") else 1
        of = {one.node: self.bound.among(one.least, one.value, one.most) for one in shares}
        worst = max(shares, key=lambda one: (_WORST.index(of[one.node]), sign * one.value))
        outcome, reason = of[worst.node], f"{worst.node} {worst.said}"
        details = tuple((one.node, self.shown(one.value)) for one in shares)
        if outcome == "inconclusive":
            reason += f": too close to '{self.bound.text}' to tell"
        elif outcome == "held" and unknown:
            outcome, reason = "inconclusive", unknown
        error = max(worst.most - worst.value, worst.value - worst.least)
        return self.finding(outcome, reason, worst.value, error=error or None, details=details)

    @abstractmethod
    def shown(self, value: float) -> str:
        """A node's figure in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(PerNode):
    """The most that a node held at any look: its working set, without files that the kernel may drop at any time."""

    key: ClassVar[str] = "memory"
    about: ClassVar[str] = "how much memory a node held at most"
    unit: ClassVar[str] = "B"

    bound: Bound = field(metadata=word("memory", _SIZE_BOUND, "the most for each node, such as '<= 4GB'"))

    def share(self, seen: Looks, nodes: int) -> Share | str:
        if not seen.used:
            return f"nobody could look at {seen.node} in {self.window}"
        most = float(max(one.memory_bytes for one in seen.used))
        return Share(seen.node, most, most, most, f"held {show_bytes(most)} at most")

    def shown(self, value: float) -> str:
        return show_bytes(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryGrowth(PerNode):
    """How fast the memory of a node grows: the line of Theil and Sen through its longest life in the window.

    That line is not moved by a minority of outliers. Its interval of confidence (95 % for all nodes together) decides:
    a bound inside it can be neither held nor broken. Looks that follow each other are much alike, so that the interval
    is taken from the medians of twenty stretches. What grows at a start is no leak: leave the warm-up out of it, and
    give it some minutes. A figure in one window says nothing of a later one.
    """

    key: ClassVar[str] = "memory-growth"
    about: ClassVar[str] = "how fast the memory of a node grows: a leak"
    unit: ClassVar[str] = "B/min"

    bound: Bound = field(metadata=word("memory-growth", _GROWTH_BOUND, "the most for each node, such as '<= 1MB/min'"))

    def share(self, seen: Looks, nodes: int) -> Share | str:
        life = max(seen.lives(), key=len, default=())
        found = slope([(one.at_ns / 1e9, float(one.memory_bytes)) for one in life], nodes)
        if found is None:
            least = f"{NEEDED} looks without a restart in between; there are {len(life):,} of {seen.node}"
            return f"how fast its memory grows takes {least} in {self.window}"
        return self._share(seen.node, found)

    def _share(self, node: str, found: Slope) -> Share:
        each, low, high = (60 * per_s for per_s in (found.per_s, found.low_per_s, found.high_per_s))
        said = f"grew by {show_bytes(each)}/min (95 %: {show_bytes(low)} to {show_bytes(high)})"
        return Share(node, each, low, high, f"{said} in {show_s(found.length_s)}")

    def shown(self, value: float) -> str:
        return f"{show_bytes(value)}/min"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu(PerNode):
    """How many CPUs a node kept busy on an average, between the first and the last look.

    What it used between its last look and a restart is lost.
    """

    key: ClassVar[str] = "cpu"
    about: ClassVar[str] = "how many CPUs a node kept busy on an average"
    unit: ClassVar[str] = "CPUs"

    bound: Bound = field(metadata=word("cpu", _CPU_BOUND, "how many CPUs for each node, such as '<= 0.5'"))

    def share(self, seen: Looks, nodes: int) -> Share | str:
        if len(seen.used) < 2:
            return f"{seen.node} was looked at {len(seen.used)} times in {self.window}: CPU time takes two"
        length_s = (seen.used[-1].at_ns - seen.used[0].at_ns) / 1e9
        spent = [life[-1].cpu_s - (life[0].cpu_s if not at else 0.0) for at, life in enumerate(seen.lives())]
        each = sum(spent) / length_s
        return Share(seen.node, each, each, each, f"kept {each:.3g} CPUs busy for {show_s(length_s)}")

    def shown(self, value: float) -> str:
        return f"{value:.3g} CPUs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptors(PerNode):
    """The most descriptors that all processes of a node had open at any look.

    They are counted by the kernel of the machine that the harness runs on, where the engine's containers are its own.
    """

    key: ClassVar[str] = "descriptors"
    about: ClassVar[str] = "how many file descriptors a node had open at most"
    unit: ClassVar[str] = "open"
    example: ClassVar[Mapping[str, str]] = {"descriptors": "<= 500"}

    bound: Bound = field(metadata=word("descriptors", _COUNT_BOUND, "the most for each node, such as '<= 500'"))

    def share(self, seen: Looks, nodes: int) -> Share | str:
        counted = [one.descriptors for one in seen.used if one.descriptors is not None]
        if not counted:
            return f"nobody can count the descriptors of {seen.node}: this is not its machine, or its kernel is too old"
        most = float(max(counted))
        return Share(seen.node, most, most, most, f"had {most:,.0f} descriptors open at most")

    def shown(self, value: float) -> str:
        return f"{value:,.0f} open"
