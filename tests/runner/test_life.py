"""Deeds of the engine on a fake one: what the journal says of each, and that each goes back."""

import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from harness.clock import monotonic_ns, to_ns
from harness.engine import Limits
from harness.primitives import (
    Bound,
    Command,
    Crash,
    Discard,
    EnginePrimitive,
    Freeze,
    Kill,
    Replace,
    Restart,
    Revive,
    Roll,
    Stop,
)
from harness.recording import events
from harness.recording.evidence import Evidence
from harness.recording.folder import Recorder, read
from harness.runner.inbox import Changed, Did, Inbox, Noted, Refused
from harness.runner.ledger import Ledger
from harness.runner.life import Life, deeds
from harness.runner.life import life as threads
from harness.runner.life.archives import content, with_text
from harness.runner.watch import Tally
from tests.recording.builder import CLUSTER, scenario
from tests.runner.fake import FakeCluster, FakeNode, Habits

F, CONF = "f", "/etc/n.conf"
OLD = Limits(nano_cpus=500_000_000, memory_bytes=256_000_000, memory_swap_bytes=512_000_000)
ALL: list[EnginePrimitive] = [
    Kill("n1"),
    Stop("n1", 1.0),
    Crash("n1"),
    Restart("n1", 1.0),
    Freeze("n1"),
    Bound("n1", cpus=0.1, memory_bytes=64_000_000, processes=9),
    Revive("n1"),
    Discard("n1"),
    Replace("n1", CONF, "broken"),
    Replace("n1", CONF, "broken", restart=False),
    Command("n1", ("drain",), ("undrain",)),
    Roll("n1", ("n2", "n3"), "restart", 0.0, 1.0),
    Roll("n1", ("n2", "n3"), "freeze", 0.001, 1.0),
]
_E = TypeVar("_E", bound=events.Event)


def archive(text: str) -> bytes:
    """As an engine hands out a file."""
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode="w") as file:
        member = tarfile.TarInfo("n.conf")
        member.uid, member.mode = 77, 0o640
        member.size = len(text)
        file.addfile(member, io.BytesIO(text.encode()))
    return found.getvalue()


@dataclass
class Stage:
    """A life on a fake cluster; ``until`` is the deciding thread."""

    fake: FakeCluster
    recorder: Recorder
    life: Life
    inbox: Inbox
    died: list[str] = field(default_factory=list)

    def until(self, condition: Callable[[], bool]) -> None:
        deadline_ns = monotonic_ns() + to_ns(5)
        while not condition():
            assert monotonic_ns() < deadline_ns, (self.fake.calls, self.life.open())
            match self.inbox.next(0.02):
                case Changed(change, at_ns):
                    self.recorder.event(events.ContainerChanged(at_ns, change.node, change.action, change.exit_code))
                    if not self.life.changed(change.node, change.action, at_ns):
                        self.died.append(change.node)
                case (Did() | Noted()) as item:
                    self.life.heard(item)
                case Refused() as item:
                    self.life.refused(item)

    def of(self, kind: type[_E]) -> tuple[_E, ...]:
        return tuple(event for event in self.evidence.events if isinstance(event, kind))

    @property
    def evidence(self) -> Evidence:
        return read(self.recorder.folder)

    def do(self, primitive: EnginePrimitive) -> None:
        self.life.do(F, primitive, monotonic_ns() + to_ns(20))
        self.until(lambda: bool(self.of(events.FaultFired)))

    def undo(self, primitive: EnginePrimitive) -> None:
        self.life.undo(F, primitive)
        self.until(lambda: self.life.open() == () and len(self.of(events.FaultHealed)) == 1)

    def as_it_was(self) -> bool:
        untouched = {"n1": FakeNode(limits=OLD, files={CONF: archive("good")}), "n2": FakeNode(), "n3": FakeNode()}
        return self.fake.nodes == untouched and self.fake.running == set(CLUSTER.names())


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    yield from _stage(tmp_path, Habits())


