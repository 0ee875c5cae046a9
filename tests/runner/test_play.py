"""Whole runs on a cluster without containers: what the journal says of them, and that they always end clean."""

import threading
from contextlib import suppress
from pathlib import Path

import pytest

from harness import primitives, wire
from harness.errors import RecordingError, StartError
from harness.faults.kill import Kill
from harness.faults.partition import Partition
from harness.recording import events
from harness.runner.play import Options
from tests.runner.conftest import Stage

LOST = Partition(name="lost-n1", at_s=0.05, for_s=0.25, nodes=("n1",), others=("n2",))
DEAD = Kill(name="dead-n1", at_s=0.05, for_s=0.25, nodes=("n1",))


def test_a_whole_run_is_in_the_journal_in_the_order_in_which_it_happened(stage: Stage) -> None:
    stage.play(LOST)
    beside = (events.LoadEnded, events.ContainerChanged)  # the generator and the engine have clocks of their own
    skip = (*beside, events.Counted, events.ClockSeen, events.Scraped, events.Shared, events.Used)
    story = [type(event).__name__ for event in stage.evidence.events if not isinstance(event, skip)]
    assert story == [
        "Ready",
        "Intent",
        "PhaseBegan",
        "PhaseBegan",
        "FaultFired",
        "FaultFired",
        "FaultHealed",
        "FaultHealed",
        "PhaseBegan",
        "PhaseBegan",
        *["AnsweredItself"] * 4,
        "Asked",
        "TornDown",
        "Ended",
    ]
    assert [ended.traffic for ended in stage.evidence.of(events.LoadEnded)] == ["chat"]
    assert (stage.how, stage.ending()) == ("finished", ("finished", False, ()))
    assert stage.fake.calls == ["start pods", "start nodes", "save logs", "stop"]
    assert len(stage.evidence.operations["chat"]) == 40
    assert {seen.node for seen in stage.evidence.of(events.ClockSeen)} >= {"n1", "load", "client", "wall"}
    assert [scraped.expected for scraped in stage.evidence.scraped()][:1] == [3]


def test_instants_in_the_journal_never_go_back(stage: Stage) -> None:
    stage.play(LOST, DEAD)
    heard_later = (
        events.ContainerChanged,
        events.Used,
        events.UseUnseen,
        events.Shared,
    )  # of another thread, or of the engine
    stamps = [event.at_ns for event in stage.evidence.events if not isinstance(event, heard_later)]
    assert stamps == sorted(stamps)


def test_a_phase_is_written_down_when_it_began_beside_when_it_should_have(stage: Stage) -> None:
    phases = stage.play().evidence.of(events.PhaseBegan)
    assert [phase.phase for phase in phases] == ["warmup", "faults", "recovery", "end"]
    planned = [phase.planned_ns - phases[0].planned_ns for phase in phases]
    assert planned == [0, 200_000_000, 650_000_000, 800_000_000]
    assert all(phase.planned_ns <= phase.at_ns < phase.planned_ns + 100_000_000 for phase in phases)


def test_only_the_agents_of_a_fault_are_armed_and_with_one_instant(stage: Stage) -> None:
    stage.play(LOST)
    intent = stage.evidence.of(events.Intent)[0]
    armed = {pod: [o for o in stage.fake.orders(pod) if isinstance(o, wire.Arm)] for pod in stage.fake.agents}
    assert armed == {
        "gateway": [],
        "client": [],
        "n3": [],
        "n1": [_arm(intent, primitives.Cut("n1", "n2", "in", "drop"))],
        "n2": [_arm(intent, primitives.Cut("n2", "n1", "in", "drop"))],
    }


def _arm(intent: events.Intent, *primitives: primitives.AgentPrimitive) -> wire.Arm:
    return wire.Arm("lost-n1", intent.at_planned_ns, intent.until_planned_ns, 2.25, primitives)


