"""A network that does not keep the order of packets."""

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
    page: ClassVar[str] = (
        "Where nothing follows within 10 ms (a question and its answer, one at a time), nothing overtakes, and the "
        "packet is only 10 ms late. TCP puts the order right and takes some of it for loss: expect less throughput, "
        "not wrong data. Bites with the next packet. Replaces tc netem reorder, and needs no delay beside it."
    )
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
