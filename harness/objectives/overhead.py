"""What the harness itself cost the network of the nodes."""

from dataclasses import dataclass, field
from typing import ClassVar

from harness.objectives.base import Bound, Finding, bound
from harness.objectives.used import OfNodes
from harness.recording.evidence import Evidence, Window
from harness.units import show_bytes, show_share
from harness.words import SHARE, word

_BOUND = bound(SHARE)


@dataclass(frozen=True, slots=True)
class _Carried:
    own_bytes: int
    other_bytes: int

    @property
    def share(self) -> float:
        return self.own_bytes / self.other_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead(OfNodes):
    """Bytes of our own echoes and scrapes by the bytes of everything else that a pod's network carried, either way.

    The pod that is worst decides. Scrapes of a node on a port that serves users too cannot be told from these, and
    count as theirs.
    """

    key: ClassVar[str] = "overhead"
    about: ClassVar[str] = "what the harness adds to the traffic of a node's network"
    unit: ClassVar[str] = "share"
    happened: ClassVar[str] = "was counted"
    example: ClassVar[dict[str, str]] = {"overhead": "<= 10%"}

    bound: Bound = field(metadata=word("overhead", _BOUND, "the share of its own traffic, such as '<= 10%'"))

    @property
    def source(self) -> str:
        return f"packets of our own ports, and all that the pods' networks carried, counted in {self.window}"

    def within(self, evidence: Evidence, window: Window) -> Finding:
        if evidence.began is None:
            return self.finding("inconclusive", "the journal does not say which nodes there were")
        cluster, found = evidence.began.cluster, {}
        for pod in dict.fromkeys(cluster.pod_of(node) for node in cluster.chosen(self.nodes)):
            carried = _carried(evidence, pod, window)
            if carried is None:
                return self.finding("inconclusive", f"what the network of {pod} carried was not counted twice")
            if carried.other_bytes <= 0:
                return self.finding("inconclusive", f"the network of {pod} carried nothing but the harness's own")
            found[pod] = carried
        worst = max(found, key=lambda pod: found[pod].share)
        own, other = show_bytes(found[worst].own_bytes), show_bytes(found[worst].other_bytes)
        return self.finding(
            self.bound.outcome(found[worst].share),
            f"at {worst} {own} were the harness's own, beside {other} of the system",
            found[worst].share,
            details=tuple((pod, show_share(one.share)) for pod, one in found.items()),
        )


def _carried(evidence: Evidence, pod: str, window: Window) -> _Carried | None:
    """Between the first count and the last in the window."""
    counts = [
        (one.counters.network_bytes, one.counters.own_bytes)
        for one in evidence.counted(pod)
        if window.holds(one.counters.now_ns)
    ]
    known = [(network, own) for network, own in counts if network is not None and own is not None]
    if len(known) < 2:
        return None
    network, own = (last - first for first, last in zip(known[0], known[-1], strict=True))
    return _Carried(own, network - own)
