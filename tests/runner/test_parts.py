"""The runner's leaves, each on its own."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness import wire
from harness.cluster import Cluster, Link, Node
from harness.engine import Answer, Range
from harness.errors import EngineError, RecordingError
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.objectives import Bound
from harness.objectives.courses import UNSEEN
from harness.objectives.promql import Promql
from harness.objectives.when import Moment
from harness.recording import events
from harness.recording.folder import Recorder, read
from harness.runner import alive, questions
from harness.runner.agenda import Agenda
from harness.runner.heal import heal
from harness.runner.inbox import Inbox, Stopped
from harness.runner.ledger import Ledger
from harness.runner.prepare import pods, prepare
from harness.runner.programs import LOAD
from harness.runner.pulse import Heart, Offset
from harness.runner.questions import ask_all, confirm_all, scraping
from harness.runner.readiness import Asking
from harness.runner.watch import Tally
from harness.targets import aim
from harness.weave import HEALTHCHECK, Readiness
from tests.objectives.test_words import written
from tests.recording.builder import CLUSTER, LOST_N1, scenario
from tests.runner.fake import FakeCluster, Habits

# --- agenda -----------------------------------------------------------------------------------------------------------


def test_deeds_come_in_the_order_of_their_instants_and_of_their_adding() -> None:
    done: list[str] = []
    agenda = Agenda()
    for at_ns, name in ((30, "c"), (10, "a"), (30, "d"), (20, "b"), (99, "later")):
        agenda.add(at_ns, lambda name=name: done.append(name))  # type: ignore[misc]  # a default binds it
    assert agenda.next_ns() == 10
    for deed in agenda.due(30):
        deed()
    assert (done, agenda.next_ns()) == (["a", "b", "c", "d"], 99)
    agenda.clear()
    assert (agenda.next_ns(), agenda.due(1000)) == (None, [])


# --- ledger -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "run")


def _ledger(recorder: Recorder) -> Ledger:
    return Ledger(recorder, Tally(scenario(), CLUSTER), lambda: 1000)


def test_a_ledger_knows_what_is_in_force_where_until_it_is_healed(recorder: Recorder) -> None:
    ledger = _ledger(recorder)
    ledger.fired("f", "n2", 1, 2)
    ledger.fired("f", "n1", 1, 3)
    ledger.fired("g", "n1", 4, 5)
    assert (ledger.open(), ledger.open("g")) == ((("f", "n1"), ("f", "n2"), ("g", "n1")), (("g", "n1"),))
    gone = events.FaultHealed(1000, "f", "n2", 6, 7, "schedule")
    ledger.healed(gone)
    ledger.healed(gone)
    assert ledger.open("f") == (("f", "n1"),)
    recorder.close()
    assert read(recorder.folder).events == (
        events.FaultFired(1000, "f", "n2", 1, 2),
        events.FaultFired(1000, "f", "n1", 1, 3),
        events.FaultFired(1000, "g", "n1", 4, 5),
        gone,
    )


def test_what_was_armed_and_never_fired_is_not_healed(recorder: Recorder) -> None:
    _ledger(recorder).healed(events.FaultHealed(1000, "f", "n2", 6, 7, "order"))
    recorder.close()
    assert read(recorder.folder).events == ()


def test_a_failure_is_of_the_heal_once_a_fault_is_in_force(recorder: Recorder) -> None:
    ledger = _ledger(recorder)
    ledger.failed("f", "n1", "no such set")
    ledger.fired("f", "n1", 1, 2)
    ledger.failed("f", "n1", "still there")
    recorder.close()
    failed = read(recorder.folder).failed("f")
    assert [(event.action, event.text) for event in failed] == [("inject", "no such set"), ("heal", "still there")]


def test_agents_are_disarmed_once(recorder: Recorder) -> None:
    ledger = _ledger(recorder)
    ledger.armed("f", ["n1", "n2"])
    assert [sorted(ledger.disarm(fault)) for fault in ("f", "f", "g")] == [["n1", "n2"], [], []]
    recorder.close()


# --- prepare ----------------------------------------------------------------------------------------------------------

SHARED = Cluster(
    "shared",
    (
        Node("app", "app", "app", "app", ports=(80, 81)),
        Node("proxy", "proxy", "proxy", "app", ports=(15001, 80)),
        Node("db", "db", "db", "db", ports=(5432,)),
    ),
)


def test_a_port_that_only_prometheus_asks_is_the_harness_s_own_and_one_that_serves_is_not() -> None:
    nodes = (
        Node("app", "app", "app", "app", ports=(80,), metrics="8405/metrics"),
        Node("etcd", "etcd", "etcd", "etcd", ports=(2379,), metrics="2379/metrics"),
    )
    orders = prepare(scenario(faults=()), Cluster("two", nodes), ())
    assert {pod: order.scraped for pod, order in orders.items()} == {"app": (8405,), "etcd": (), "client": ()}


def test_with_nothing_to_witness_echoes_are_few() -> None:
    every_s = [prepare(scenario(faults=faults), CLUSTER, ())["n1"].probe_every_s for faults in ((), (LOST_N1,))]
    assert every_s == [2.0, 0.5]


def test_nodes_of_one_pod_have_one_agent_and_the_client_is_last() -> None:
    assert pods(SHARED) == ("app", "db", "client")


def test_an_agent_is_told_who_is_who_what_is_proxied_and_whom_to_probe() -> None:
    slow = (
        Latency(name="a", at_s=1, for_s=1, link=Link("proxy", "db", None), delay_s=0.3),
        Latency(name="b", at_s=3, for_s=1, link=Link("app", "db", 5433), delay_s=0.1),
    )
    addresses = (wire.Address("app", ("127.0.1.1",)),)
    orders = prepare(scenario(faults=slow), SHARED, addresses)
    assert orders["app"] == wire.Prepare(
        node="app",
        addresses=addresses,
        ports=(80, 81, 15001),
        redirects=(wire.Redirect("db", 5433, 18000, 18001), wire.Redirect("db", 5432, 18002, 18003)),
        peers=("db", "client"),
        probe_every_s=0.5,
        probe_timeout_s=1.6,
    )
    assert (orders["db"].redirects, orders["db"].peers) == ((), ("client", "app"))
    assert (orders["client"].ports, orders["client"].peers) == ((), ("app", "db"))


def test_in_a_large_cluster_every_pod_probes_twelve_and_is_probed_by_twelve() -> None:
    nodes = tuple(Node(f"w-{i}", "w", "w", f"w-{i}", i, (80,)) for i in range(1, 31))
    orders = prepare(scenario(faults=(replace(LOST_N1, nodes=("w-1",)),)), Cluster("many", nodes), ())
    probed = [peer for order in orders.values() for peer in order.peers]
    assert {len(order.peers) for order in orders.values()} == {12}
    assert {probed.count(name) for name in orders} == {12}
    assert {order.probe_every_s for order in orders.values()} == {1.0}


# --- readiness --------------------------------------------------------------------------------------------------------


def test_a_node_is_asked_until_its_answer_is_right_and_one_question_at_a_time() -> None:
    sent: list[tuple[str, wire.Message]] = []
    ready = (Readiness("n1", "http", (("path", "/readyz"),)), Readiness("n2", "http", (), 9101))
    asking = Asking(CLUSTER, ready, lambda name, message: sent.append((name, message)))
    asking.ask(0)
    asking.ask(200_000_000)
    once = wire.Once(0, "http", "n1", 11434, 3.0, (("path", "/readyz"),))
    assert sent == [(LOAD, once), (LOAD, wire.Once(1, "http", "n2", 9101, 3.0, ()))]
    asking.answered(wire.Answered(0, "REFUSED", 0.1, "connection refused"))
    asking.answered(wire.Answered(1, "OK", 0.1, "n2-0300"))
    assert (asking.done(), asking.waiting_for()) == (False, "a right answer from n1 (refused: connection refused)")
    asking.ask(250_000_000)
    assert len(sent) == 2, "not before a tenth of a second is over"
    asking.ask(300_000_000)
    assert sent[2:] == [(LOAD, once)]
    asking.answered(wire.Answered(0, "OK", 0.1, "n1-0300"))
    asking.answered(wire.Answered(0, "OK", 0.1, "a late echo"))
    assert (asking.done(), asking.summary()) == (True, 'n1 answered "n1-0300"; n2 answered "n2-0300"')


def test_nodes_without_a_question_are_ready_when_they_run() -> None:
    asking = Asking(CLUSTER, (), lambda name, message: None)
    assert (asking.done(), asking.summary()) == (True, "nothing was asked")


def test_a_health_check_is_not_asked_but_heard_of() -> None:
    sent: list[tuple[str, wire.Message]] = []
    asking = Asking(CLUSTER, (Readiness("n1", HEALTHCHECK, ()),), lambda name, message: sent.append((name, message)))
    asking.ask(0)
    assert asking.waiting_for() == "a right answer from n1 (its health check has not ended yet)"
    asking.checked("n1", "unhealthy")
    asking.checked("n2", "healthy")
    assert (asking.done(), asking.waiting_for()) == (False, "a right answer from n1 (its health check says unhealthy)")
    asking.checked("n1", "healthy")
    assert (asking.done(), asking.summary(), sent) == (True, "n1: its health check says healthy", [])
    assert asking.again("n1"), "after a restart nothing is asked either"


def test_what_was_never_answered_is_said_so() -> None:
    asking = Asking(CLUSTER, (Readiness("n1", "http", ()),), lambda name, message: None)
    assert asking.waiting_for() == "a right answer from n1 (was not asked yet)"


# --- questions --------------------------------------------------------------------------------------------------------


class Oracle:
    def __init__(self, *answers: Answer) -> None:
        self.answers, self.asked = list(answers), list[tuple[str, float]]()
        self.ranges: list[tuple[str, float, float, float]] = []

    def ask(self, query: str, time_s: float) -> Answer:
        self.asked.append((query, time_s))
        return self.answers.pop(0)

    def range(self, query: str, start_s: float, end_s: float, step_s: float) -> Range:
        self.ranges.append((query, start_s, end_s, step_s))
        return Range((1.0, None))


def test_prometheus_is_asked_at_the_instant_an_objective_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "wall_offset_ns", lambda: 1_700_000_000_000_000_000)
    bound = Bound(">=", 3, ">= 3")
    during = Promql(name="during", query="a", bound=bound, at=Moment("lost-n1", True))
    at_end = Promql(name="at-end", query="b", bound=bound)
    oracle = Oracle(Answer(2.0), Answer(None, "no data"))
    asked = tuple(ask_all(scenario(during, at_end), oracle, 0, 60_000_000_000, {"lost-n1": 35_000_000_000}))
    assert oracle.asked == [("a", 1_700_000_035.0), ("b", 1_700_000_060.0)]
    assert asked == (
        events.Asked(60_000_000_000, "during", "a", 1_700_000_035.0, 2.0),
        events.Asked(60_000_000_000, "at-end", "b", 1_700_000_060.0, None, "no data"),
    )


def test_who_was_looked_up_is_asked_again_of_the_instant_the_fault_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "wall_offset_ns", lambda: 0)
    nodes = (Node(f"e{i}", "e", "e", f"e{i}", i, (80,), "90/m", "led") for i in (1, 2))
    cluster = Cluster("etcd", tuple(nodes))
    draft, never = (Kill(name=name, at_s=5, for_s=2, nodes=("leader",)) for name in ("dead", "never"))
    waiting, unfired = aim(draft, cluster, 7)[0], aim(never, cluster, 7)[0]
    resolved = aim(draft, cluster, 7, found={"leader": "e1"})[0]
    oracle = Oracle(Answer(0.0), Answer(1.0))
    planned = replace(scenario(), faults=(LOST_N1, waiting, unfired))
    fired_ns = {"dead": 15_000_000_000, "lost-n1": 16_000_000_000}
    told = tuple(
        confirm_all(planned, cluster, oracle, 60_000_000_000, fired_ns, {"dead": resolved, "lost-n1": LOST_N1})
    )
    text = "e1 was the leader when that was looked up, and then e2 led"
    assert told == (events.Confirmed(60_000_000_000, "dead", text),)
    assert {time_s for _, time_s in oracle.asked} == {15.0}


def test_the_course_that_objectives_need_is_asked_once_from_the_first_millisecond_of_the_run_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(questions, "wall_offset_ns", lambda: 1_700_000_000_000_000_000)
    honest = written("lie", name="honest", of="chat", health="up", on="n1", lie="<= 3s")
    oracle, unseen = Oracle(), UNSEEN
    asked = tuple(ask_all(scenario(honest, honest), oracle, 1_000_200_000, 61_050_000_000, {}))
    span = (1_700_000_001.001, 1_700_000_061.001, 0.1)
    assert oracle.ranges == [("up", *span), (unseen, *span)]
    assert asked == tuple(
        events.Sampled(61_050_000_000, query, 1_001_000_000, 0.1, (1.0, None)) for query in ("up", unseen)
    )


def test_a_run_of_hours_is_asked_for_in_as_many_steps_as_prometheus_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "wall_offset_ns", lambda: 0)
    honest = written("lie", name="honest", of="chat", health="up", on="n1", lie="<= 3s")
    oracle = Oracle()
    list(ask_all(scenario(honest), oracle, 0, 7_200_000_000_000, {}))
    assert oracle.ranges[0] == ("up", 0.0, 7200.0, 0.72)


def test_alert_rules_must_have_been_evaluated_as_often_as_targets_are_scraped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "wall_offset_ns", lambda: 0)
    oracle = Oracle(*[Answer(40.0)] * 6, Answer(12.0))
    *_, last = scraping(CLUSTER, oracle, 60_000_000_000, 10.0, alerts=True)
    assert last == events.Scraped(60_000_000_000, "the alert rules", 40, 12)
    assert oracle.asked[-1] == ("count_over_time(harness_alert_rules[10s])", 60.0)


def test_every_target_must_show_its_scrapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "wall_offset_ns", lambda: 0)
    one = Cluster("one", (Node("n1", "n1", "n1", "n1", ports=(80,), metrics="9000/m"),))
    oracle = Oracle(Answer(40.0), Answer(19.0), Answer(None, "no data"), Answer(40.0))
    seen = tuple(scraping(one, oracle, 60_000_000_000, 10.1))
    assert [event.target for event in seen][-1] == "n1:9000"
    assert [(event.expected, event.seen) for event in seen] == [(40, 40), (20, 19), (20, 0), (40, 40)]
    assert oracle.asked[-1] == ('count_over_time(up{instance="n1:9000"}[10s])', 60.0)


# --- pulse ------------------------------------------------------------------------------------------------------------


def test_a_clock_is_known_by_the_quickest_round_trip() -> None:
    heart = Heart(lambda: None)
    heart._sent_ns = {1: 1000, 2: 2000}
    heart.heard("n1", wire.Pulse(1, 5600), 1200)  # half way at 1100
    heart.heard("n1", wire.Pulse(2, 6550), 2100)  # half way at 2050
    heart.heard("n1", wire.Pulse(3, 9999), 9999)  # a number that was never sent
    assert heart.offsets() == {"n1": Offset(4500, 50)}
    assert heart.offsets() == {}, "each look is taken once"


# --- inbox ------------------------------------------------------------------------------------------------------------


def test_an_inbox_remembers_that_somebody_asked_to_stop() -> None:
    inbox = Inbox()
    assert (inbox.next(0), inbox.stopped_by) == (None, None)
    inbox.put(Stopped("SIGINT"))
    assert (inbox.stopped_by, inbox.next(0)) == ("SIGINT", Stopped("SIGINT"))


# --- alive ------------------------------------------------------------------------------------------------------------


def test_a_run_is_alive_while_another_process_holds_its_lock_and_no_longer(tmp_path: Path) -> None:
    hold = "import sys; from pathlib import Path; from harness.runner import alive; alive.hold(Path(sys.argv[1]))"
    code = f"{hold}; print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout and other.stdout.readline() == "held\n"
        assert alive.is_alive(tmp_path)
        with pytest.raises(RecordingError) as refused:
            alive.hold(tmp_path)
        assert str(refused.value) == f"{tmp_path}/lock cannot be locked: Resource temporarily unavailable."
        other.kill()
    assert not alive.is_alive(tmp_path)


def test_a_lock_can_be_released_and_a_run_without_one_is_not_alive(tmp_path: Path) -> None:
    assert not alive.is_alive(tmp_path)
    lock = alive.hold(tmp_path)
    assert alive.is_alive(tmp_path)
    alive.release(lock)
    assert not alive.is_alive(tmp_path)


# --- heal -------------------------------------------------------------------------------------------------------------


def test_healing_that_removes_needs_no_journal(tmp_path: Path) -> None:
    fake = FakeCluster(CLUSTER, Habits(left=("n1-pod",)))
    assert (heal(fake, tmp_path / "nothing", remove=True), fake.calls) == (("n1-pod",), ["stop"])


def test_healing_that_removes_says_what_the_engine_says(tmp_path: Path) -> None:
    fake = FakeCluster(CLUSTER, Habits(cannot_stop=True))
    with pytest.raises(EngineError, match="the engine did not answer"):
        heal(fake, tmp_path, remove=True)


def test_who_may_take_long_for_an_answer_is_given_longer_than_that_to_be_ready() -> None:
    sent: list[wire.Message] = []
    ready = (Readiness("n1", "http", ()), Readiness("n2", "ollama-generate", (), timeout_s=90.0))
    asking = Asking(CLUSTER, ready, lambda name, message: sent.append(message))
    asking.ask(1)
    assert sorted(message.timeout_s for message in sent if isinstance(message, wire.Once)) == [3.0, 90.0]
    assert (asking.patience_s(60.0), asking.patience_s(120.0)) == (95.0, 120.0)
    assert Asking(CLUSTER, ready[:1], lambda name, message: None).patience_s(0.5) == 0.5
