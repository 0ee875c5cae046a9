"""A network that does not keep the order of packets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.disturb import Disturbance
from harness.faults.reach import End
from harness.faults.volleys import Volleys
from harness.primitives import Disturb

_IN_A_ROW = 5  # the witness's datagrams of one flow; the last of them cannot be overtaken
_MOST = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorder(Disturbance):
    """A share of packets is held for 10 ms while later ones overtake."""

    kind: ClassVar[str] = "reorder"
    about: ClassVar[str] = "a share of packets is overtaken by later ones"
    works: ClassVar[str] = (
        "An nftables rule in the pod of whoever receives leads the packets to the kernel's packet queue "
        "(NFQUEUE), TCP and UDP, and a program of ours holds the share that the seed draws for 10 ms, while "
        "later packets overtake. No netem is needed, and links without a fault pay a set lookup."
    )
    witness: ClassVar[str] = (
        "Every 0.5 s each node that is hit sends twenty numbered datagrams to the echo of each peer, and they "
        "travel as the traffic does. In force: as many of them are overtaken as the share says (less the last of "
        "each flow, which nothing follows), by the binomial distribution, on each node. Exercised: the kernel "
        "led so many packets of the system into the queue that at least one of them must have been hit. Gone: "
        "the overtaken of the same datagrams afterwards, side by side with before."
    )
    page: ClassVar[str] = (
        "Where nothing follows within 10 ms (a question and its answer, one at a time), nothing overtakes, and "
        "the packet is only 10 ms late. TCP puts the order right and takes some of it for loss: expect less "
        "throughput, not wrong data."
    )
    replaces: ClassVar[str] = (
        "tc netem reorder (and needs no delay beside it), Chaos Mesh's NetworkChaos (reorder), ChaosBlade's "
        "network reorder."
    )
    limits: ClassVar[Mapping[str, str]] = {
        "share": "above 0%, up to 50%, and enough for a witness to see within 'for'",
        "on": "at least 100ms, and less than 'for'",
        "off": "at least 100ms",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "share": "20%"}
    done: ClassVar[str] = "overtaken"
    most: ClassVar[float] = _MOST

    def _disturb(self, end: End, seed: int) -> Disturb:
        return Disturb(end.node, end.peer, end.port, end.port_of, reorder=self.share, seed=seed)

    def _found(self, seen: Volleys) -> tuple[float, float]:
        return seen.overtaken, seen.came

    def _share_seen(self) -> float:
        """One that is held is overtaken if any of those behind it in its flow is not held as well."""
        all_held = sum(self.share**behind for behind in range(_IN_A_ROW)) / _IN_A_ROW
        return self.share * (1 - all_held)
