"""What every change beside a node can do, and what the one who looks at it can."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

import msgspec

from harness.primitives import Beside

P = TypeVar("P", bound=Beside)
M = TypeVar("M", bound=msgspec.Struct)


class Nothing(msgspec.Struct, frozen=True):
    """The memory of a change that ends with its process."""


class Work(ABC, Generic[P, M]):
    """One change, made and undone by a keeper: a process of one thread that does nothing else.

    Every failure is an ``AgentError``. What ``undo`` needs is in ``M``, which leaves the keeper before anything has
    changed: another keeper can undo what this one did not.
    """

    memory: ClassVar[type[msgspec.Struct]] = Nothing

    def __init__(self, primitive: P) -> None:
        self.asked = primitive

    def check(self) -> None:
        """Refuses what cannot be done here. Nothing changes."""
        self.plan()

    @abstractmethod
    def plan(self) -> M:
        """What is there now and must be put back. Nothing changes."""

    @abstractmethod
    def apply(self, memory: M, lease_s: float) -> None:
        """``lease_s``: by when processes of its own must have ended without being told."""

    @abstractmethod
    def undo(self, memory: M) -> None:
        """Idempotent, and right after half an ``apply``."""

    def left(self, memory: M) -> Sequence[str]:
        """What still holds after ``undo``."""
        return ()

    def met(self) -> int:
        """How many times the node's own doings met it, where the mechanism itself can count."""
        return 0


class Witness(ABC, Generic[P]):
    """Looks from the agent, by another way than the keeper's; made before anything has changed."""

    def __init__(self, primitive: P) -> None:
        self.asked = primitive

    @abstractmethod
    def readings(self) -> Mapping[str, float]:
        """At most 0.3 s."""

    def told(self, memory: bytes) -> None:
        """What the keeper is about to change, as JSON, where one must know it to look in the right place."""

    def changed(self) -> None:
        """It has just been applied, or taken away: what was seen before says nothing any more."""

    def close(self) -> None:
        """Nobody will ask again."""
