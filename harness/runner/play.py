"""Playing one scenario, from the first container to the last. One thread decides; its control flow is here."""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeVar

from harness import wire
from harness.clock import monotonic_ns, to_ns, wall, wall_offset_ns
from harness.cluster import Cluster
from harness.engine import RunningCluster
from harness.errors import EngineError, HarnessError, RecordingError, StartError
from harness.faults import Fault
from harness.recording import events
from harness.recording.folder import LOGS, Recorder
from harness.runner.agenda import Agenda
from harness.runner.hearing import Hearing, Interrupted, Spoiled
from harness.runner.inbox import Inbox
from harness.runner.ledger import Ledger
from harness.runner.life import Life
from harness.runner.look import Look
from harness.runner.plan import Planner
from harness.runner.prepare import pods, prepare
from harness.runner.programs import LOAD, Programs
from harness.runner.questions import FirstScrape, ask_all, confirm_all, scraping
from harness.runner.readiness import Asking
from harness.runner.watch import Tally, Watcher
from harness.scenario import Scenario
from harness.schedule import Inject, moves
from harness.stop_when import Brake
from harness.weave import Readiness

_LOAD_LEAD_S = 1.0  # the order for the load is there so long before its first operation is due
_AFTERGLOW_S = 1.0  # the last scrapes and probes come in
_STATUS_EVERY_S = 0.5
_COUNT_EVERY_S = 1.0
_LOOK_EVERY_NS = 50_000_000  # how long a condition may have been true before it is seen
_KNOWN_S = 5.0  # how long a node may take for its known answer when all is over
_ANSWER_S = 10.0  # what an agent may take for anything it is asked