def test_a_kill_is_dated_by_the_engines_own_word(stage: Stage) -> None:
    stage.but(kill_takes_s=0.1).play(DEAD)
    changes = {event.action: event.at_ns for event in stage.evidence.of(events.ContainerChanged) if event.node == "n1"}
    intent, fired, healed = stage.of(events.Intent, events.FaultFired, events.FaultHealed)
    assert isinstance(intent, events.Intent) and isinstance(fired, events.FaultFired)
    assert isinstance(healed, events.FaultHealed)
    assert (fired.node, fired.after_ns) == ("n1", changes["die"])
    assert intent.at_planned_ns <= fired.before_ns <= fired.after_ns - 100_000_000
    assert (healed.why, healed.after_ns) == ("schedule", changes["start"])
    assert stage.fake.calls == ["start pods", "start nodes", "kill n1", "start n1", "save logs", "stop"]
    assert stage.troubles() == []


def test_a_start_waits_for_the_kill_of_its_node(stage: Stage) -> None:
    stage.but(kill_takes_s=0.3).play(Kill(name="dead-n1", at_s=0.05, for_s=0.1, nodes=("n1",)))
    assert stage.fake.calls[2:4] == ["kill n1", "start n1"]
    assert [type(e) for e in stage.of(events.FaultFired, events.FaultHealed)] == [events.FaultFired, events.FaultHealed]
    assert (stage.troubles(), stage.how) == ([], "finished")


@pytest.mark.parametrize("habit", ["fails_to_arm", "fails_to_fire"])
def test_a_fault_that_one_agent_cannot_apply_is_healed_at_the_others_once(stage: Stage, habit: str) -> None:
    stage.but(**{habit: frozenset({"n2"})}).play(LOST)
    failed = stage.evidence.failed("lost-n1")
    assert [(event.node, event.action) for event in failed] == [("n2", "inject")]
    assert [order for order in stage.fake.orders("n1") if isinstance(order, wire.Heal)] == [
        wire.Heal("lost-n1"),
        wire.Heal(),  # the one that everybody gets at the end
    ]
    assert stage.fake.orders("n3") == [wire.Heal()]
    assert stage.healed_by_order("lost-n1")
    assert (stage.how, stage.troubles()) == ("finished", [])


def test_a_kill_that_the_engine_refuses_for_one_node_is_undone_for_the_other(stage: Stage) -> None:
    both = Kill(name="dead", at_s=0.05, for_s=0.35, nodes=("n1", "n2"))
    stage.but(refuses_to_kill=frozenset({"n2"}), kill_takes_s=0.1).play(both)
    assert stage.fake.calls[2:4] == ["kill n1", "start n1"]
    failed = stage.evidence.failed("dead")
    assert [(e.node, e.action, e.text) for e in failed] == [("n2", "inject", "n2 could not be killed: no such process")]
    healed = stage.evidence.healed("dead")[0]
    assert healed.after_ns < stage.evidence.of(events.Intent)[0].until_planned_ns
    assert "n1" in stage.fake.running


def test_a_node_that_the_engine_does_not_start_again_is_not_healed(stage: Stage) -> None:
    stage.but(refuses_to_start=frozenset({"n1"})).play(DEAD)
    assert [(e.action, e.text) for e in stage.evidence.failed("dead-n1")] == [
        ("heal", "n1 could not be started: the engine is busy")
    ]
    assert stage.troubles() == [("not-healed", "Nothing said that these were healed: dead-n1 on n1.")]
    assert stage.ending() == ("finished", False, ())


def test_an_agent_that_ends_spoils_the_run_which_heals_and_stops(stage: Stage) -> None:
    stage.when("fired n1", lambda: stage.fake.agents["n3"].die("Killed")).play(LOST)
    words = "The agent of n3 is gone: the program in n3 said: Killed."
    assert (stage.how, stage.troubles()) == ("finished", [("agent-lost", words)])
    assert stage.healed_by_order("lost-n1")
    assert (stage.fake.calls[-1], stage.ending()) == ("stop", ("finished", False, ()))


