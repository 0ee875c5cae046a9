"""The agent's one deciding thread: orders in, moments kept, everything healed at the end, whatever the end is."""

import os
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

from harness.agent.lease import Lease
from harness.agent.metrics import FaultFigures, Metrics
from harness.agent.place import Place, Span
from harness.agent.probes import Prober
from harness.agent.schedule import Moment, Move, Schedule, wait_until
from harness.agent.tie import BEAT_S
from harness.clock import monotonic_ns, to_ns
from harness.errors import AgentError
from harness.wire import (
    Arm,
    Armed,
    Counters,
    Failed,
    Fired,
    Heal,
    Healed,
    Inspect,
    Message,
    Met,
    Prepare,
    Prepared,
    Reading,
    Stop,
    When,
)

SETTLE_S = 0.003  # reading back can wait; other pods' agents may want this core for the same instant
Why = Literal["schedule", "order", "lease", "end"]
State = Literal["armed", "fired", "healed"]
READ_EVERY_NS = 500_000_000  # how often the witnesses of a fault are asked
READ_TAKES_NS = 350_000_000  # what they may take; with a moment so near they are not asked
AFTER_NS = 2_000_000_000  # so long after a heal they are asked what is left
_WHEN: dict[State, When] = {"armed": "before", "fired": "during", "healed": "after"}


@dataclass(frozen=True, slots=True)
class EndOfInput:
    """Nobody sends orders any more, or a signal said to stop."""


Order = Prepare | Arm | Heal | Inspect | Stop | EndOfInput


class Supervisor(Protocol):
    """What the agent needs of ``tie.Tie``."""

    def fileno(self) -> int: ...
    def beat(self) -> None: ...
    def goodbye(self) -> None: ...
    def warning(self) -> str | None: ...


class Inbox:
    """Orders from the reading thread, and a file descriptor that wakes the deciding one."""

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def fileno(self) -> int:
        return self._read

    def put(self, order: Order) -> None:
        self._orders.put(order)
        self.wake()

    def wake(self) -> None:
        try:
            os.write(self._write, b".")
        except BlockingIOError:  # so many wake it already
            return

    def take(self) -> Order | None:
        try:
            return self._orders.get_nowait()
        except queue.Empty:
            return None

    def drain(self) -> None:
        try:
            os.read(self._read, 4096)
        except BlockingIOError:
            return


