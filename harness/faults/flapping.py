"""A network that comes and goes: a partition in spells."""

from dataclasses import dataclass, field
from typing import ClassVar

from harness.faults.partition import Partition
from harness.words import DURATION, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapping(Partition):
    """A partition that is there for ``on``, away for ``off``, by turns."""

    kind: ClassVar[str] = "flapping"
    about: ClassVar[str] = "a partition that comes and goes"
    page: ClassVar[str] = (
        "A partition with on and off; everything its page says holds for each spell. It ends in the middle of a spell "
        "if its length says so. Each turn is made by the agent's own clock, within 1 ms, and read back; a program "
        "whose time-outs are longer than a spell sees a slow network, and one whose checks are shorter sees its peers "
        "die and come back. Replaces scripts that switch a switch's port."
    )

    on_s: float = field(metadata=word("on", DURATION, "how long they are cut off each time"))
    off_s: float = field(metadata=word("off", DURATION, "how long they see each other in between"))