def test_an_agent_that_ends_without_a_word_is_named_as_well(stage: Stage) -> None:
    stage.when("fired n1", lambda: stage.fake.agents["n3"].die("")).play(LOST)
    assert stage.troubles() == [("agent-lost", "The agent of n3 is gone: it ended without a word.")]


def test_an_agent_that_ends_before_the_load_began_ends_the_start(stage: Stage) -> None:
    def die() -> None:
        stage.fake.agents["n3"].die("Killed")
        # Its end is in the inbox before the nodes answer: who is quicker is not this test's subject.
        for thread in threading.enumerate():
            if thread.name == "read-n3":
                thread.join(5)

    stage.when("nodes started", die).play(LOST)
    words = "The agent of n3 is gone: the program in n3 said: Killed."
    assert (type(stage.error), str(stage.error)) == (StartError, words)
    assert (stage.troubles(), stage.ending()) == ([("agent-lost", words)], ("failed", False, ()))
    assert stage.fake.calls[-1] == "stop"


def test_a_load_generator_that_ends_is_the_clients_loss(stage: Stage) -> None:
    def end() -> None:
        assert stage.fake.generator is not None
        stage.fake.generator.die()

    stage.when("fired n1", end).play(LOST)
    assert stage.troubles() == [("client-lost", "The load generator is gone: it ended without a word.")]


@pytest.mark.parametrize(
    ("part", "node", "kind", "text"),
    [
        ("pod", "n2", "agent-lost", "The sidecar of n2 ended by itself; its log is logs/n2.pod.log."),
        (
            "client",
            "client",
            "client-lost",
            "The load generator's container ended by itself; its log is logs/client.client.log.",
        ),
    ],
)
def test_a_container_of_ours_that_ends_spoils_the_run(stage: Stage, part: str, node: str, kind: str, text: str) -> None:
    stage.when("fired n1", lambda: stage.fake.change(part, node, "die", 137)).play(LOST)
    assert (stage.how, stage.troubles()) == ("finished", [(kind, text)])
    assert stage.of(events.Asked) == []


def test_without_prometheus_the_run_goes_on_and_nothing_is_asked(stage: Stage) -> None:
    def end() -> None:
        stage.fake.habits.no_prometheus = True
        stage.fake.change("prometheus", "prometheus", "die", 1)

    stage.when("fired n1", end).play(LOST)
    assert stage.troubles() == [
        ("prometheus-lost", "Prometheus ended by itself; its log is logs/prometheus.prometheus.log."),
        ("prometheus-lost", "Prometheus has no port on 127.0.0.1: it ended right after it was started."),
    ]
    assert (stage.how, len(stage.evidence.healed("lost-n1")), stage.of(events.Asked)) == ("finished", 2, [])


def test_a_node_that_dies_by_itself_is_trouble_and_the_run_goes_on(stage: Stage) -> None:
    stage.when("fired n1", lambda: stage.fake.change("node", "n3", "die", 139)).play(LOST)
    words = "n3 ended by itself with exit code 139; its log is logs/n3.node.log."
    assert (stage.how, stage.troubles()) == ("finished", [("node-died", words)])
    assert len(stage.evidence.healed("lost-n1")) == 2


def test_a_child_that_ran_out_of_memory_is_not_a_node_that_ended(stage: Stage) -> None:
    stage.when("fired n1", lambda: stage.fake.change("node", "n3", "oom")).play(LOST)
    assert stage.troubles() == []
    assert ("n3", "oom") in [(event.node, event.action) for event in stage.evidence.of(events.ContainerChanged)]


def test_a_node_that_dies_before_it_is_ready_ends_the_start(stage: Stage) -> None:
    stage.but(wrong_answers=frozenset({"n2"}))
    stage.when("nodes started", lambda: stage.fake.change("node", "n2", "die", 1)).play(LOST)
    assert isinstance(stage.error, StartError)
    words = "n2 ended by itself with exit code 1 before it was ready; its log is in the record."
    assert str(stage.error) == words
    assert stage.troubles() == [
        ("node-died", "n2 ended by itself with exit code 1; its log is logs/n2.node.log."),
        ("other", words),
    ]
    assert (stage.fake.calls[-2:], stage.ending()) == (["save logs", "stop"], ("failed", False, ()))