_T = TypeVar("_T")
How = Literal["finished", "interrupted", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Options:
    """``keep``: the cluster stays up, healed. ``ready_timeout_s``: how long its nodes may take to answer."""

    without_faults: bool = False
    keep: bool = False
    ready_timeout_s: float = 60.0


class Braked(Exception):
    """A condition of ``stop_when``, or the time limit."""


class Player:
    """Plays ``scenario`` on ``running`` and writes everything down. ``alive`` is called twice a second."""

    _ending = "taking everything down"

    def __init__(
        self,
        scenario: Scenario,
        cluster: Cluster,
        ready: tuple[Readiness, ...],
        running: RunningCluster,
        recorder: Recorder,
        watcher: Watcher,
        inbox: Inbox,
        options: Options,
        alive: Callable[[], None],
    ) -> None:
        self._scenario, self._cluster, self._running = scenario, cluster, running
        self._recorder, self._watcher, self._inbox, self._options = recorder, watcher, inbox, options
        self._offset_ns = 0  # the pods' clock minus ours: 0 where both are of one kernel
        self._tally = Tally(scenario, cluster)
        self._ledger = Ledger(recorder, self._tally, self._now_ns)
        self._programs = Programs(running, inbox, alive)
        self._asking = Asking(cluster, ready, self._programs.send)
        self._life = Life(
            running, inbox, self._ledger, lambda node: running.listening(node) and self._asking.again(node)
        )
        brake = Brake(scenario.stop_when, scenario.limit_s, self._now_ns())
        self._hearing = Hearing(
            cluster, recorder, self._ledger, self._life, self._tally, self._programs, self._asking, brake
        )
        self._agenda = Agenda()
        self._look = Look(running, inbox, self._looked_at(), self._now_ns)
        self._resolved: dict[str, Fault] = {}  # faults whose nodes are known, by name
        self._origin_ns = 0
        self._next_brake_ns = 0
        self.clean = False  # everything is gone, or kept on purpose: the guardian has nothing left to do

    def _looked_at(self) -> tuple[str, ...]:
        """The nodes of which it is written down what they use."""
        return self._cluster.names()

    def _now_ns(self) -> int:
        """Now, on the pods' clock: every instant in the record is on it."""
        return monotonic_ns() + self._offset_ns

    def play(self) -> How:
        """Leaves the cluster healed, and gone unless it is to be kept. What made it fail is raised after that."""
        how: How = "failed"
        self._programs.heart.start()
        try:
            self._start()
            self._play_phases()
            self._ask_prometheus()
            how = "finished"
        except Interrupted:
            how = self._interrupted()
        except Braked as braked:
            self._hearing.trouble("stopped", str(braked))
            how = "stopped"
        except Spoiled as lost:
            if not self._origin_ns:
                raise StartError(str(lost)) from lost
            how = "finished"  # as far as it went: the journal says what was lost, and the judge what follows
        except HarnessError as error:
            if self._inbox.stopped_by is None:
                self._hearing.trouble("other", str(error))
                raise
            how = self._interrupted()  # Ctrl-C ends what compose was doing as well: that is no failure of the engine
        finally:
            try:
                self._leave(how)
            finally:
                self._programs.heart.stop()
        return how

    def _interrupted(self) -> How:
        self._hearing.trouble("interrupted", f"The run was stopped by {self._inbox.stopped_by} before its end.")
        return "interrupted"

    # --- starting -----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        began_ns = self._now_ns()
        names = pods(self._cluster)
        self._inbox.watch(self._running)
        self._watcher.say(f"starting {len(names)} pods, the load and Prometheus")
        self._running.start_pods()
        self._programs.open(names)
        for pod, order in self._orders().items():
            self._programs.send(pod, order)
        every = set(names)
        self._until(lambda: self._hearing.prepared >= every, _ANSWER_S, lambda: self._unprepared(every))
        self._watcher.say("redirects and counters stand; starting the nodes")
        self._running.start_nodes()
        self._until(self._ready, self._asking.patience_s(self._options.ready_timeout_s), self._asking.waiting_for)
        took_s = (self._now_ns() - began_ns) / 1e9
        self._recorder.event(events.Ready(self._now_ns(), took_s))
        self._watcher.say(f"ready in {took_s:.1f} s: {self._asking.summary()}")
        scrape = FirstScrape(self._cluster, self._running.monitor())
        scraped = "Prometheus to scrape every target once"
        answered = [node for node, _, _ in self._asking.answers()]
        self._until(lambda: self._ready(answered) and scrape.seen(self._now_ns()), _ANSWER_S, lambda: scraped)
        self._note_clocks()

    def _orders(self) -> Mapping[str, wire.Prepare]:
        return prepare(self._scenario, self._cluster, self._running.addresses())

    def _unprepared(self, every: set[str]) -> str:
        return f"the agents of {', '.join(sorted(every - self._hearing.prepared))} to prepare their pods"

    def _ready(self, answered: Collection[str] = ()) -> bool:
        """``answered``: nodes that were ready once; if one of those dies, the run goes on and says so."""
        for node, text in self._hearing.died.items():
            if node not in answered:
                raise StartError(f"{text} before it was ready; its log is in the record.")
        self._asking.ask(self._now_ns())
        return self._asking.done()

    def _note_clocks(self) -> None:
        """Every pod's clock against ours, and the wall clock against both: a step between two notes is seen."""
        for pod, seen in sorted(self._programs.heart.offsets().items()):
            self._recorder.event(events.ClockSeen(self._now_ns(), pod, seen.offset_ns, seen.error_ns))
            if pod == LOAD and abs(seen.offset_ns) > max(seen.error_ns, 5_000_000):
                self._offset_ns = seen.offset_ns  # another kernel's clock: the engine is on another host
        self._recorder.event(events.ClockSeen(self._now_ns(), "wall", wall_offset_ns(), 0))

    # --- the phases ---------------------------------------------------------------------------------------------------

    def _play_phases(self) -> None:
        self._look.start()
        self._origin_ns = self._now_ns() + to_ns(_LOAD_LEAD_S)
        end_ns = self._origin_ns + to_ns(self._scenario.phases.total_s)
        for traffic in self._scenario.traffic:
            phases, seed = self._scenario.phases, self._scenario.seed
            load = traffic.load(
                self._cluster, self._origin_ns, end_ns, seed, warmup_s=phases.warmup_s, faults_s=phases.faults_s
            )
            self._programs.send(LOAD, load)
        planner = self._planner(self._origin_ns, self._scenario, self._resolved)
        for move in moves(self._scenario, self._cluster, without_faults=self._options.without_faults):
            planner.add(move)
        self._repeat(self._origin_ns, end_ns, _STATUS_EVERY_S, self._show)
        self._repeat(self._now_ns(), end_ns, _COUNT_EVERY_S, self._count)
        self._until_instant(end_ns)
        self._show()
        slowest_s = max((traffic.timeout_s for traffic in self._scenario.traffic), default=0.0)
        every = {traffic.name for traffic in self._scenario.traffic}
        if not self._waited(lambda: self._hearing.loads_ended >= every, slowest_s + _ANSWER_S):
            self._hearing.trouble("client-lost", "The load generator did not end when it was due to.")
        if not self._waited(lambda: not self._ledger.open(), _ANSWER_S):
            self._still_open()
        self._ask_nodes()
        self._until_instant(self._now_ns() + to_ns(_AFTERGLOW_S))
        self._note_clocks()

    def _ask_nodes(self) -> None:
        """Each for its known answer, past any gateway: that users are well may hide a node that is not."""

        def answered() -> bool:
            self._asking.ask(self._now_ns())
            return self._asking.done()

        self._asking.anew()
        self._waited(answered, _KNOWN_S)
        for node, right, text in self._asking.answers():
            self._recorder.event(events.AnsweredItself(self._now_ns(), node, right, text))

    def _planner(self, origin_ns: int, scenario: Scenario, planned: dict[str, Fault]) -> Planner:
        return Planner(
            origin_ns=origin_ns,
            scenario=scenario,
            cluster=self._cluster,
            ask=self._ask_now,
            tally=self._tally,
            recorder=self._recorder,
            ledger=self._ledger,
            programs=self._programs,
            life=self._life,
            agenda=self._agenda,
            planned=planned,
        )

    def _ask_now(self, query: str) -> float | None:
        try:
            return self._running.monitor().ask(query, wall().timestamp()).value
        except EngineError:
            return None

    def _still_open(self) -> None:
        pairs = sorted({*self._ledger.open(), *self._life.unfinished()})
        still = ", ".join(f"{fault} on {node}" for fault, node in pairs)
        self._hearing.trouble("not-healed", f"Nothing said that these were healed: {still}.")

    def _repeat(self, from_ns: int, end_ns: int, every_s: float, deed: Callable[[], None]) -> None:
        def again() -> None:
            deed()
            if self._now_ns() < end_ns:
                self._agenda.add(self._now_ns() + to_ns(every_s), again)

        self._agenda.add(from_ns, again)

    def _show(self) -> None:
        now_ns = self._now_ns()
        self._watcher.status(self._tally.status((now_ns - self._origin_ns) / 1e9, now_ns))

    def _count(self) -> None:
        for pod in self._programs.pods():
            self._programs.send(pod, wire.Inspect())

    def _ask_prometheus(self) -> None:
        end_ns = self._now_ns()
        planned = moves(self._scenario, self._cluster)
        healed_ns = {
            move.fault.name: self._origin_ns + to_ns(move.at_s + move.fault.for_s)
            for move in planned
            if isinstance(move, Inject)
        } | self._ledger.healed_ns
        try:
            monitor = self._running.monitor()
        except EngineError as error:
            self._hearing.trouble("prometheus-lost", str(error))
            return
        known = (self._ledger.fired_ns, self._resolved)
        for confirmed in confirm_all(self._scenario, self._cluster, monitor, end_ns, *known):
            self._recorder.event(confirmed)
        for asked in ask_all(self._scenario, monitor, self._origin_ns, end_ns, healed_ns):
            self._recorder.event(asked)
        length_s, alerts = (end_ns - self._origin_ns) / 1e9, bool(self._scenario.alerts)
        for scraped in scraping(self._cluster, monitor, end_ns, length_s, alerts=alerts):
            self._recorder.event(scraped)

    # --- leaving ------------------------------------------------------------------------------------------------------

    def _leave(self, how: How) -> None:
        """Heal, look that it is healed, keep the logs, take everything down: each step even if one before it failed."""
        began_ns = self._now_ns()
        self._hearing.leaving = True
        self._look.stop()
        self._agenda.clear()  # what was still planned would break again what is healed here
        left: tuple[str, ...] = ()
        try:
            self._attempt(self._heal)
            self._programs.stop()
            self._attempt(lambda: self._running.save_logs(self._recorder.folder / LOGS))
            self._programs.close()
        finally:
            self._life.close()
            if not self._options.keep:
                self._watcher.say(self._ending)
                stopped = self._attempt(self._running.stop)
                self.clean = stopped is not None and not stopped.left
                left = (*stopped.left, *stopped.husks) if stopped else ()
                for husk in stopped.husks if stopped else ():
                    self._watcher.say(f"network {husk} stays: nothing is attached to it, but the engine says so")
            else:
                self.clean = True
        took_s = (self._now_ns() - began_ns) / 1e9
        self._recorder.event(events.TornDown(self._now_ns(), took_s, self._options.keep, left))
        self._recorder.event(events.Ended(self._now_ns(), how), sync=True)

    def _heal(self) -> None:
        """Nothing of a fault is left: agents say so themselves, and nodes of ours that are down are started if kept."""
        since_ns = self._now_ns()
        for pod in self._programs.agents():
            self._programs.send(pod, wire.Heal())
            self._programs.send(pod, wire.Inspect())
        if self._options.keep:
            self._life.undo_all()
        # An agent may have counted a moment before it heard that all is to be healed; then it counts once more.
        self._waited(lambda: not self._silent(since_ns) and not self._standing(since_ns), _ANSWER_S)
        if self._silent(since_ns):
            silent = ", ".join(sorted(self._silent(since_ns)))
            self._hearing.trouble("not-healed", f"The agents of {silent} did not say what is still in force there.")
        if self._options.keep:  # a kill that nobody has spoken of yet is undone too
            self._waited(lambda: not (self._ledger.open() or self._life.unfinished()), _ANSWER_S)
            if self._ledger.open() or self._life.open():
                self._still_open()
        for pod, what in self._standing(since_ns):
            self._hearing.trouble("not-healed", f"{what} were still in force in {pod} when the run ended.")

    def _standing(self, since_ns: int) -> list[tuple[str, str]]:
        """(pod, what is still in force there), as its agent has counted since then."""
        return [
            (pod, f"{counters.rules} rules and {len(counters.toxics)} toxics")
            for pod, counters in sorted(self._hearing.counters.items())
            if counters.now_ns >= since_ns and (counters.rules or counters.toxics)
        ]

    def _silent(self, since_ns: int) -> frozenset[str]:
        """Agents that have not counted since then; what they counted before says nothing of the heal."""
        fresh = {pod for pod, counters in self._hearing.counters.items() if counters.now_ns >= since_ns}
        return self._programs.agents() - fresh

    def _attempt(self, deed: Callable[[], _T]) -> _T | None:
        try:
            return deed()
        except (HarnessError, OSError) as error:
            with suppress(RecordingError):  # it may be the full disk that we are leaving for
                self._hearing.trouble("other", f"While leaving: {error}")
            return None

    # --- time ---------------------------------------------------------------------------------------------------------

    def _brake(self, now_ns: int) -> None:
        """Stop where the scenario says so; once we are leaving nothing stops us."""
        if now_ns < self._next_brake_ns or self._hearing.leaving:
            return
        self._next_brake_ns = now_ns + to_ns(_STATUS_EVERY_S)
        if reason := self._hearing.brake.reason(now_ns, self._origin_ns or None):
            raise Braked(reason)

    def _until_instant(self, instant_ns: int) -> None:
        self._waited(lambda: self._now_ns() >= instant_ns, (instant_ns - self._now_ns()) / 1e9 + 1)

    def _until(self, condition: Callable[[], bool], timeout_s: float, what: Callable[[], str]) -> None:
        if not self._waited(condition, timeout_s):
            raise StartError(f"Waited {timeout_s:.0f} s for {what()}.")

    def _waited(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Hear, and do what falls due, until ``condition``; False when it took longer than ``timeout_s``."""
        deadline_ns = self._now_ns() + to_ns(timeout_s)
        while not condition():
            now_ns = self._now_ns()
            if now_ns >= deadline_ns:
                return False
            self._brake(now_ns)
            for deed in self._agenda.due(now_ns):
                deed()
            wake_ns = min(self._agenda.next_ns() or deadline_ns, deadline_ns, now_ns + _LOOK_EVERY_NS)
            if item := self._inbox.next((wake_ns - self._now_ns()) / 1e9):
                self._hearing.hear(item)
        return True
