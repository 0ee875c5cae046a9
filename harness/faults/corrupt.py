"""A network that changes what it carries: one bit of a packet's payload."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.faults.disturb import Disturbance
from harness.faults.reach import End
from harness.faults.volleys import Volleys
from harness.primitives import Disturb
from harness.words import choice, word

YES_NO = choice("yes", "no")


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrupt(Disturbance):
    """One bit of a share of packets is flipped; ``silent``: with the checksum mended, so that the program gets it."""

    kind: ClassVar[str] = "corrupt"
    about: ClassVar[str] = "one bit of a share of packets is flipped, seen by the kernel or, silently, by nobody"
    works: ClassVar[str] = (
        "An nftables rule in the pod of whoever receives leads the packets to the kernel's packet queue "
        "(NFQUEUE), TCP and UDP, and a program of ours flips one bit in the payload of the share that the seed "
        "draws, and (silent) mends the checksum. No netem is needed, and links without a fault pay a set lookup."
    )
    witness: ClassVar[str] = (
        "Every 0.5 s each node that is hit sends twenty numbered datagrams to the echo of each peer, and they "
        "travel as the traffic does. In force: silent: as many of them come back changed as the share says, by "
        "the binomial distribution; not silent: as many are lost, and the kernel counts wrong checksums. "
        "Exercised: the kernel led so many packets of the system into the queue that at least one of them must "
        "have been hit. Gone: the corrupted (or lost) of the same datagrams afterwards, side by side with "
        "before."
    )
    page: ClassVar[str] = (
        "Packets of TCP and UDP that carry something; an empty ACK or SYN has nothing to flip and passes. Not "
        "silent: the kernel finds the wrong checksum and throws the packet away, as on a bad wire, so to "
        "programs it is a loss that the kernel counts. Silent: the program reads the wrong byte, as from a bad "
        "switch or memory; TLS finds it and ends the connection."
    )
    replaces: ClassVar[str] = (
        "tc netem corrupt, Pumba netem corrupt, Chaos Mesh's NetworkChaos (corrupt) and ChaosBlade's network "
        "corrupt, none of which is ever silent."
    )
    limits: ClassVar[Mapping[str, str]] = {
        "share": "above 0%, and enough for a witness to see within 'for'",
        "on": "at least 100ms, and less than 'for'",
        "off": "at least 100ms",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "share": "5%", "silent": "yes"}
    done: ClassVar[str] = "corrupted"

    silent: str = field(default="no", metadata=word("silent", YES_NO, "mend the checksum, so that nobody notices"))

    def _disturb(self, end: End, seed: int) -> Disturb:
        silent = self.silent == "yes"
        return Disturb(end.node, end.peer, end.port, end.port_of, corrupt=self.share, silent=silent, seed=seed)

    def _found(self, seen: Volleys) -> tuple[float, float]:
        if self.silent == "yes":
            return seen.corrupted, seen.came
        return seen.lost, seen.datagrams  # thrown away for their checksum

    def _proved(self, seen: Volleys) -> bool:
        return self.silent == "yes" or seen.checksum_errors > 0

    def _said(self) -> str:
        return "corrupted silently" if self.silent == "yes" else "corrupted"