def test_nodes_that_do_not_answer_in_time_are_named_with_what_they_said(stage: Stage) -> None:
    stage.but(wrong_answers=frozenset({"n2", "n3"})).play(LOST)
    words = "Waited 1 s for a right answer from n2 (refused), n3 (refused)."
    assert (str(stage.error), stage.fake.calls[-1]) == (words, "stop")


def test_agents_that_do_not_prepare_their_pods_are_named(stage: Stage) -> None:
    stage.but(never_prepares=frozenset({"n1", "client"})).play(LOST)
    assert str(stage.error) == "Waited 1 s for the agents of client, n1 to prepare their pods."
    assert stage.fake.calls == ["start pods", "save logs", "stop"]


def test_a_signal_in_mid_fault_heals_and_takes_everything_down(stage: Stage) -> None:
    stage.when("fired n1", lambda: stage.stop_by("SIGTERM")).play(LOST)
    assert (stage.how, stage.ending()) == ("interrupted", ("interrupted", False, ()))
    assert stage.troubles() == [("interrupted", "The run was stopped by SIGTERM before its end.")]
    assert stage.healed_by_order("lost-n1")
    assert stage.fake.calls[-1] == "stop"


def test_a_signal_that_ends_what_compose_was_doing_is_an_interruption(stage: Stage) -> None:
    def stop() -> None:
        stage.stop_by("SIGINT")
        raise StartError("the engine could not start n1-pod: canceled")

    stage.when("pods started", stop).play(LOST)
    assert (stage.how, stage.error) == ("interrupted", None)
    assert stage.troubles() == [("interrupted", "The run was stopped by SIGINT before its end.")]


def test_nothing_that_was_planned_happens_after_a_run_was_stopped(stage: Stage) -> None:
    """The agents of a run that is left do not answer, so that the kill falls due while we wait for them."""
    stage.but(deaf=frozenset({"n1"}))
    later = Kill(name="dead-n3", at_s=0.2, for_s=0.1, nodes=("n3",))
    stage.when("fired n1", lambda: stage.stop_by("SIGINT")).play(LOST, later)
    assert stage.fake.calls == ["start pods", "start nodes", "save logs", "stop"]
    assert [event.phase for event in stage.evidence.of(events.PhaseBegan)] == ["warmup", "faults"]


def test_a_kept_cluster_is_healed_its_dead_nodes_started_and_nothing_removed(stage: Stage) -> None:
    long = Kill(name="dead-n1", at_s=0.05, for_s=0.4, nodes=("n1",))
    stage.when("killed n1", lambda: stage.stop_by("SIGINT")).play(long, LOST, options=Options(keep=True))
    assert stage.fake.calls == ["start pods", "start nodes", "kill n1", "start n1", "save logs"]
    assert stage.ending() == ("interrupted", True, ())
    assert [event.node for event in stage.evidence.healed("dead-n1")] == ["n1"]
    assert [order for order in stage.fake.orders("n2") if isinstance(order, wire.Heal)] == [wire.Heal()]


def test_rules_that_are_left_are_not_healed(stage: Stage) -> None:
    stage.but(sticky=frozenset({"n2"})).play(LOST)
    words = "1 rules and 0 toxics were still in force in n2 when the run ended."
    assert (stage.how, stage.troubles()) == ("finished", [("not-healed", words)])


def test_what_an_agent_counted_before_the_heal_is_not_taken_for_what_is_left(stage: Stage) -> None:
    """Counts are asked for ten times a second here, so that one of before is on its way when the run is stopped."""

    def stop() -> None:
        stage.fake.agents["n1"].say(wire.Counters(1, 4, (), (), ()))
        stage.stop_by("SIGINT")
        stage.fake.agents["n1"].say(wire.Counters(2, 4, (), (), ()))

    stage.when("fired n1", stop).play(LOST)
    assert [kind for kind, _ in stage.troubles()] == ["interrupted"]


