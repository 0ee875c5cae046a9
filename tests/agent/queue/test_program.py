"""The queue's program, with packets that a test hands it instead of the kernel."""

import os
import struct
import threading
from collections import deque
from collections.abc import Iterator, Sequence

import pytest
from msgspec.structs import replace

from harness.agent.queue.netlink import PacketQueue, attribute
from harness.agent.queue.orders import DOUBLED, Order, Served, order_encoder
from harness.agent.queue.program import Program
from harness.primitives import Disturb


class FakeQueue(PacketQueue):
    """Verdicts in words: (``accept`` or ``drop``, the packet's number, the mark it got)."""

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()
        self.given: list[bytes] = []
        self.changed = threading.Condition()
        self.copies: list[tuple[int, bool]] = []
        self._here, self._there = os.pipe()

    def fileno(self) -> int:
        return self._here

    def arrive(self, number: int, mark: int) -> None:
        head = bytes(20) + attribute(1, struct.pack(">IHBx", number, 0x800, 0)[:7]) + attribute(5, bytes(4))
        self.waiting.append(head + attribute(3, struct.pack(">I", mark)))
        os.write(self._there, b"x")

    def receive(self) -> bytes | None:
        if not self.waiting:
            return None
        os.read(self._here, 1)
        return self.waiting.popleft()

    def accept(self, message: bytes, mark: int = 0, payload: bytes = b"") -> bytes:
        return b"accept %d %d" % (int.from_bytes(message[24:28]), mark)

    def drop(self, message: bytes) -> bytes:
        return b"drop %d" % int.from_bytes(message[24:28])

    def configure(self, copy_bytes: int, *, whole_bursts: bool) -> None:
        self.copies.append((copy_bytes, whole_bursts))

    def send(self, verdicts: Sequence[bytes]) -> None:
        with self.changed:
            self.given += verdicts
            self.changed.notify_all()

    def wait(self, count: int) -> list[bytes]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.given) >= count, 5), self.given
            return list(self.given)

    def close(self) -> None:
        os.close(self._here)
        os.close(self._there)


class Running:
    def __init__(self) -> None:
        self.queue = FakeQueue()
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        self._ends = (orders, answers, self._answers)
        self._number = 0
        self._thread = threading.Thread(target=Program(self.queue, orders, answers).run)
        self._thread.start()

    def tell(self, *served: Served, release: int = 0, wait: bool = True) -> None:
        self._number += 1
        order = Order(self._number, served or None, release)
        os.write(self._orders, order_encoder.encode(order) + b"\n")
        if wait:
            self.wait()

    def wait(self) -> None:
        assert os.read(self._answers, 100) == b"%d\n" % self._number

    def end(self) -> None:
        os.close(self._orders)
        self._thread.join(5)
        assert not self._thread.is_alive()
        for end in self._ends:
            os.close(end)
        self.queue.close()


@pytest.fixture
def program() -> Iterator[Running]:
    running = Running()
    yield running
    running.end()


def served(bit: int, **changes: float) -> Served:
    return Served(bit, replace(Disturb("a", ""), **changes))


def test_each_packet_meets_the_disturbances_of_its_mark_and_no_others(program: Running) -> None:
    program.tell(served(0, loss=1.0), served(1, duplicate=1.0))
    for number, mark in enumerate((0b100, 0b001, 0b010, 0b011)):
        program.queue.arrive(number, mark)
    assert program.queue.wait(4) == [b"accept 0 0", b"drop 1", b"accept 2 %d" % DOUBLED, b"drop 3"]


def test_what_waits_goes_on_at_once_when_its_fault_is_healed(program: Running) -> None:
    program.tell(served(0, delay_s=50.0), served(1, delay_s=60.0))
    program.queue.arrive(1, 0b01)
    program.queue.arrive(2, 0b10)
    program.tell(release=0b01)
    assert program.queue.wait(1) == [b"accept 1 0"]
    program.tell(release=0b10)
    assert program.queue.wait(2) == [b"accept 1 0", b"accept 2 0"]


def test_what_came_before_a_heal_does_not_begin_to_wait_behind_it(program: Running) -> None:
    program.tell(served(0, delay_s=60.0))
    with program.queue.changed:  # the program stands still meanwhile
        for number in range(600):
            program.queue.arrive(number, 1)
        program.tell(release=1, wait=False)
    program.wait()
    assert program.queue.wait(600) == [b"accept %d 0" % number for number in range(600)]


def test_a_delay_is_kept(program: Running) -> None:
    program.tell(served(0, delay_s=0.05))
    program.queue.arrive(1, 1)
    assert not program.queue.given
    assert program.queue.wait(1) == [b"accept 1 0"]


def test_no_more_of_a_packet_is_seen_than_is_needed_and_bursts_come_whole_where_only_time_changes(
    program: Running,
) -> None:
    program.tell(served(0, delay_s=0.1))
    program.tell(served(0, delay_s=0.1, jitter_s=0.1))
    program.tell(served(0, delay_s=0.1), served(1, loss=0.1))
    program.tell(served(0, jitter_s=0.1), served(1, corrupt=0.1))
    assert program.queue.copies == [(0, True), (60, True), (0, False), (65535, False)]


def test_a_fault_that_stays_goes_on_with_its_draws_when_another_comes(program: Running) -> None:
    """The fates of one seed are the same whether or not something else was armed in between."""
    lossy = served(0, loss=0.5)
    program.tell(lossy)
    for number in range(20):
        program.queue.arrive(number, 1)
    program.queue.wait(20)
    program.tell(lossy, served(1, delay_s=1.0))
    for number in range(20, 40):
        program.queue.arrive(number, 1)
    whole = [verdict.split()[0] for verdict in program.queue.wait(40)]
    again = Running()
    again.tell(lossy)
    for number in range(40):
        again.queue.arrive(number, 1)
    assert [verdict.split()[0] for verdict in again.queue.wait(40)] == whole
    again.end()
