"""A network that comes and goes: a partition in spells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.faults.partition import Partition
from harness.words import DURATION, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapping(Partition):
    """A partition that is there for ``on``, away for ``off``, by turns."""

    kind: ClassVar[str] = "flapping"
    about: ClassVar[str] = "a partition that comes and goes"
    works: ClassVar[str] = (
        "A partition, by the same rules of nftables, whose sets are filled and emptied by turns by the agent in "
        "the pod."
    )
    bites: ClassVar[str] = (
        "As a partition: within 1 ms of its instant in the kernel (median 0.9 ms over 200 cuts of 'make bench'). "
        "Each turn is made by the agent's own clock, within 1 ms, and read back."
    )
    witness: ClassVar[str] = (
        "In force: every echo sent in a spell stays without an answer, and of those sent well between two spells "
        "90% are answered; when the spells were is what the agents read back. Exercised: the rules counted "
        "packets of the system. Gone: echoes on each of these links are answered again."
    )
    page: ClassVar[str] = (
        "Everything that the page of partition says holds for each spell. It ends in the middle of a spell if "
        "its length says so. A program whose time-outs are longer than a spell sees a slow network, and one "
        "whose checks are shorter sees its peers die and come back."
    )
    replaces: ClassVar[str] = (
        "Scripts that switch a switch's port, or a firewall's rule, on and off; Jepsen's nemeses in a loop."
    )
    limits: ClassVar[Mapping[str, str]] = {
        "on": "at least 100ms, and less than 'for'",
        "off": "at least 100ms",
        "shape": "halves of at least 2 nodes, a bridge of 3, a ring of 4",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "on": "1s", "off": "2s"}

    on_s: float = field(metadata=word("on", DURATION, "how long they are cut off each time"))
    off_s: float = field(metadata=word("off", DURATION, "how long they see each other in between"))
