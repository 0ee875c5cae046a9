"""A lossy network: packets are thrown away as they arrive, one by one or in bursts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster
from harness.faults.disturb import Disturbance
from harness.faults.reach import End
from harness.faults.volleys import Volleys
from harness.primitives import Disturb
from harness.units import show_share
from harness.words import COUNT, word

_LONGEST_BURST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss(Disturbance):
    """A share of packets is lost; ``burst``: so many in a row on average, the share stays what it is."""

    kind: ClassVar[str] = "loss"
    about: ClassVar[str] = "a share of packets is lost, one by one or in bursts"
    works: ClassVar[str] = (
        "An nftables rule in the pod of whoever receives leads the packets to the kernel's packet queue "
        "(NFQUEUE), TCP and UDP, and a program of ours throws away the share that the seed draws, packet by "
        "packet or (burst) in runs. No netem is needed, and links without a fault pay a set lookup."
    )
    witness: ClassVar[str] = (
        "Every 0.5 s each node that is hit sends twenty numbered datagrams to the echo of each peer, and they "
        "travel as the traffic does. In force: as many of them are lost as the share says, by the binomial "
        "distribution, on each node. Exercised: the kernel led so many packets of the system into the queue that "
        "at least one of them must have been hit. Gone: the lost of the same datagrams afterwards, side by side "
        "with before."
    )
    page: ClassVar[str] = (
        "The sender is told nothing: no EPERM, no reset; TCP sends again, UDP does not. Both ways are drawn "
        "apart, so with packets both a question and its answer are twice as likely to fail. At 100% it is a "
        "partition with more work. A share of which a witness would see too few datagrams in the time is "
        "refused."
    )
    replaces: ClassVar[str] = (
        "tc netem loss, Pumba's netem loss and iptables loss, Chaos Mesh's NetworkChaos (loss), ChaosBlade's "
        "network loss; works where the kernel has no netem."
    )
    limits: ClassVar[Mapping[str, str]] = {
        "share": "above 0%, and enough for a witness to see within 'for'",
        "burst": "from 1 to 100",
        "on": "at least 100ms, and less than 'for'",
        "off": "at least 100ms",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "share": "5%"}
    done: ClassVar[str] = "lost"

    burst: int = field(default=1, metadata=word("burst", COUNT, "how many in a row are lost, on average"))

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from Disturbance.check(self, cluster)
        most = self.burst / (self.burst + 1)
        if not 1 <= self.burst <= _LONGEST_BURST:
            yield "burst", f"is {self.burst}: write a number of packets from 1 to {_LONGEST_BURST}"
        elif self.burst > 1 and self.share > most:
            yield "share", f"is {show_share(self.share)}, more than bursts of {self.burst} can be: at most {most:.0%}"

    def _disturb(self, end: End, seed: int) -> Disturb:
        burst = float(self.burst)
        return Disturb(end.node, end.peer, end.port, end.port_of, loss=self.share, burst=burst, seed=seed)

    def _found(self, seen: Volleys) -> tuple[float, float]:
        return seen.lost, seen.datagrams

    def _said(self) -> str:
        return f"lost in bursts of {self.burst}" if self.burst > 1 else "lost"

    def _spread(self) -> float:
        return 2.0 * self.burst - 1.0
