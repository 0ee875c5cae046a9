"""A cluster that is played by hand: another thread asks for what happens next, the one that plays decides and does it.

Start, lease, journal and end are those of any run (``Player``); only the phases between them have no schedule.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from harness import wire
from harness.clock import to_ns
from harness.cluster import Cluster, Link
from harness.engine import RunningCluster
from harness.errors import EngineError, HarnessError, StartError
from harness.faults import Fault
from harness.primitives import KERNEL_LEASE_MARGIN_S, AnyPrimitive, Beside, EnginePrimitive, PodPrimitive
from harness.recording import events
from harness.recording.folder import Recorder
from harness.runner.inbox import Call, Inbox
from harness.runner.plan import AFTER_S
from harness.runner.play import How, Options, Player
from harness.runner.prepare import orders, pods
from harness.runner.programs import LOAD, Spot
from harness.runner.questions import ask_all, scraping
from harness.runner.rejoin import Joining, Rejoin
from harness.runner.tee import Tee
from harness.runner.watch import Watcher
from harness.scenario import Phases, Scenario
from harness.schedule import Inject
from harness.seeds import sub_seed
from harness.targets import pending
from harness.traffic import Traffic
from harness.weave import Readiness

FOREVER_S = 86_400.0  # a day: what nobody ends by then ends by itself
_LOAD_LEAD_S = 1.0  # as in a run: the order is there before the first operation is due
_COUNT_EVERY_S = 1.0
_AGAIN_S = 0.05
# How long before it bites a fault is asked for: as long as its parts take to be ready, on a busy machine.
_BESIDE_LEAD_S, _LEAD_S, _ENGINE_LEAD_S = 1.5, 0.5, 0.02

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Asked:
    """A fault that was asked for: from when, and until when or until its heal was ordered."""

    made_of: tuple[AnyPrimitive, ...]
    at_ns: int
    until_ns: int

    def parts(self, node: str) -> tuple[PodPrimitive, ...]:
        """Those in that node's pod."""
        return tuple(p for p in self.made_of if isinstance(p, PodPrimitive) and p.node == node)

    def again(self, fault: str, node: str, soon_ns: int) -> wire.Arm | None:
        """Its part in that pod once more, from when it is due; None where it has none, or is nearly over."""
        parts = self.parts(node)
        at_ns = max(self.at_ns, soon_ns)
        if not parts or self.until_ns <= at_ns:
            return None
        return wire.Arm(fault, at_ns, self.until_ns, (self.until_ns - at_ns) / 1e9 + KERNEL_LEASE_MARGIN_S, parts)


