"""One load: operations are sent as they fall due, or as users come back, and every end of one is recorded."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace

from harness.client.arrivals import arrivals
from harness.client.asks import Weighted, asks
from harness.client.exchange import Exchange
from harness.client.tally import Tally
from harness.client.timer import Timer
from harness.client.turns import Pools
from harness.clock import NS_PER_S, monotonic_ns, to_ns
from harness.errors import WireError
from harness.operations import Operation, Outcome, pack
from harness.wire import History, Load, LoadDone, Message, Operations

_FLUSH_S = 0.1
_BATCH = 10_000  # operations in one message, far below what a line may weigh
_BURST = 64  # a late generator catches up in bursts, and reads what came between them


def check(load: Load) -> None:
    """``WireError`` for what no load can be: one sentence."""
    rates = {rate for one in load.shape for rate in (one.from_per_s, one.to_per_s)}
    named = [("timeout_s", load.timeout_s), ("in_flight_max", load.in_flight_max)]
    named += [("users", load.users)] if load.users else [("rate_per_s", rate) for rate in (load.rate_per_s, *rates)]
    named += [("a stretch's for_s", one.for_s) for one in load.shape]
    named += [("a share's weight", one.weight) for one in load.mix]
    for name, value in named:
        if not value > 0:
            raise WireError(f"traffic {load.traffic}: {name} is {value}; it must be more than 0")
    if load.think_s < 0:
        raise WireError(f"traffic {load.traffic}: think_s is {load.think_s}; it cannot be less than 0")
    if load.end_ns < load.start_ns:
        raise WireError(f"traffic {load.traffic}: it ends {load.start_ns - load.end_ns} ns before it starts")


class Running:
    """One load from now until its last operation has ended; then ``say(LoadDone)`` and ``when_done``."""

    def __init__(
        self,
        load: Load,
        clients: Sequence[Weighted],
        tally: Tally,
        say: Callable[[Message], None],
        when_done: Callable[["Running"], None],
    ) -> None:
        self.load = load
        self._tally = tally
        self._say = say
        self._when_done = when_done
        self._clients = clients
        self._pools = Pools(load)
        self._history = bytearray()  # lines that nobody was told yet
        self._asks = asks(load, clients, self._pools, self._history.extend)
        self._arrivals = arrivals(load)
        self._closed_loop = load.users > 0
        self._timeout_ns = to_ns(load.timeout_s)
        self._sending = True
        self._sent = 0
        self._in_flight = 0
        self._in_flight_peak = 0
        self._finished: list[Operation] = []
        self._by_deadline: deque[Exchange] = deque()  # due order is deadline order: the time-out is the same for all
        self._loop = asyncio.get_running_loop()
        self._flushing = self._loop.call_later(_FLUSH_S, self._flush)
        self._expiring: asyncio.TimerHandle | None = None
        self._timer = Timer()
        self._loop.add_reader(self._timer.fd, self._tick)
        self._timer.arm(self._arrivals.next_ns)
        tally.open()

    def _tick(self) -> None:
        load, arrivals = self.load, self._arrivals
        for _ in range(_BURST):
            due_ns = arrivals.next_ns
            now_ns = monotonic_ns()
            if due_ns >= load.end_ns and now_ns >= load.end_ns:
                self._stop_sending()
                self._finish_if_last()
                return
            if due_ns > now_ns:
                break
            arrivals.take()
            if not self._send(now_ns if self._closed_loop else due_ns):
                self._stop_sending()
                self._finish_if_last()
                return
        self._timer.arm(min(arrivals.next_ns, load.end_ns))

    def _send(self, due_ns: int) -> bool:
        """False: there is nothing left that could be asked."""
        ask = next(self._asks, None)
        if ask is None:
            return False
        pool, request, answer, told = ask
        if self._in_flight >= self.load.in_flight_max:
            now_ns = monotonic_ns()
            self._record(Operation(due_ns, now_ns, now_ns, 0, Outcome.CAPPED, 0, ""))
            self._freed(now_ns)
            return True
        exchange = Exchange(due_ns, request, answer(), partial(self._tell, told) if told else self._ended)
        self._sent += 1
        self._in_flight += 1
        self._in_flight_peak = max(self._in_flight_peak, self._in_flight)
        self._tally.in_flight = self._in_flight
        self._by_deadline.append(exchange)
        pool.ask(exchange)
        if self._expiring is None:
            self._expire_at(due_ns + self._timeout_ns)
        return True

    def _tell(self, told: Callable[[Exchange], object], exchange: Exchange) -> None:
        told(exchange)
        self._ended(exchange)

    def _ended(self, exchange: Exchange) -> None:
        self._in_flight -= 1
        if exchange.outcome is Outcome.CAPPED:  # we had no descriptor or port left to send it from
            self._sent -= 1
        self._tally.in_flight = self._in_flight
        self._record(exchange.operation())
        if self._closed_loop:
            self._freed(exchange.done_ns)
        self._finish_if_last()

    def _freed(self, done_ns: int) -> None:
        """A user has an answer, and comes back."""
        if self._arrivals.freed(done_ns) and self._sending:
            self._timer.arm(min(self._arrivals.next_ns, self.load.end_ns))

    def _record(self, operation: Operation) -> None:
        self._finished.append(operation)
        self._tally.count(operation)

    def _expire_at(self, at_ns: int) -> None:
        self._expiring = self._loop.call_at(at_ns / NS_PER_S, self._expire)  # asyncio's clock is CLOCK_MONOTONIC too

    def _expire(self) -> None:
        """One timer for all: it stands at the deadline of the oldest that was in flight when it was set."""
        self._expiring = None
        latest_due_ns = monotonic_ns() - self._timeout_ns
        while self._by_deadline:
            oldest = self._by_deadline[0]
            if not oldest.ended and oldest.due_ns > latest_due_ns:
                self._expire_at(oldest.due_ns + self._timeout_ns)
                return
            self._by_deadline.popleft()
            if not oldest.ended:
                oldest.time_out()

    def _flush(self) -> None:
        self._flushing = self._loop.call_later(_FLUSH_S, self._flush)
        finished, self._finished = self._finished, []
        for first in range(0, len(finished), _BATCH):
            self._say(Operations(self.load.traffic, pack(finished[first : first + _BATCH])))
        if self._history:
            self._say(History(self.load.traffic, self._history.decode()))
            self._history.clear()
        self._tally.settling.until(self._settled_ns())

    def _settled_ns(self) -> int:
        """Before which nothing is in flight, or still to be sent."""
        while self._by_deadline and self._by_deadline[0].ended:
            self._by_deadline.popleft()
        unsent_ns = min(self._arrivals.next_ns, self.load.end_ns)
        return min(self._by_deadline[0].due_ns, unsent_ns) if self._by_deadline else unsent_ns

    def _finish_if_last(self) -> None:
        if self._sending or self._in_flight:
            return
        self.stop()
        self._say(LoadDone(self.load.traffic, self._sent, self._in_flight_peak, self._pools.unasked))
        self._when_done(self)

    def _stop_sending(self) -> None:
        if self._sending:
            self._sending = False
            self._loop.remove_reader(self._timer.fd)
            self._timer.close()

    def end_at(self, end_ns: int) -> None:
        """Nothing falls due from then on; what is in flight is waited for."""
        if self._sending and end_ns < self.load.end_ns:
            self.load = replace(self.load, end_ns=end_ns)
            self._timer.arm(min(self._arrivals.next_ns, end_ns))

    def stop(self) -> None:
        """Send nothing more, wait for nothing more; what has ended is told."""
        self._stop_sending()
        self._flush()
        self._flushing.cancel()
        if self._expiring:
            self._expiring.cancel()
        self._pools.close()
        for one in self._clients:
            one.client.close()
        self._tally.close(monotonic_ns())
