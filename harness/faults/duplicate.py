"""A network that delivers packets twice."""

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
    page: ClassVar[str] = (
        "TCP throws copies away by itself (it answers with a duplicate ACK): only programs over UDP see them. The copy "
        "comes in by loopback, so rules for other devices do not see it. Needs the kernel's nft dup (NFT_DUP_IPV4 and "
        "IPV6). Bites with the next packet. Replaces tc netem duplicate."
    )
    done: ClassVar[str] = "doubled"

    def _disturb(self, end: End, seed: int) -> Disturb:
        return Disturb(end.node, end.peer, end.port, end.port_of, duplicate=self.share, seed=seed)

    def _found(self, seen: Volleys) -> tuple[float, float]:
        return seen.doubled, seen.came
