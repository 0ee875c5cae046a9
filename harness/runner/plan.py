"""The moves of the schedule as deeds on the agenda."""

from dataclasses import dataclass, field
from functools import partial

from harness import wire
from harness.clock import to_ns
from harness.cluster import Cluster
from harness.faults import Fault
from harness.faults.overlap import act
from harness.primitives import KERNEL_LEASE_MARGIN_S, AgentPrimitive, Beside, EnginePrimitive, PodPrimitive
from harness.recording import events
from harness.recording.folder import Recorder
from harness.runner.agenda import Agenda
from harness.runner.ledger import Ledger
from harness.runner.life import Life
from harness.runner.programs import Programs, Spot
from harness.runner.watch import Tally
from harness.scenario import Scenario
from harness.schedule import Inject, Move, PhaseStart
from harness.seeds import sub_seed
from harness.targets import Ask, pending, resolve

ARM_LEAD_S = 3.0  # rules stand, empty, so long before they are filled: arming is never in a measured path
LOOK_UP_LEAD_S = 0.5  # who leads may have changed a moment later
OPEN_LEAD_S = 8.0  # an agent beside a node is a container to start first
AFTER_S = 3.0  # and it stays so long after the heal, to see that all is gone


@dataclass(frozen=True, slots=True)
class Planner:
    """Puts moves on ``agenda``, counted from ``origin_ns``. ``ask``: the run's Prometheus, now."""

    origin_ns: int
    scenario: Scenario
    cluster: Cluster
    ask: Ask
    tally: Tally
    recorder: Recorder
    ledger: Ledger
    programs: Programs
    life: Life
    agenda: Agenda
    planned: dict[str, Fault] = field(default_factory=dict)  # whom each hits is known

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
        if pending(move.fault):
            self.agenda.add(at_ns - to_ns(LOOK_UP_LEAD_S), lambda: self._look_up(move, at_ns, until_ns))
        else:
            self._plan(move, at_ns, until_ns)

    def _look_up(self, move: Inject, at_ns: int, until_ns: int) -> None:
        """Who leads is asked as late as can be, and written down."""
        waiting, seed = pending(move.fault), self.scenario.seed
        others = [self.planned[name] for name in {name for name, _ in self.ledger.open()}]
        taken = frozenset[str]().union(*(act(fault, (fault,), self.cluster).nodes for fault in others))
        found = resolve(move.fault, self.cluster, seed, self.ask, taken)
        if isinstance(found, str):
            self.ledger.failed(move.fault.name, " and ".join(target.word for target in waiting), found)
            return
        now = {(target.key, target.word): target.nodes for target in found.targets}
        nodes = tuple(node for target in waiting for node in now[target.key, target.word])
        words = tuple(target.word for target in waiting)
        self.recorder.event(events.Resolved(self.ledger.now_ns(), found.name, words, nodes))
        self.tally.resolved(found)
        made_of = found.compile(self.cluster, self.scenario.proxied(self.cluster), sub_seed(seed, found.name))
        self._plan(Inject(move.at_s, found, made_of), at_ns, until_ns)

    def _plan(self, move: Inject, at_ns: int, until_ns: int) -> None:
        self.planned[move.fault.name] = move.fault
        self.agenda.add(at_ns - to_ns(_lead_s(move)), lambda: self._arm(move, at_ns, until_ns))
        for primitive in move.primitives:
            if isinstance(primitive, EnginePrimitive):
                self._add_deed(move.fault.name, primitive, at_ns, until_ns)

    def _arm(self, move: Inject, at_ns: int, until_ns: int) -> None:
        """The intent is on the disk before anybody is asked; then every agent gets its part."""
        fault = move.fault
        intent = events.Intent(self.ledger.now_ns(), fault.name, move.primitives, at_ns, until_ns)
        self.recorder.event(intent, sync=True)
        pods, spots = self._parts(move)
        self.ledger.armed(fault.name, [*pods, *(spot.name for spot in spots)])
        on_s, off_s = fault.pattern() or (None, None)

        def order(primitives: list[AgentPrimitive]) -> wire.Arm:
            lease_s = fault.for_s + KERNEL_LEASE_MARGIN_S
            return wire.Arm(fault.name, at_ns, until_ns, lease_s, tuple(primitives), on_s, off_s)

        for pod, primitives in pods.items():
            self.programs.send(pod, order(primitives))
        for spot, primitives in spots.items():
            self.programs.open_beside(spot, order(primitives))
            self.agenda.add(until_ns + to_ns(AFTER_S), partial(self.programs.close_beside, spot))

    def _parts(self, move: Inject) -> tuple[dict[str, list[AgentPrimitive]], dict[Spot, list[AgentPrimitive]]]:
        """What each pod's agent does, and what agents beside nodes do."""
        pods: dict[str, list[AgentPrimitive]] = {}
        spots: dict[Spot, list[AgentPrimitive]] = {}
        for primitive in move.primitives:
            if isinstance(primitive, PodPrimitive):
                pods.setdefault(self.cluster.pod_of(primitive.node), []).append(primitive)
            elif isinstance(primitive, Beside):
                spots.setdefault(Spot(move.fault.name, primitive.node), []).append(primitive)
        return pods, spots

    def _add_deed(self, fault: str, primitive: EnginePrimitive, at_ns: int, until_ns: int) -> None:
        self.agenda.add(at_ns, lambda: self.life.do(fault, primitive, until_ns))
        self.agenda.add(until_ns, lambda: self.life.undo(fault, primitive))


def _lead_s(move: Inject) -> float:
    return OPEN_LEAD_S if any(isinstance(p, Beside) for p in move.primitives) else ARM_LEAD_S