def _stage(folder: Path, habits: Habits) -> Iterator[Stage]:
    fake = FakeCluster(CLUSTER, habits)
    fake.running = set(CLUSTER.names())
    fake.nodes = {"n1": FakeNode(limits=OLD, files={CONF: archive("good")}), "n2": FakeNode(), "n3": FakeNode()}
    recorder, inbox = Recorder(folder / "run"), Inbox()
    ledger = Ledger(recorder, Tally(scenario(), CLUSTER), monotonic_ns)
    inbox.watch(fake)
    yield Stage(fake, recorder, Life(fake, inbox, ledger), inbox)
    fake._changes.put(None)
    recorder.close()


@pytest.mark.parametrize("primitive", ALL, ids=str)
def test_every_deed_is_seen_and_goes_back_and_the_node_is_as_it_was(primitive: EnginePrimitive, stage: Stage) -> None:
    before_ns = monotonic_ns()
    stage.do(primitive)
    if not isinstance(primitive, Roll):
        assert stage.life.open() == stage.life.open(F) == (primitive,)
    stage.undo(primitive)
    fired, healed = stage.of(events.FaultFired)[0], stage.of(events.FaultHealed)[0]
    assert (fired.fault, fired.node, healed.fault, healed.node) == (F, "n1", F, "n1")
    assert before_ns <= fired.before_ns <= fired.after_ns <= healed.after_ns
    assert stage.died == []
    if isinstance(primitive, Discard):
        stage.fake.nodes["n1"] = FakeNode(limits=OLD, files={CONF: archive("good")})  # a new one has what its image has
    assert stage.as_it_was()
    assert not list(stage.recorder.folder.glob("saved/*")), "what may be secret does not stay"


@pytest.mark.parametrize("primitive", ALL, ids=str)
def test_a_journal_is_enough_to_undo_what_was_done_when_we_died(primitive: EnginePrimitive, stage: Stage) -> None:
    stage.do(primitive)
    saved = deeds.saved(stage.of(events.Saved), F, "n1")
    for _ in "once and again":
        deeds.undo(stage.fake, F, primitive, stage.recorder.folder, saved)
    if isinstance(primitive, Discard):
        stage.fake.nodes["n1"] = FakeNode(limits=OLD, files={CONF: archive("good")})
    stage.life.undo(F, primitive)
    stage.until(lambda: stage.life.open() == ())
    assert stage.as_it_was()


def test_limits_are_on_the_disk_before_they_are_changed_and_only_those_that_change(stage: Stage) -> None:
    stage.do(Bound("n1", memory_bytes=64_000_000))
    saved = [(event.what, event.value) for event in stage.of(events.Saved)]
    assert saved == [("memory_bytes", "256000000"), ("memory_swap_bytes", "512000000")]
    assert stage.fake.nodes["n1"].limits == Limits(500_000_000, 0, 0, 64_000_000, 64_000_000)
    kinds = [type(event) for event in stage.evidence.events]
    assert kinds.index(events.Saved) < kinds.index(events.ContainerChanged)
    when = [(event.when, event.value) for event in stage.of(events.Read) if event.name == "memory_limit_bytes"]
    assert when[:1] == [("before", 256_000_000)]
    stage.until(lambda: any(event.when == "during" for event in stage.of(events.Read)))
    stage.undo(Bound("n1", memory_bytes=64_000_000))
    last = [event for event in stage.of(events.Read) if event.name == "memory_limit_bytes"][-1]
    assert (last.when, last.value) == ("after", 256_000_000)


