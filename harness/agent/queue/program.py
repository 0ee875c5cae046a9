"""The child that serves the pod's packet queue: takes packets, draws their fates, gives them back when it is time.

It ends with its parent; packets then pass, which is what the bypass flag of the rule says.
"""

import ctypes
import gc
import os
import select
import time
from collections.abc import Sequence

import msgspec

from harness.agent.mortal import end_with
from harness.agent.queue.fate import Draws, fate
from harness.agent.queue.holding import Flow, Holding
from harness.agent.queue.netlink import HELD_MAX, PacketQueue, mark_of, payload_of
from harness.agent.queue.orders import DOUBLED, QUEUE, Order, Served, order_decoder
from harness.agent.queue.packet import HEAD_BYTES, flipped, flow_of

_BATCH = 256  # packets taken or given before the other side has its turn
_WHOLE_BYTES = 0xFFFF
_PR_SET_TIMERSLACK = 29
_SLACK_NS = 1


def _needs(served: Sequence[Served]) -> tuple[int, bool]:
    """How many bytes of each packet must be seen, and whether packets may come in bursts (GSO).

    Whole bursts only where nothing but time is changed: a loss of one of sixty-four kilobytes would be another fault.
    """
    disturbs = [s.disturb for s in served]
    single = any((d.loss, d.duplicate, d.reorder, d.corrupt) != (0, 0, 0, 0) for d in disturbs)
    if any(d.corrupt for d in disturbs):
        return _WHOLE_BYTES, False
    return (HEAD_BYTES if any(d.jitter_s for d in disturbs) else 0), not single


class Program:
    def __init__(self, queue: PacketQueue, orders: int, answers: int) -> None:
        self._queue, self._orders, self._answers = queue, orders, answers
        self._rest = b""
        self._draws: dict[int, Draws] = {}  # by bit
        self._by_mark: dict[int, tuple[Draws, ...]] = {}
        self._served: dict[int, Served] = {}
        self._heads = False
        self._holding = Holding()

    def run(self) -> None:
        """Until the end of orders."""
        queue = self._queue.fileno()
        while True:
            next_s = self._holding.next_s()
            wait_s = None if next_s is None else max(0.0, next_s - time.monotonic())
            ready, _, _ = select.select((queue, self._orders), (), (), wait_s)
            verdicts = self._take(_BATCH) if queue in ready else []
            verdicts += self._holding.due(time.monotonic(), _BATCH)
            self._queue.send(verdicts)
            if self._orders in ready and not self._obey():
                return

    # --- packets ------------------------------------------------------------------------------------------------------

    def _take(self, most: int) -> list[bytes]:
        """Verdicts on what need not wait, of so many packets."""
        given = []
        queue, holding, now = self._queue, self._holding, time.monotonic
        for _ in range(most):
            message = queue.receive()
            if message is None:
                break
            mark = mark_of(message)
            draws = self._by_mark.get(mark)
            if draws is None:
                draws = self._by_mark[mark] = tuple(d for bit, d in self._draws.items() if mark >> bit & 1)
            drawn = fate(draws)
            if drawn.lost:
                given.append(queue.drop(message))
                continue
            flow: Flow = flow_of(payload_of(message)) if self._heads else mark
            payload = payload_of(message) if drawn.flips else b""
            for draw in drawn.flips:
                payload = flipped(payload, draw, mended=drawn.silent)
            verdict = queue.accept(message, DOUBLED if drawn.doubled else 0, payload)
            if not holding.put(verdict, drawn, mark, flow, now()):
                given.append(verdict)
        return given

    # --- orders -------------------------------------------------------------------------------------------------------

    def _obey(self) -> bool:
        data = os.read(self._orders, 1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            order = order_decoder.decode(line)
            self._do(order)
            os.write(self._answers, b"%d\n" % order.number)
        return bool(data)

    def _do(self, order: Order) -> None:
        if order.served is not None:
            self._serve(order.served)
        if order.release:
            # What was named before the heal has all come by now: it must not begin to wait behind it.
            self._queue.send(self._take(HELD_MAX) + self._holding.release(order.release))

    def _serve(self, served: Sequence[Served]) -> None:
        """What was served before goes on with its draws where they were."""
        asked = {s.bit: s for s in served}
        kept = {bit: draws for bit, draws in self._draws.items() if asked.get(bit) == self._served.get(bit)}
        self._draws = {bit: kept.get(bit) or Draws(s.disturb) for bit, s in asked.items()}
        self._served, self._by_mark = asked, {}
        copy_bytes, whole_bursts = _needs(served)
        self._heads = copy_bytes > 0
        self._queue.configure(copy_bytes, whole_bursts=whole_bursts)


def main(parent: int) -> int:
    """What goes wrong is the last line on standard output; the agent reads it there."""
    end_with(parent)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_TIMERSLACK, _SLACK_NS, 0, 0, 0)
    try:
        program = Program(PacketQueue(QUEUE), orders=0, answers=1)
        gc.disable()  # what is made for a packet has no cycles
        program.run()
    except (OSError, msgspec.MsgspecError) as error:
        os.write(1, f"{error}\n".encode())
        return 1
    return 0
