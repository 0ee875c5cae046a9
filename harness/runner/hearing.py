"""What the deciding thread does with each thing it hears: write it down, pass it on, or give up."""

from collections.abc import Callable

from harness import wire
from harness.clock import monotonic_ns
from harness.cluster import Cluster
from harness.operations import unpack
from harness.recording import events
from harness.recording.folder import Recorder
from harness.runner.inbox import Call, Changed, Did, Gone, Heard, Item, Noted, Opened, Refused, Stopped
from harness.runner.ledger import Ledger
from harness.runner.life import Life
from harness.runner.programs import LOAD, Programs, Spot
from harness.runner.readiness import Asking
from harness.runner.watch import Tally
from harness.stop_when import Brake


class Interrupted(Exception):
    """Somebody asked us to stop."""


class Spoiled(Exception):
    """Something of the machinery was lost: going on would prove nothing."""


class Hearing:
    """Dispatches by type. ``leaving``: what ends now ends because we end it."""

    def __init__(
        self,
        cluster: Cluster,
        recorder: Recorder,
        ledger: Ledger,
        life: Life,
        tally: Tally,
        programs: Programs,
        asking: Asking,
        brake: Brake,
    ) -> None:
        self._cluster, self._recorder, self._ledger, self._life = cluster, recorder, ledger, life
        self._tally, self._programs, self._asking = tally, programs, asking
        self.brake = brake
        self.prepared: set[str] = set()
        self.counters: dict[str, wire.Counters] = {}
        self.loads_ended: set[str] = set()
        self.died: dict[str, str] = {}  # node -> how it ended by itself
        self.leaving = False
        self.lost = ""  # what of the machinery was lost, once something was
        self.changed: Callable[[str, str], None] = lambda node, action: None  # a node's container, by whomever
        self.anew: set[str] = set()  # pods whose sidecar was replaced: a later end of one is told by its agent's stream

    def hear(self, item: Item) -> None:
        match item:
            case Heard(pod, stream=stream) | Gone(pod, stream=stream) if self._programs.old(pod, stream):
                return
            case Heard(pod, message, at_ns):
                self._message(pod, message, at_ns)
            case Opened():
                self._programs.opened(item)
            case Changed(change, at_ns):
                # Heard on our clock; every instant of the record is on the pods'.
                at_ns += self._ledger.now_ns() - monotonic_ns()
                self._changed(change.part, change.node, change.action, change.exit_code, at_ns)
            case Refused():
                self._life.refused(item)
                self._undo(item.fault, item.node)
            case Did() | Noted():
                self._life.heard(item)
            case Call(deed):
                deed()
            case Gone(pod, text):
                self._gone(pod, text)
            case Stopped(signal):
                if not self.leaving:
                    raise Interrupted(signal)

    def heal(self, fault: str) -> None:
        """All of it goes now, before its time."""
        self._undo(fault, "")

    def trouble(self, kind: events.TroubleKind, text: str, node: str = "") -> None:
        self._recorder.event(events.Trouble(self._ledger.now_ns(), kind, text, node))

    def _message(self, pod: str, message: wire.FromAgent | wire.FromClient, at_ns: int) -> None:
        spot = self._programs.spot(pod)
        node = spot.node if spot else pod
        match message:
            case wire.Probe() | wire.Reading() | wire.Counters():
                self._seen(pod, node, message)
            case wire.Operations(traffic, packed):
                operations = list(unpack(packed))
                self._tally.operations(traffic, operations)
                self.brake.operations(traffic, operations)
                self._recorder.operations(traffic, packed)
            case wire.History(traffic, lines):
                self._recorder.history(traffic, lines)
            case wire.Pulse():
                self._programs.heart.heard(pod, message, at_ns)
            case wire.Fired(fault, before_ns, after_ns):
                self._ledger.fired(fault, node, before_ns, after_ns)
            case wire.Healed() as m:
                found = (m.fault, node, m.before_ns, m.after_ns, m.why, m.packets, m.bytes, m.echoes)
                self._ledger.healed(events.FaultHealed(self._ledger.now_ns(), *found))
            case wire.Prepared():
                self.prepared.add(pod)
            case wire.Answered():
                self._asking.answered(message)
            case wire.LoadDone(traffic, sent, peak, unasked):
                self.loads_ended.add(traffic)
                self._recorder.event(events.LoadEnded(self._ledger.now_ns(), traffic, sent, peak, unasked))
            case wire.Failed(text, str(fault)):
                self._ledger.failed(fault, node, text)
                self._undo(fault, pod)
            case wire.Failed(text) if spot:
                self._beside_lost(spot, text)
            case wire.Failed(text):
                self._spoiled(_kind(pod), f"{_who(pod)}: {text}")

    def _seen(self, pod: str, node: str, message: wire.Probe | wire.Reading | wire.Counters) -> None:
        """What witnesses say: written down as it is."""
        match message:
            case wire.Probe(peer, sent_ns, rtt_s, error):
                self._tally.probe(pod, message)
                self._recorder.probe(events.Probed(pod, peer, sent_ns, rtt_s, error))
            case wire.Reading(fault, when, name, value, read_ns):
                self._recorder.event(events.Read(self._ledger.now_ns(), node, fault, when, name, value, read_ns))
            case wire.Counters():
                self.counters[pod] = message
                self._recorder.event(events.Counted(self._ledger.now_ns(), pod, message))
                for met in message.met:
                    self._tally.met(pod, met)

    def _undo(self, fault: str, failed: str) -> None:
        """What was applied elsewhere of this fault goes as well: half a fault is another experiment.

        Who failed has undone its own part, and who was never asked knows nothing of it: either would only complain.
        """
        for pod in sorted(self._ledger.disarm(fault) - {failed}):
            self._programs.send(pod, wire.Heal(fault))
        for primitive in self._life.open(fault):
            self._life.undo(fault, primitive)

    def _changed(self, part: str, node: str, action: str, exit_code: int | None, at_ns: int) -> None:
        if action.startswith("health_status") and part == "node":
            self._asking.checked(node, action.partition(": ")[2])
        if action.startswith(("exec_", "health_status")):
            return
        if part == "node":
            self._recorder.event(events.ContainerChanged(at_ns, node, action, exit_code))
            self.changed(node, action)
            ours = self._life.changed(node, action, at_ns) or self._tally.stops(node)
            ours = ours or (exit_code == 0 and self._cluster.node(node).job)
            if not ours and not self.leaving:
                self.died[node] = f"{node} ended by itself with exit code {exit_code}"
                self.trouble("node-died", f"{self.died[node]}; its log is logs/{node}.node.log.", node)
        elif part in ("pod", "client", "prometheus") and action == "die" and not self.leaving:
            self._ours_died(part, node)

    def _ours_died(self, part: str, node: str) -> None:
        if part == "pod" and node in self.anew:
            return
        log = f"its log is logs/{node}.{part}.log."
        if part == "prometheus":  # the load and the faults go on without it: only what is asked of it is lost
            self.trouble("prometheus-lost", f"Prometheus ended by itself; {log}")
        elif part == "client":
            self._spoiled("client-lost", f"The load generator's container ended by itself; {log}")
        else:
            self._spoiled("agent-lost", f"The sidecar of {node} ended by itself; {log}")

    def _gone(self, pod: str, text: str) -> None:
        self._programs.lost(pod)
        if spot := self._programs.spot(pod):
            self._beside_lost(spot, text)
        elif not self.leaving:
            self._spoiled(_kind(pod), f"{_who(pod)} is gone: {text}.")

    def _beside_lost(self, spot: Spot, text: str) -> None:
        """It ended before its fault did: what it had changed is gone with it, or with the processes it changed."""
        if not self.leaving and not self._programs.closed(spot):
            self._ledger.failed(spot.fault, spot.node, f"the agent beside {spot.node} is gone: {text}")
            self._undo(spot.fault, spot.name)

    def _spoiled(self, kind: events.TroubleKind, text: str) -> None:
        if self.leaving:
            return
        self.lost = text
        self.trouble(kind, text)
        raise Spoiled(text)


def _kind(pod: str) -> events.TroubleKind:
    return "client-lost" if pod == LOAD else "agent-lost"


def _who(pod: str) -> str:
    return "The load generator" if pod == LOAD else f"The agent of {pod}"
