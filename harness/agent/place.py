"""Where an agent works: a pod's network namespace, or beside a node. Every change goes through a mechanism."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.agent.mechanism import Mechanism
from harness.clock import monotonic_ns
from harness.errors import AgentError
from harness.primitives import AgentPrimitive
from harness.wire import Arm, Met, PortCount, Prepare


@dataclass(frozen=True, slots=True)
class Span:
    """CLOCK_MONOTONIC before and after a change was made."""

    before_ns: int
    after_ns: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is there now: changes in force, Toxiproxy's toxics by name, arrivals at the node's own ports.

    ``network_bytes``: of the pod's networks, either way; ``own_bytes``: what of it is the harness's. None: not counted.
    """

    elements: int
    toxics: tuple[str, ...] = ()
    ports: tuple[PortCount, ...] = ()
    network_bytes: int | None = None
    own_bytes: int | None = None


class Place:
    """Which mechanisms each fault needs, and the same verbs for all of them at once.

    Not for several threads at once. Every failure is an ``AgentError``.
    """

    def __init__(self, node: str, mechanisms: Sequence[Mechanism]) -> None:
        self._node = node
        self._mechanisms = tuple(mechanisms)
        self._users: dict[str, tuple[Mechanism, ...]] = {}  # fault -> those that make it
        self._used: dict[int, None] = {}  # mechanisms that were ever armed: only these can have left anything

    def prepare(self, order: Prepare) -> None:
        raise AgentError(f"beside {self._node} there is nothing to prepare: only an agent in a sidecar has a network")

    def address(self, node: str) -> str:
        raise AgentError(f"beside {self._node} no address of {node} is known")

    # --- one fault ----------------------------------------------------------------------------------------------------

    def arm(self, order: Arm) -> None:
        """Everything it will need is made ready; armed again: made anew."""
        self.forget(order.fault)
        parts: dict[int, list[AgentPrimitive]] = {}
        for primitive in order.primitives:
            if primitive.node != self._node:
                here = self._node or "an agent that is not prepared"
                raise AgentError(f"{order.fault}: {here} was told to change {primitive.node}")
            parts.setdefault(self._maker(order.fault, primitive), []).append(primitive)
        # Known before the first is armed: what a failure leaves behind is healed and forgotten like the rest.
        self._users[order.fault] = tuple(self._mechanisms[index] for index in parts)
        self._used |= dict.fromkeys(parts)
        for index, primitives in parts.items():
            self._mechanisms[index].arm(order.fault, primitives, order.lease_s)

    def _maker(self, fault: str, primitive: AgentPrimitive) -> int:
        for index, mechanism in enumerate(self._mechanisms):
            if mechanism.takes(primitive):
                return index
        raise AgentError(f"{fault}: {primitive.says()}: nothing here can do that")

    def fire(self, fault: str) -> Span:
        before_ns = monotonic_ns()
        for mechanism in self._users[fault]:
            mechanism.fire(fault)
        return Span(before_ns, monotonic_ns())

    def confirm_fired(self, fault: str) -> None:
        for mechanism in self._users[fault]:
            mechanism.confirm_fired(fault)

    def heal(self, fault: str) -> Span:
        """Take it away, whether it is in force or not: all of it, even if one part cannot be."""
        before_ns = monotonic_ns()
        errors: list[AgentError] = []
        for mechanism in self._users.get(fault, ()):
            try:
                mechanism.heal(fault)
            except AgentError as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return Span(before_ns, monotonic_ns())

    def confirm_healed(self, fault: str) -> Met:
        """Raises unless it is gone; what met it."""
        left = [name for mechanism in self._users.get(fault, ()) for name in mechanism.left(fault)]
        if left:
            raise AgentError(f"{fault} is not healed: {', '.join(left)} still hold something")
        return self.met(fault)

    def forget(self, fault: str) -> None:
        for mechanism in self._users.pop(fault, ()):
            mechanism.forget(fault)

    def met(self, fault: str) -> Met:
        found = [mechanism.met(fault) for mechanism in self._users.get(fault, ())]
        return Met(fault, sum(m.packets for m in found), sum(m.bytes for m in found), sum(m.echoes for m in found))

    def readings(self, fault: str) -> Mapping[str, float]:
        return {name: value for user in self._users.get(fault, ()) for name, value in user.readings(fault).items()}

    # --- all of them --------------------------------------------------------------------------------------------------

    def inspect(self) -> Inspection:
        return Inspection(sum(self._mechanisms[index].elements() for index in self._used))

    def leave(self) -> None:
        """Nothing of ours stays, whatever state it is in: every mechanism gets its turn."""
        self._users = {}
        errors: list[AgentError] = []
        for index in self._used:
            try:
                self._mechanisms[index].leave()
            except AgentError as error:
                errors.append(error)
        if errors:
            raise errors[0]


def compare(what: str, asked: Mapping[str, int], found: Mapping[str, int]) -> None:
    """Raises ``AgentError`` unless as many are there as were asked for, under each name."""
    wrong = [f"{name} has {found.get(name, 0)} of {n}" for name, n in asked.items() if found.get(name, 0) != n]
    if wrong:
        raise AgentError(f"read back from the kernel, {what} are not what was asked: {', '.join(wrong)}")
