"""A network that changes what it carries: one bit of a packet's payload."""

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
    page: ClassVar[str] = (
        "Packets of TCP and UDP that carry something; an empty ACK or SYN has nothing to flip and passes. Not silent: "
        "the kernel finds the wrong checksum and throws the packet away, as on a bad wire, so to programs it is a loss "
        "that the kernel counts. Silent: the program reads the wrong byte, as from a bad switch or memory; TLS finds "
        "it and ends the connection. Bites with the next packet. Replaces tc netem corrupt, which is never silent."
    )
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