def test_an_agent_that_does_not_say_what_is_left_is_not_healed(stage: Stage) -> None:
    """What it counted before is no answer either."""
    before = wire.Counters(1, 4, (), (), ())
    stage.when("fired n1", lambda: stage.fake.agents["n2"].say(before)).but(deaf=frozenset({"n2"})).play(LOST)
    words = "The agents of n2 did not say what is still in force there."
    assert stage.troubles() == [("not-healed", words)]
    assert stage.fake.calls[-1] == "stop"


def test_a_load_that_does_not_end_is_the_clients_loss(stage: Stage) -> None:
    stage.but(endless_load=True).play()
    assert stage.troubles() == [("client-lost", "The load generator did not end when it was due to.")]


def test_what_could_not_be_removed_is_in_the_journal_and_left_to_the_guardian(stage: Stage) -> None:
    stage.but(left=("n1-pod", "net_default")).play()
    assert stage.ending() == ("finished", False, ("n1-pod", "net_default"))
    assert stage.clean is False


@pytest.mark.parametrize("keep", [True, False])
def test_a_run_that_left_as_it_should_leaves_its_guardian_nothing_to_do(stage: Stage, keep: bool) -> None:
    stage.play(options=Options(keep=keep, ready_timeout_s=0.6))
    assert stage.clean is True


def test_an_engine_that_fails_while_leaving_is_said_and_the_run_has_its_end(stage: Stage) -> None:
    stage.but(cannot_stop=True).play()
    assert stage.troubles() == [("other", "While leaving: the engine did not answer: connection refused")]
    assert (stage.how, stage.ending()[0]) == ("finished", "finished")
    assert stage.clean is False


def test_a_disk_that_is_full_in_mid_run_stops_the_cluster_all_the_same(stage: Stage) -> None:
    with stage.recorder._journal, suppress(OSError), Path("/dev/full").open("ab") as full:

        def fill() -> None:
            stage.recorder._journal = full

        stage.when("fired n1", fill)
        with suppress(RecordingError):  # closing has something to say as well
            stage.play(LOST)
    assert str(stage.error) == f"{stage.folder} cannot be written: No space left on device."
    assert stage.fake.calls[-2:] == ["save logs", "stop"]


def test_an_error_of_our_own_while_leaving_stops_the_cluster_all_the_same(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise KeyError("nobody expected this")

    monkeypatch.setattr(stage.fake, "save_logs", fail)
    with pytest.raises(KeyError, match="nobody expected this"):
        stage.play()
    assert stage.fake.calls[-1] == "stop"


def test_the_guardian_hears_that_we_live_from_the_first_container_to_the_last(stage: Stage) -> None:
    def linger() -> None:
        threading.Event().wait(0.35)

    stage.when("pods started", linger).when("stop", linger).play()
    assert stage.beats.count("start pods") >= 2
    assert stage.beats.count("stop") >= 2


def test_without_faults_the_same_run_has_no_intent(stage: Stage) -> None:
    stage.play(LOST, DEAD, options=Options(without_faults=True))
    assert stage.of(events.Intent, events.FaultFired, events.FaultHealed) == []
    assert [event.phase for event in stage.evidence.of(events.PhaseBegan)] == ["warmup", "faults", "recovery", "end"]


def test_those_who_look_on_see_the_fault_while_it_lasts(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.runner.play._STATUS_EVERY_S", 0.05)
    stage.play(LOST)
    seen = [status.faults[0] for status in stage.looker.statuses if status.faults]
    assert {(fault.name, fault.what) for fault in seen} == {("lost-n1", LOST.describe())}
    assert seen[-1].met in {"7 packets", "14 packets"}
    assert stage.looker.statuses[-1].faults == ()
    assert stage.looker.said == [
        "starting 5 pods, the load and Prometheus",
        "redirects and counters stand; starting the nodes",
        stage.looker.said[2],
        "taking everything down",
    ]
