"""A network that delivers packets twice."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.disturb import Disturbance
from harness.faults.reach import End
from harness.faults.volleys import Volleys
from harness.primitives import Disturb


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate(Disturbance):
    """A share of packets arrives twice, the copy right behind its original."""

    kind: ClassVar[str] = "duplicate"
    about: ClassVar[str] = "a share of packets arrives twice"
    works: ClassVar[str] = (
        "An nftables rule in the pod of whoever receives leads the packets to the kernel's packet queue "
        "(NFQUEUE), TCP and UDP, and a program of ours marks the share that the seed draws; the kernel (nft dup) "
        "then lets those arrive twice, the copy right behind its original. No netem is needed, and links without "
        "a fault pay a set lookup."
    )
    witness: ClassVar[str] = (
        "Every 0.5 s each node that is hit sends twenty numbered datagrams to the echo of each peer, and they "
        "travel as the traffic does. In force: as many of their answers come twice as the share says, by the "
        "binomial distribution, on each node. Exercised: the kernel led so many packets of the system into the "
        "queue that at least one of them must have been hit. Gone: the doubled of the same datagrams afterwards, "
        "side by side with before."
    )
    page: ClassVar[str] = (
        "TCP throws copies away by itself (it answers with a duplicate ACK): only programs over UDP see them. "
        "The copy comes in by loopback, so rules for other devices do not see it. The kernel must have nft dup "
        "(NFT_DUP_IPV4 and IPV6)."
    )
    replaces: ClassVar[str] = (
        "tc netem duplicate, Pumba netem duplicate, Chaos Mesh's NetworkChaos (duplicate), ChaosBlade's network "
        "duplicate."
    )
    limits: ClassVar[Mapping[str, str]] = {
        "share": "above 0%, and enough for a witness to see within 'for'",
        "on": "at least 100ms, and less than 'for'",
        "off": "at least 100ms",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "share": "10%"}
    done: ClassVar[str] = "doubled"

    def _disturb(self, end: End, seed: int) -> Disturb:
        return Disturb(end.node, end.peer, end.port, end.port_of, duplicate=self.share, seed=seed)

    def _found(self, seen: Volleys) -> tuple[float, float]:
        return seen.doubled, seen.came