def test_two_limits_of_one_node_go_back_each_for_itself(stage: Stage) -> None:
    cpu, memory = Bound("n1", cpus=0.1), Bound("n1", memory_bytes=64_000_000)
    until_ns = monotonic_ns() + to_ns(20)
    stage.life.do("a", cpu, until_ns)
    stage.life.do("b", memory, until_ns)
    stage.until(lambda: len(stage.of(events.FaultFired)) == 2)
    stage.life.undo("a", cpu)
    stage.until(lambda: stage.life.open() == (memory,))
    assert stage.fake.nodes["n1"].limits == Limits(500_000_000, 0, 0, 64_000_000, 64_000_000)
    stage.life.undo("b", memory)
    stage.until(lambda: stage.life.open() == ())
    assert stage.as_it_was()


def test_a_replaced_file_keeps_its_owner_and_mode(stage: Stage) -> None:
    new = with_text(archive("good"), "broken ü")
    assert content(new) == "broken ü".encode()
    assert with_text(new, "good") == archive("good")


def test_a_node_that_ends_of_another_part_of_its_fault_is_started_again(stage: Stage) -> None:
    stage.do(Revive("n1"))
    stage.fake._ends("n1", "oom", "die")
    stage.until(lambda: any(event.action == "die" for event in stage.of(events.ContainerChanged)))
    stage.undo(Revive("n1"))
    assert stage.as_it_was()
    assert stage.died == [], "it did not end by itself"


