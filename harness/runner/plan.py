"""The moves of the schedule as deeds on the agenda."""

from dataclasses import dataclass

from harness import wire
from harness.clock import to_ns
from harness.cluster import Cluster
from harness.primitives import KERNEL_LEASE_MARGIN_S, AgentPrimitive, Kill, PodPrimitive
from harness.recording import events
from harness.recording.folder import Recorder
from harness.runner.agenda import Agenda
from harness.runner.ledger import Ledger
from harness.runner.life import Life
from harness.runner.programs import Programs
from harness.schedule import Inject, Move, PhaseStart

ARM_LEAD_S = 3.0  # rules stand, empty, so long before they are filled: arming is never in a measured path


@dataclass(frozen=True, slots=True)
class Planner:
    """Puts moves on ``agenda``, counted from ``origin_ns``."""

    origin_ns: int
    cluster: Cluster
    recorder: Recorder
    ledger: Ledger
    programs: Programs
    life: Life
    agenda: Agenda

    def add(self, move: Move) -> None:
        """Heals need no deed: agents heal by their clock, and what the engine undoes is put beside its deed."""
        at_ns = self.origin_ns + to_ns(move.at_s)
        if isinstance(move, PhaseStart):
            self.agenda.add(at_ns, lambda: self._begin(move, at_ns))
        elif isinstance(move, Inject):
            self._add_fault(move, at_ns, at_ns + to_ns(move.fault.for_s))

    def _begin(self, move: PhaseStart, planned_ns: int) -> None:
        self.recorder.event(events.PhaseBegan(self.ledger.now_ns(), move.phase, planned_ns))

    def _add_fault(self, move: Inject, at_ns: int, until_ns: int) -> None:
        self.agenda.add(at_ns - to_ns(ARM_LEAD_S), lambda: self._arm(move, at_ns, until_ns))
        for primitive in move.primitives:
            if isinstance(primitive, Kill):
                self._add_kill(move.fault.name, primitive.node, at_ns, until_ns)

    def _arm(self, move: Inject, at_ns: int, until_ns: int) -> None:
        """The intent is on the disk before anybody is asked; then every agent gets its part."""
        fault = move.fault
        intent = events.Intent(self.ledger.now_ns(), fault.name, move.primitives, at_ns, until_ns)
        self.recorder.event(intent, sync=True)
        parts: dict[str, list[AgentPrimitive]] = {}
        for primitive in move.primitives:
            if isinstance(primitive, PodPrimitive):
                parts.setdefault(self.cluster.pod_of(primitive.node), []).append(primitive)
        self.ledger.armed(fault.name, parts)
        lease_s = fault.for_s + KERNEL_LEASE_MARGIN_S
        for pod, primitives in parts.items():
            self.programs.send(pod, wire.Arm(fault.name, at_ns, until_ns, lease_s, tuple(primitives)))

    def _add_kill(self, fault: str, node: str, at_ns: int, until_ns: int) -> None:
        self.agenda.add(at_ns, lambda: self.life.kill(fault, node))
        self.agenda.add(until_ns, lambda: self.life.start(node))