class Session(Player):
    """Methods are for the thread that asks; each returns when the thread that plays has done it.

    ``links``: the connections that run through Toxiproxy as long as the cluster is up. ``recorder`` is the cluster's
    own; what is done between ``begin`` and ``finish`` has one of its own beside it.
    """

    def __init__(
        self,
        cluster: Cluster,
        ready: tuple[Readiness, ...],
        running: RunningCluster,
        recorder: Tee,
        watcher: Watcher,
        options: Options,
        alive: Callable[[], None],
        links: Collection[Link] = (),
    ) -> None:
        phases = Phases(FOREVER_S, FOREVER_S, FOREVER_S)
        nothing = Scenario("by-hand", "", cluster.name, 1, phases, (), (), (), time_limit_s=2 * FOREVER_S)
        super().__init__(nothing, cluster, ready, running, recorder, watcher, Inbox(), options, alive)
        self._tee = recorder
        self._links = frozenset(map(cluster.resolve, links))
        self._opened = threading.Event()
        self._closing = False
        self._ended: Future[How] = Future()
        self._asked: dict[str, Asked] = {}
        self._rejoin = self._joins(running) if isinstance(running, Joining) else None

    def _joins(self, running: Joining) -> Rejoin:
        return Rejoin(
            running=running,
            hearing=self._hearing,
            ledger=self._ledger,
            programs=self._programs,
            inbox=self._inbox,
            agenda=self._agenda,
            orders=lambda addresses: orders(self._cluster, addresses, self._links, 0.0),
            faults=lambda node: {fault for fault, asked in self._asked.items() if asked.parts(node)},
            arms=self._arms,
        )

    def _arms(self, node: str) -> tuple[wire.Arm, ...]:
        """What is asked for in that pod, once more."""
        soon_ns = self._now_ns() + to_ns(_LEAD_S)
        again = (asked.again(fault, node, soon_ns) for fault, asked in self._asked.items())
        return tuple(arm for arm in again if arm)

    # --- from the first container to the last -------------------------------------------------------------------------

    def open(self) -> None:
        """Start the cluster; returns when it is ready. Raises what kept it from that; it is gone then."""
        threading.Thread(target=self._run, name="session", daemon=True).start()
        while not self._opened.wait(_AGAIN_S):
            if self._ended.done():
                raise StartError(f"the cluster did not come up ({self._ended.result()}).")

    def close(self) -> How:
        """Heal and remove everything. Raises what went wrong."""
        self._closing = True
        self._inbox.put(Call(lambda: None))
        return self._ended.result()

    def _run(self) -> None:
        try:
            self._ended.set_result(self.play())
        except BaseException as error:  # whoever asks next raises it, in a thread where somebody hears it
            self._ended.set_exception(error)

    def _orders(self) -> Mapping[str, wire.Prepare]:
        return orders(self._cluster, self._running.addresses(), self._links, 0.0)

    def _play_phases(self) -> None:
        self._origin_ns = self._now_ns()
        self._repeat(self._origin_ns, self._origin_ns + to_ns(FOREVER_S), _COUNT_EVERY_S, self._count)
        if self._rejoin:
            self._hearing.changed = self._rejoin.changed
        self._opened.set()
        self._waited(lambda: self._closing, FOREVER_S)

    def _leave(self, how: How) -> None:
        self._hearing.leaving = True
        if self._rejoin:
            self._rejoin.close()
        super()._leave(how)

    def _ask_prometheus(self) -> None:
        """What is asked belongs to a part, and was asked at its end."""

    def _call(self, deed: Callable[[], _T]) -> _T:
        """``deed`` by the thread that plays; what it raises is raised here."""
        answer: Future[_T] = Future()

        def act() -> None:
            try:
                answer.set_result(deed())
            except HarnessError as error:
                answer.set_exception(error)

        self._inbox.put(Call(act))
        futures: list[Future[Any]] = [answer, self._ended]
        while not wait(futures, timeout=_AGAIN_S, return_when="FIRST_COMPLETED").done:
            if self._hearing.leaving and not self._closing:
                raise EngineError(f"the cluster is gone: {self.lost()}")
        if not answer.done():
            raise EngineError(f"the cluster is gone: {self.lost()}")
        return answer.result()

    def lost(self) -> str:
        """Why it ended before it was told to."""
        error = self._ended.exception() if self._ended.done() else None
        return str(error) if error else self._hearing.lost or "it is being taken down"

    @property
    def standing(self) -> bool:
        """Is it up, with nothing of its machinery lost?"""
        return not self._ended.done() and not self._hearing.leaving

    @property
    def cluster(self) -> Cluster:
        return self._cluster

    @property
    def links(self) -> frozenset[Link]:
        return self._links

    def now_ns(self) -> int:
        """Now, on the pods' clock."""
        return self._now_ns()

    # --- what is done to it -------------------------------------------------------------------------------------------

    def begin(self, recorder: Recorder, began: events.Began) -> None:
        """From now on what happens is written to ``recorder`` too."""

        def deed() -> None:
            recorder.event(began, sync=True)
            if self._tee.ready:
                recorder.event(events.Ready(began.at_ns, self._tee.ready.took_s))
            self._tee.part = recorder

        self._call(deed)

    def note_clocks(self) -> None:
        self._call(self._note_clocks)

    def flush(self) -> None:
        """What was heard so far can be read in the record."""
        self._call(self._tee.flush)

    def start_load(self, traffic: Traffic, seed: int) -> wire.Load:
        """The load as it was ordered; its first operation is due in a second."""

        def deed() -> wire.Load:
            start_ns = self._now_ns() + to_ns(_LOAD_LEAD_S)
            end_ns = start_ns + to_ns(FOREVER_S)
            load = traffic.load(self._cluster, start_ns, end_ns, seed, warmup_s=0.0, faults_s=0.0)
            self._hearing.loads_ended.discard(traffic.name)
            self._tally.admit(traffic.name)
            self._programs.send(LOAD, load)
            return load

        return self._call(deed)

    def end_load(self, name: str, end_ns: int) -> None:
        self._call(lambda: self._programs.send(LOAD, wire.EndLoad(name, end_ns)))

    def load_ended(self, name: str) -> bool:
        """Did the generator say that its last operation has ended?"""
        return self._call(lambda: name in self._hearing.loads_ended)

    def inject(self, fault: Fault, seed: int) -> int:
        """Ask for it; when it is to bite, in nanoseconds. Whether it did stands in the record."""

        def deed() -> int:
            made_of = () if pending(fault) else fault.compile(self._cluster, self._links, sub_seed(seed, fault.name))
            at_ns = self._now_ns() + to_ns(_lead_s(made_of))
            self._asked[fault.name] = Asked(made_of, at_ns, at_ns + to_ns(fault.for_s))
            self._tally.resolved(fault)
            self._ledger.healed_ns.pop(fault.name, None)
            alone = Scenario("by-hand", "", "", seed, self._scenario.phases, (), (fault,), ())
            planner = self._planner(at_ns, alone, {})
            planner.add(Inject(0.0, fault, made_of))
            return at_ns

        return self._call(deed)

    def heal(self, fault: str) -> None:
        """Ask for all of it to go now. That it is gone stands in the record, see ``in_force``."""

        def deed() -> None:
            self._hearing.heal(fault)
            asked = self._asked[fault] = replace(self._asked[fault], until_ns=self._now_ns())
            for node in dict.fromkeys(p.node for p in asked.made_of if isinstance(p, Beside)):
                late_ns = self._now_ns() + to_ns(AFTER_S)
                self._agenda.add(late_ns, partial(self._programs.close_beside, Spot(fault, node)))

        self._call(deed)

    def in_force(self, fault: str) -> tuple[str, ...]:
        """The nodes on which something of it is not known to be gone."""

        def deed() -> tuple[str, ...]:
            deeds = [node for primitive in self._life.open(fault) for node in (primitive.node,)]
            return tuple(dict.fromkeys([*(node for _, node in self._ledger.open(fault)), *deeds]))

        return self._call(deed)

    def whole(self) -> bool:
        """Has every pod an agent that is ready? Not while a sidecar joins a node that was started again."""
        return self._call(lambda: self._hearing.prepared >= set(pods(self._cluster)))

    def trouble(self, kind: events.TroubleKind, text: str) -> None:
        self._call(lambda: self._hearing.trouble(kind, text))

    def ask(self, scenario: Scenario, from_ns: int, end_ns: int) -> None:
        """Put down what Prometheus says to the questions of ``scenario``, and how well it looked since ``from_ns``."""

        def deed() -> None:
            try:
                monitor = self._running.monitor()
            except EngineError as error:
                self._hearing.trouble("prometheus-lost", str(error))
                return
            for asked in ask_all(scenario, monitor, from_ns, end_ns, self._ledger.healed_ns):
                self._recorder.event(asked)
            for scraped in scraping(self._cluster, monitor, end_ns, (end_ns - from_ns) / 1e9):
                self._recorder.event(scraped)

        self._call(deed)

    def save_logs(self, folder: Path) -> None:
        """What every container said so far. In the thread that asks: nobody has to wait for it."""
        self._running.save_logs(folder)

    def finish(self, phases: Sequence[tuple[str, int]], how: How) -> None:
        """The part that ``begin`` began is over. ``phases``: what each was, and since when, now that it is known."""

        def deed() -> None:
            part, self._tee.part = self._tee.part, None
            if part is None:
                return
            now_ns = self._now_ns()
            for name, since_ns in phases:
                part.event(events.PhaseBegan(now_ns, name, since_ns))
            part.event(events.TornDown(now_ns, 0.0, kept=True))
            part.event(events.Ended(now_ns, how), sync=True)
            part.close()

        self._call(deed)


def _lead_s(made_of: Sequence[AnyPrimitive]) -> float:
    if any(isinstance(primitive, Beside) for primitive in made_of):
        return _BESIDE_LEAD_S
    return _ENGINE_LEAD_S if all(isinstance(primitive, EnginePrimitive) for primitive in made_of) else _LEAD_S
