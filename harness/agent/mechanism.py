"""What every mechanism of an agent can do: make one kind of change, prove it, take it away, prove that too."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from harness.primitives import AgentPrimitive
from harness.wire import Met


class Mechanism(Protocol):
    """Makes the changes of one or several types of primitive, for any number of faults at once, each by its name.

    Called by the agent's one deciding thread only; every failure is an ``AgentError``. The order for one fault is
    ``arm``, then ``fire`` and ``heal`` by turns (a pattern does it several times), each followed by its proof, then
    ``forget``. ``fire`` and ``heal`` are in the measured path: they do the one thing and nothing else; everything that
    can be made ready beforehand belongs in ``arm``, and looking in the two proofs.
    """

    def takes(self, primitive: AgentPrimitive) -> bool: ...

    def arm(self, fault: str, primitives: Sequence[AgentPrimitive], lease_s: float) -> None:
        """Make everything ready. Nothing changes yet for anybody.

        ``lease_s`` after it was fired the change must have ended by itself, without us.
        """

    def fire(self, fault: str) -> None:
        """Apply it, now."""

    def confirm_fired(self, fault: str) -> None:
        """Read back that exactly what was asked for is there; raises otherwise."""

    def heal(self, fault: str) -> None:
        """Take it away, now, whether it is in force or not; idempotent."""

    def left(self, fault: str) -> Sequence[str]:
        """What still holds after ``heal``, by name, read back: empty when everything is as it was before ``fire``."""

    def forget(self, fault: str) -> None:
        """It will not be fired again: what ``arm`` made goes too."""

    def met(self, fault: str) -> Met:
        """What met it since it was first fired; also right after it healed. Zeros where nothing can be counted."""

    def readings(self, fault: str) -> Mapping[str, float]:
        """What a witness sees now, by name (unit in the name), by another way than the one that made the change.

        Asked once after ``arm``, several times while in force, and once after the proof that it healed. It may take
        some milliseconds, never more than 0.3 s: what takes longer is read by a thread of the mechanism's own, and here
        is the last it saw. A figure that is not known (yet) is left out.
        """

    def elements(self) -> int:
        """How many changes it holds in force, of all faults."""

    def leave(self) -> None:
        """Heal and forget everything, whatever state it is in."""