class Agent:
    """``run`` returns the exit code: 0 for an end in good order with everything healed, else 1."""

    def __init__(
        self,
        *,
        place: Place,
        say: Callable[[Message], None],
        inbox: Inbox,
        supervisor: Supervisor,
        prober: Prober | None,
        metrics: Metrics,
        lease: Lease,
    ) -> None:
        self._place, self._say, self._inbox, self._supervisor = place, say, inbox, supervisor
        self._prober, self._metrics, self._lease = prober, metrics, lease
        self._schedule = Schedule()
        self._states: dict[str, State] = {}
        self._orders: dict[str, Arm] = {}
        self._met: dict[str, Met] = {}  # the last figures of each fault
        self._watched: dict[str, int] = {}  # faults whose witnesses are asked, and until when
        self._next_reading_ns = 0
        self._end: Why | None = None
        self._broken = False

    def run(self) -> int:
        next_tick_ns = monotonic_ns()
        while self._end is None:
            now_ns = monotonic_ns()
            if now_ns >= next_tick_ns:
                self._tick(now_ns)
                next_tick_ns = now_ns + to_ns(BEAT_S)
            deadline_ns = min(next_tick_ns, self._schedule.next_ns() or next_tick_ns)
            if self._schedule.quiet(now_ns):
                if wait_until(deadline_ns, (self._inbox.fileno(), self._supervisor.fileno())):
                    self._attend(next_tick_ns)
            else:  # orders can wait for some milliseconds, a moment cannot
                wait_until(deadline_ns, ())
            self._keep_moments(self._schedule.due(monotonic_ns()))
        return self._leave(self._end)

    # --- moments ------------------------------------------------------------------------------------------------------

    def _keep_moments(self, moments: tuple[Moment, ...]) -> None:
        """All changes of one instant first, then their proofs."""
        spans: list[tuple[Moment, Span]] = []
        for moment in moments:
            change = self._place.fire if moment.move in (Move.FIRE, Move.RESUME) else self._place.heal
            try:
                spans.append((moment, change(moment.fault)))
            except AgentError as error:
                self._failed(moment.fault, error)
        if spans:
            time.sleep(SETTLE_S)
        for moment, span in spans:
            match moment.move:
                case Move.FIRE:
                    self._confirm_fired(moment.fault, span)
                    self._alternate(moment, span)
                case Move.HEAL:
                    self._confirm_healed(moment.fault, span, "schedule")
                case Move.RESUME | Move.REST:
                    self._confirm_turn(moment, span)

    def _confirm_turn(self, moment: Moment, span: Span) -> None:
        try:
            if moment.move is Move.RESUME:
                self._place.confirm_fired(moment.fault)
            else:
                self._place.confirm_healed(moment.fault)
        except AgentError as error:
            self._failed(moment.fault, error)
        else:
            self._alternate(moment, span)

    def _alternate(self, moment: Moment, span: Span) -> None:
        """The next turn of a fault that comes and goes; nothing for one that stays."""
        order = self._orders[moment.fault]
        if order.on_s is None or order.off_s is None or self._states[moment.fault] != "fired":
            return
        on = moment.move is not Move.REST
        self._say(Reading(moment.fault, "during", "on", float(on), span.after_ns))
        next_ns = moment.at_ns + to_ns(order.on_s if on else order.off_s)
        if next_ns < order.until_ns:
            self._schedule.add(Moment(next_ns, Move.REST if on else Move.RESUME, moment.fault))

    def _confirm_fired(self, fault: str, span: Span) -> None:
        self._states[fault] = "fired"
        try:
            self._place.confirm_fired(fault)
        except AgentError as error:
            self._failed(fault, error)
        else:
            self._say(Fired(fault, span.before_ns, span.after_ns))

    def _confirm_healed(self, fault: str, span: Span, why: Why) -> None:
        try:
            met = self._met[fault] = self._place.confirm_healed(fault)
        except AgentError as error:
            self._not_healed(fault, error)
            return
        self._over(fault)
        self._say(Healed(fault, span.before_ns, span.after_ns, why, met.packets, met.bytes, met.echoes))

    def _heal(self, fault: str, why: Why) -> None:
        self._schedule.forget(fault)
        try:
            span = self._place.heal(fault)
        except AgentError as error:
            self._not_healed(fault, error)
        else:
            self._confirm_healed(fault, span, why)

    def _failed(self, fault: str, error: AgentError) -> None:
        """What was applied of it is undone here; then it is said."""
        self._schedule.forget(fault)
        try:
            self._place.heal(fault)
            self._met[fault] = self._place.confirm_healed(fault)
        except AgentError as worse:
            self._not_healed(fault, worse)
            return
        self._over(fault)
        self._say(Failed(str(error), fault))

    def _over(self, fault: str) -> None:
        self._schedule.forget(fault)
        self._states[fault] = "healed"
        self._watched[fault] = monotonic_ns() + AFTER_NS

    def _not_healed(self, fault: str, error: AgentError) -> None:
        """The agent ends without a goodbye; then the supervisor removes the table and stops Toxiproxy."""
        self._states[fault] = "healed"
        self._say(Failed(f"could not heal: {error}", fault))
        self._broken = True
        self._end = self._end or "end"

    # --- orders -------------------------------------------------------------------------------------------------------

    def _attend(self, until_ns: int) -> None:
        """Orders, as long as no moment is near and no beat is due."""
        self._inbox.drain()
        if (text := self._supervisor.warning()) is not None:
            self._say(Failed(text))
            self._broken = True
            self._end = "end"
        while self._end is None and self._schedule.quiet(now_ns := monotonic_ns()) and now_ns < until_ns:
            order = self._inbox.take()
            if order is None:
                return
            self._obey(order)
        self._inbox.wake()  # for what is left

    def _obey(self, order: Order) -> None:
        match order:
            case Prepare():
                self._attempt(lambda: self._prepare(order), None)
            case Arm():
                self._attempt(lambda: self._arm(order), order.fault)
            case Heal(fault):
                self._order_heal(fault)
            case Inspect():
                self._attempt(self._inspect, None)
            case Stop():
                self._end = "order"
            case EndOfInput():
                self._end = "end"

    def _attempt(self, order: Callable[[], None], fault: str | None) -> None:
        try:
            order()
        except AgentError as error:
            self._say(Failed(str(error), fault))

    def _prepare(self, order: Prepare) -> None:
        if held := [fault for fault, state in self._states.items() if state != "healed"]:
            raise AgentError(f"cannot be prepared again while {', '.join(held)} is armed; heal it first")
        self._place.prepare(order)
        self._states, self._met, self._watched = {}, {}, {}
        peers = {peer: self._place.address(peer) for peer in order.peers}
        if self._prober:
            self._prober.start(peers, order.probe_every_s, order.probe_timeout_s)
        self._lease.renew(monotonic_ns())
        self._say(Prepared(monotonic_ns()))

    def _arm(self, order: Arm) -> None:
        if self._states.get(order.fault, "healed") != "healed":
            raise AgentError(f"{order.fault} is {self._states[order.fault]} already; heal it before it is armed again")
        if order.until_ns <= max(monotonic_ns(), order.at_ns):
            raise AgentError(f"{order.fault} came too late: it should be over already")
        try:
            self._place.arm(order)
        except AgentError:
            self._place.forget(order.fault)
            raise
        self._states[order.fault], self._orders[order.fault] = "armed", order
        self._watched[order.fault] = order.until_ns + AFTER_NS
        self._met[order.fault] = Met(order.fault, 0, 0, 0)
        self._schedule.add(Moment(order.at_ns, Move.FIRE, order.fault))
        self._schedule.add(Moment(order.until_ns, Move.HEAL, order.fault))
        self._say(Armed(order.fault, monotonic_ns()))

    def _order_heal(self, fault: str | None) -> None:
        """A fault that has been healed has been answered for already."""
        if fault is not None and fault not in self._states:
            self._say(Failed(f"{fault} was never armed here", fault))
            return
        for name, state in self._states.items():
            if state != "healed" and fault in (None, name):
                self._heal(name, "order")
                self._supervisor.beat()  # many faults take longer than a supervisor's patience

    def _inspect(self) -> None:
        seen = self._place.inspect()
        self._take_figures()
        met, network = tuple(self._met.values()), (seen.network_bytes, seen.own_bytes)
        self._say(Counters(monotonic_ns(), seen.elements, seen.toxics, met, seen.ports, *network))

    # --- time passes --------------------------------------------------------------------------------------------------

    def _tick(self, now_ns: int) -> None:
        self._supervisor.beat()
        if self._lease.expired(now_ns):
            self._end = "lease"
        if self._states and self._schedule.quiet(now_ns):
            self._attempt(self._take_figures, None)
        # Where moments are near all the time, a witness that is late is better than none.
        overdue = self._schedule.quiet(now_ns) and now_ns >= self._next_reading_ns + READ_EVERY_NS
        if self._watched and now_ns >= self._next_reading_ns:
            if not overdue and not self._schedule.quiet(now_ns, READ_TAKES_NS):
                return
            self._next_reading_ns = now_ns + READ_EVERY_NS
            self._read(now_ns)

    def _read(self, now_ns: int) -> None:
        """What the witnesses of every fault see now. One that has long been healed is forgotten."""
        for fault in [fault for fault, until_ns in self._watched.items() if now_ns >= until_ns]:
            del self._watched[fault]
            self._attempt(partial(self._place.forget, fault), fault)
        for fault in tuple(self._watched):
            when = _WHEN[self._states[fault]]
            try:
                for name, value in self._place.readings(fault).items():
                    self._say(Reading(fault, when, name, value, monotonic_ns()))
            except AgentError as error:  # a fault without a witness is none
                del self._watched[fault]
                if when != "after":
                    self._failed(fault, error)
            self._supervisor.beat()

    def _take_figures(self) -> None:
        for fault, state in self._states.items():
            if state == "fired":
                self._met[fault] = self._place.met(fault)
        self._metrics.faults = {
            fault: FaultFigures(state == "fired", self._met[fault].packets) for fault, state in self._states.items()
        }

    def _leave(self, why: Why) -> int:
        for fault, state in self._states.items():
            if state != "healed":
                self._heal(fault, why)
                self._supervisor.beat()
        try:
            self._place.leave()
        except AgentError as error:
            self._say(Failed(str(error)))
            self._broken = True
        if why == "lease":
            self._say(Failed(f"no heartbeat came for {self._lease.length_s:g} s, so all faults are healed here"))
        if not self._broken:
            self._supervisor.goodbye()
        return int(self._broken)