def test_a_node_that_has_let_go_of_its_ports_is_started_as_soon_as_the_engine_hears_of_its_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent beside it is gone with it, and that is heard before the engine says so."""
    looks = iter([False, False, True])

    def deaf(node: str) -> bool:
        if next(looks, False):
            stage.fake._ends(node, "die")
        return False

    stage.do(Revive("n1"))
    monkeypatch.setattr(stage.fake, "listening", deaf)
    stage.undo(Revive("n1"))
    said = [event.action for event in stage.of(events.ContainerChanged)]
    assert said == ["die", "start"]
    assert stage.as_it_was()
    assert stage.died == []


def test_a_crash_is_over_when_the_restart_policy_says_so(stage: Stage) -> None:
    stage.fake.habits = Habits(revives=frozenset({"n1"}))
    stage.do(Crash("n1"))
    stage.until(lambda: bool(stage.of(events.FaultHealed)))
    assert stage.life.open() == (Crash("n1"),), "until its time is over a further end of it is of our making"
    stage.fake.change("node", "n1", "die", 1)
    stage.life.undo(F, Crash("n1"))
    stage.until(lambda: stage.life.open() == ())
    assert (stage.died, len(stage.of(events.FaultHealed))) == ([], 1)
    stage.fake.change("node", "n1", "die", 1)
    stage.until(lambda: stage.died == ["n1"])


def test_a_frozen_node_that_dies_died_by_itself(stage: Stage) -> None:
    stage.do(Freeze("n1"))
    stage.fake.change("node", "n1", "die", 1)
    stage.until(lambda: stage.died == ["n1"])


def test_a_deed_that_the_engine_refuses_is_said_and_leaves_nothing(stage: Stage) -> None:
    stage.fake.habits = Habits(refuses=frozenset({"freeze n1", "restart n2", "bound n3"}))
    stage.fake.nodes["n2"].files[CONF] = archive("good")
    for primitive in (Freeze("n1"), Replace("n2", CONF, "broken"), Bound("n3", processes=3)):
        stage.life.do(F, primitive, monotonic_ns() + to_ns(20))
    stage.until(lambda: len(stage.of(events.FaultFailed)) == 3)
    said = {event.node: event.text for event in stage.of(events.FaultFailed)}
    assert said == {
        f"n{i}": f"no {what} n{i}: the engine is busy" for i, what in enumerate(["freeze", "restart", "bound"], 1)
    }
    assert {event.action for event in stage.of(events.FaultFailed)} == {"inject"}
    assert content(stage.fake.nodes["n2"].files[CONF]) == b"good"
    assert stage.of(events.FaultFired) == ()


def test_what_could_not_be_undone_stays_open_and_is_tried_again_when_we_leave(stage: Stage) -> None:
    stage.do(Freeze("n1"))
    stage.fake.habits = Habits(refuses=frozenset({"thaw n1"}))
    stage.life.undo(F, Freeze("n1"))
    stage.until(lambda: bool(stage.of(events.FaultFailed)))
    assert (stage.of(events.FaultFailed)[0].action, stage.life.open()) == ("heal", (Freeze("n1"),))
    stage.life.undo(F, Freeze("n1"))  # as everybody does who hears of a failure
    stage.fake.habits = Habits()
    stage.life.undo_all()
    stage.until(lambda: stage.life.open() == ())
    assert (stage.fake.calls.count("thaw n1"), stage.as_it_was()) == (1, True)


def test_nothing_is_undone_that_was_not_done(stage: Stage) -> None:
    stage.life.undo(F, Kill("n1"))
    stage.life.undo_all()
    assert (stage.life.open(), stage.fake.calls) == ((), [])


def test_nodes_roll_one_after_the_other_and_wait_for_each(stage: Stage) -> None:
    asked: list[str] = []

    def ready(node: str) -> bool:
        asked.append(node)
        return asked.count(node) > 1

    stage.life._ready = ready
    roll = Roll("n1", ("n2",), "stop", 0.001, 1.0)
    stage.do(roll)
    stage.until(lambda: bool(stage.of(events.FaultHealed)))
    assert asked == ["n1", "n1", "n2", "n2"]
    assert stage.fake.calls == ["stop n1", "start n1", "stop n2", "start n2"]
    stage.life.undo(F, roll)
    stage.until(lambda: stage.life.open() == ())
    assert stage.as_it_was()


def test_a_roll_whose_time_is_over_brings_back_whose_turn_it_was(stage: Stage) -> None:
    stage.life._ready = lambda node: node != "n2"
    roll = Roll("n1", ("n2", "n3"), "kill", 0.001, 1.0)
    stage.do(roll)
    stage.until(lambda: "start n2" in stage.fake.calls)
    stage.undo(roll)
    assert "kill n3" not in stage.fake.calls
    assert stage.as_it_was()


def test_a_command_is_in_the_journal_with_its_code_and_its_words(stage: Stage) -> None:
    stage.fake.codes = {"drain all": 3}
    stage.life.do(F, Command("n1", ("drain", "all"), ("undrain",)), monotonic_ns() + to_ns(20))
    stage.until(lambda: bool(stage.of(events.FaultFailed)))
    ran = stage.of(events.Ran)[0]
    assert (ran.node, ran.command, ran.exit_code, ran.output) == ("n1", ("drain", "all"), 3, "drain was here\n")
    assert stage.of(events.FaultFailed)[0].text == "'drain all' ended with 3 in n1: drain was here"
    assert "run undrain in n1" not in stage.fake.calls


def test_what_cannot_be_remembered_is_not_changed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_WRITTEN_WITHIN_S", 0.01)
    stage.life.do(F, Bound("n1", processes=3), monotonic_ns() + to_ns(20))
    while not isinstance(item := stage.inbox.next(1), Refused):  # nobody writes
        assert item is not None
    assert item.error == "processes of n1 could not be remembered, so nothing was changed."
    assert stage.as_it_was()


def test_once_closed_nothing_more_is_asked_of_the_engine(stage: Stage) -> None:
    stage.life._ready = lambda node: False
    stage.do(Roll("n1", ("n2",), "restart", 0.0, 1.0))
    stage.life.close()
    stage.life.do("later", Kill("n3"), monotonic_ns())
    stage.life.undo_all()
    assert stage.fake.calls == ["restart n1"]


def test_what_is_undone_at_once_is_still_done_first(stage: Stage) -> None:
    stage.fake.habits = Habits(kill_takes_s=0.1)
    stage.life.do(F, Kill("n1"), monotonic_ns())
    stage.undo(Kill("n1"))
    assert stage.fake.calls == ["kill n1", "start n1"]
    assert stage.as_it_was()
