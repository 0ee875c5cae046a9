import os
import threading
from collections.abc import Iterator
from typing import TypeVar

import pytest

from harness.agent.agent import Agent, EndOfInput, Inbox, Order
from harness.agent.lease import Lease
from harness.agent.metrics import FaultFigures, Metrics
from harness.agent.namespace import Namespace
from harness.agent.probes import Prober
from harness.clock import monotonic_ns, to_ns
from harness.primitives import Cut
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
    Prepare,
    Prepared,
    Probe,
    Stop,
)
from tests.agent.fakes import FakeKernel, FakeToxics
from tests.agent.test_namespace import CUT, PREPARE, SLOW

M = TypeVar("M", bound=Message)


class FakeSupervisor:
    def __init__(self) -> None:
        self.read, self.write = os.pipe()
        self.beats = 0
        self.left = False

    def fileno(self) -> int:
        return self.read

    def beat(self) -> None:
        self.beats += 1

    def goodbye(self) -> None:
        self.left = True

    def warn(self, text: str) -> None:
        os.write(self.write, text.encode())

    def warning(self) -> str | None:
        os.set_blocking(self.read, False)
        try:
            return os.read(self.read, 4096).decode()
        except BlockingIOError:
            return None


class Bench:
    """An agent in a thread, over a packet filter and a Toxiproxy in memory."""

    def __init__(self, lease_s: float = 60.0) -> None:
        self.kernel, self.toxics, self.supervisor = FakeKernel(), FakeToxics(), FakeSupervisor()
        self.metrics, self.inbox = Metrics(), Inbox()
        self.messages: list[Message] = []
        self.code: int | None = None
        self._said = threading.Condition()
        self._agent = Agent(
            place=Namespace(self.kernel, self.toxics),
            say=self._say,
            inbox=self.inbox,
            supervisor=self.supervisor,
            prober=Prober(lambda _: None),
            metrics=self.metrics,
            lease=Lease(lease_s),
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.code = self._agent.run()

    def _say(self, message: Message) -> None:
        with self._said:
            self.messages.append(message)
            self._said.notify_all()

    def ask(self, order: Order, kind: type[M]) -> M:
        since = len(self.messages)
        self.inbox.put(order)
        return self.expect(kind, since)

    def expect(self, kind: type[M], since: int = 0) -> M:
        def found() -> M | None:
            return next((m for m in self.messages[since:] if isinstance(m, kind)), None)

        with self._said:
            self._said.wait_for(lambda: found() is not None, 5)
        message = found()
        assert message is not None, self.messages
        return message

    def in_force(self, fault: str, for_s: float = 60.0) -> None:
        now_ns = monotonic_ns()
        self.ask(Arm(fault, now_ns, now_ns + to_ns(for_s), for_s + 2, (CUT, SLOW)), Armed)
        self.expect(Fired)

    def whole(self) -> bool:
        return not self.kernel.there and not self.toxics.there

    def end(self) -> int | None:
        self.inbox.put(EndOfInput())
        self._thread.join(5)
        return self.code


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    bench.ask(PREPARE, Prepared)
    yield bench
    bench.end()


def test_a_fault_is_fired_and_healed_at_its_instants_without_being_asked(bench: Bench) -> None:
    at_ns = monotonic_ns() + to_ns(0.05)
    bench.ask(Arm("lost", at_ns, at_ns + to_ns(0.05), 2.05, (CUT,)), Armed)
    fired, healed = bench.expect(Fired), bench.expect(Healed)
    assert at_ns <= fired.before_ns <= fired.after_ns < healed.before_ns
    assert healed.before_ns >= at_ns + to_ns(0.05)
    assert healed.why == "schedule"
    assert [type(m) for m in bench.messages] == [Prepared, Armed, Fired, Healed]


def test_an_order_heals_one_fault_or_all_and_each_is_answered_once(bench: Bench) -> None:
    bench.in_force("a")
    bench.ask(Arm("b", monotonic_ns() + to_ns(60), monotonic_ns() + to_ns(70), 12, (CUT,)), Armed)
    assert bench.ask(Heal("a"), Healed).why == "order"
    bench.inbox.put(Heal())
    counters = bench.ask(Inspect(), Counters)
    assert [m.fault for m in bench.messages if isinstance(m, Healed)] == ["a", "b"]
    assert (counters.rules, counters.toxics) == (0, ())


@pytest.mark.parametrize(("order", "why"), [(Stop(), "order"), (EndOfInput(), "end")])
def test_every_end_in_good_order_heals_everything_and_says_goodbye(bench: Bench, order: Order, why: str) -> None:
    bench.in_force("a")
    assert bench.ask(order, Healed).why == why
    assert bench.end() == 0
    assert bench.whole()
    assert bench.supervisor.left


def test_the_end_of_the_lease_heals_everything() -> None:
    bench = Bench(lease_s=0.4)
    bench.ask(PREPARE, Prepared)
    bench.in_force("a")
    assert bench.expect(Healed).why == "lease"
    assert bench.expect(Failed) == Failed("no heartbeat came for 0.4 s, so all faults are healed here")
    assert bench.end() == 0
    assert bench.whole()
    assert bench.supervisor.beats >= 2


def test_a_warning_of_the_supervisor_ends_the_agent_without_a_goodbye(bench: Bench) -> None:
    bench.in_force("a")
    bench.supervisor.warn("Toxiproxy ended (-9)")
    assert bench.expect(Failed) == Failed("Toxiproxy ended (-9)")
    assert bench.expect(Healed).why == "end"
    assert bench.end() == 1
    assert not bench.supervisor.left


def test_a_fault_that_cannot_be_confirmed_is_undone_and_failed(bench: Bench) -> None:
    bench.toxics.deaf = True
    now_ns = monotonic_ns()
    bench.ask(Arm("slow", now_ns, now_ns + to_ns(60), 62, (CUT, SLOW)), Armed)
    assert bench.expect(Failed) == Failed("Toxiproxy made another toxic of slow", "slow")
    counters = bench.ask(Inspect(), Counters)
    assert (counters.rules, counters.toxics) == (0, ())
    assert not [m for m in bench.messages if isinstance(m, Fired | Healed)]


def test_a_fault_that_cannot_be_healed_ends_the_agent_so_that_the_supervisor_cleans_up(bench: Bench) -> None:
    bench.in_force("a")
    bench.kernel.broken = "flush set"
    failed = bench.ask(Heal("a"), Failed)
    assert failed == Failed("could not heal: a is not healed: a/in4-drop still hold something", "a")
    assert bench.end() == 1
    assert not bench.supervisor.left


def test_what_cannot_be_armed_is_refused_by_name(bench: Bench) -> None:
    bench.in_force("a")
    now_ns = monotonic_ns()
    late = Arm("b", now_ns - 2, now_ns - 1, 2, (CUT,))
    again = Arm("a", now_ns, now_ns + to_ns(60), 62, (CUT,))
    foreign = Arm("c", now_ns, now_ns + to_ns(60), 62, (Cut("n2", "n1", "in", "drop"),))
    assert bench.ask(late, Failed) == Failed("b came too late: it should be over already", "b")
    assert bench.ask(again, Failed) == Failed("a is fired already; heal it before it is armed again", "a")
    assert bench.ask(foreign, Failed) == Failed("c: n1 was told to change n2", "c")
    assert bench.ask(Heal("d"), Failed) == Failed("d was never armed here", "d")
    assert bench.ask(PREPARE, Failed) == Failed("cannot be prepared again while a is armed; heal it first")


def test_metrics_say_what_is_in_force(bench: Bench) -> None:
    bench.in_force("a")
    bench.ask(Inspect(), Counters)
    assert bench.metrics.faults == {"a": FaultFigures(in_force=True, packets=0)}
    bench.ask(Heal("a"), Healed)
    bench.ask(Inspect(), Counters)
    samples = {sample.name: sample.value for metric in bench.metrics.collect() for sample in metric.samples}
    assert samples == {"harness_agent_fault_in_force": 0.0, "harness_agent_fault_packets_total": 0.0}


def test_a_peer_whose_address_is_unknown_is_said() -> None:
    bench = Bench()
    order = Prepare("n1", (), (), (), ("n9",), 0.2, 0.5)
    assert bench.ask(order, Failed) == Failed("no address of n9 is known here; name it in Prepare")
    assert bench.end() == 0


def test_a_lost_probe_counts_and_has_no_round_trip_time() -> None:
    metrics = Metrics()
    for probe in (Probe("n1", 0, 0.25), Probe("n1", 1, None, "no answer within 0.5 s")):
        metrics.probed(probe.peer, probe.rtt_s)
    value = metrics.registry.get_sample_value
    rtt_s = value("harness_agent_probe_rtt_seconds", {"peer": "n1"})
    assert rtt_s is not None
    assert rtt_s != rtt_s  # noqa: PLR0124  # NaN
    assert value("harness_agent_probe_lost_total", {"peer": "n1"}) == 1
