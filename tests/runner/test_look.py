"""What nodes use is written down about once a second, beside the run and never in its way."""

import threading

import pytest

from harness.recording.events import AnsweredItself, Shared, Used, UseUnseen
from harness.runner import look
from harness.runner.inbox import Inbox, Noted
from harness.runner.look import Look
from tests.recording.builder import CLUSTER
from tests.runner.conftest import Stage
from tests.runner.fake import FakeCluster, Habits

ALONE = Habits(refuses=frozenset({"shares"}))  # of the machine nothing is heard


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "LOOK_EVERY_S", 0.04)


def test_a_run_says_of_every_node_what_it_used(stage: Stage) -> None:
    stage.play()
    used = [event for event in stage.evidence.events if isinstance(event, Used)]
    assert {event.node for event in used} == set(CLUSTER.names())
    assert {(e.memory_bytes, e.cpu_s, e.processes, e.descriptors) for e in used} == {(1_000_000, 1.5, 3, 7)}
    assert stage.how == "finished"


def test_a_node_that_does_not_run_and_an_engine_that_does_not_answer_are_holes_and_no_failure(stage: Stage) -> None:
    stage.but(refuses=frozenset({"use n2"})).when("looked at n3", lambda: stage.fake.running.discard("n3")).play()
    holes = [event for event in stage.evidence.events if isinstance(event, UseUnseen)]
    assert {(hole.node, hole.down, hole.text) for hole in holes} == {
        ("n2", False, "what n2 uses: the engine did not answer"),
        ("n3", True, "n3 does not run"),
    }
    assert (stage.how, stage.error) == ("finished", None)


def test_what_became_of_the_machines_processors_is_written_down(stage: Stage) -> None:
    stage.play()
    shared = stage.evidence.of(Shared)
    assert {(e.length_s, e.processors, e.idle_s, e.stolen_s, e.ours_s) for e in shared} == {(1.0, 2, 1.5, 0.0, 0.4)}


def test_a_machine_that_cannot_be_looked_at_ends_no_run(stage: Stage) -> None:
    stage.but(refuses=frozenset({"shares"})).play()
    assert (stage.how, stage.evidence.of(Shared)) == ("finished", ())


def test_an_engine_that_hangs_keeps_nobody_waiting_and_what_it_says_after_the_end_is_not_heard() -> None:
    inbox, asked, hangs, fake = Inbox(), threading.Event(), threading.Event(), FakeCluster(CLUSTER, ALONE)

    def hang() -> None:
        asked.set()
        hangs.wait(10)

    fake.when["looked at n1"] = hang
    looking = Look(fake, inbox, ("n1",), lambda: 7)
    looking.start()
    assert asked.wait(10)
    looking.stop()
    hangs.set()
    assert inbox.next(0.2) is None


def test_a_thousand_nodes_are_looked_at_by_a_few_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "LOOK_EVERY_S", 30.0)
    inbox, names = Inbox(), [f"m{number}" for number in range(1000)]
    looking, before = Look(FakeCluster(CLUSTER, ALONE), inbox, names, lambda: 7), threading.active_count()
    looking.start()
    assert threading.active_count() - before <= 17, "one of them looks at the machine"
    seen = {item.event.node for _ in names if isinstance(item := inbox.next(10), Noted)}  # type: ignore[attr-defined]
    looking.stop()
    assert seen == set(names)


def test_when_all_is_over_every_node_is_asked_itself_for_its_known_answer(stage: Stage) -> None:
    def spoil() -> None:
        stage.fake.habits = Habits(wrong_answers=frozenset({"n2"}))

    stage.when("looked at n1", spoil).play()
    found = [event for event in stage.evidence.events if isinstance(event, AnsweredItself)]
    assert {event.node: (event.right, event.text) for event in found} == {
        "gateway": (True, "gateway-0300"),
        "n1": (True, "n1-0300"),
        "n2": (False, "refused"),
        "n3": (True, "n3-0300"),
    }
    assert stage.how == "finished"
