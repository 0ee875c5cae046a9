"""What is undone from a journal alone, in which order, and what is said when it cannot be."""

from pathlib import Path
from typing import Literal, cast

import pytest

from harness import primitives as p
from harness.clock import monotonic_ns
from harness.engine import Limits, RunningCluster
from harness.recording import events
from harness.recording.folder import Recorder
from harness.runner import heal as healing
from harness.runner.heal import heal
from tests.runner.nodes import Container, Nodes


class Dead:
    """A run that died: its journal, and its nodes as they were left."""

    def __init__(self, folder: Path, **nodes: Container) -> None:
        self.folder, self.nodes = folder, Nodes(dict(nodes))
        self._recorder = Recorder(folder)

    def intended(self, fault: str, *primitives: p.AnyPrimitive, in_s: float = 0.0) -> "Dead":
        at_ns = monotonic_ns() + round(in_s * 1e9)
        self._recorder.event(events.Intent(monotonic_ns(), fault, primitives, at_ns, at_ns + 1))
        return self

    def saved(self, fault: str, node: str, what: str, value: object) -> "Dead":
        self._recorder.event(events.Saved(1, node, fault, what, str(value)))
        return self

    def healed(self, fault: str, node: str) -> "Dead":
        self._recorder.event(events.FaultHealed(1, fault, node, 1, 1, "schedule"))
        return self

    def heal(self, *, remove: bool = False) -> tuple[str, ...]:
        self._recorder.close()
        return heal(cast(RunningCluster, self.nodes), self.folder, remove=remove)


DOWN = Container(running=False)
Act = Literal["restart", "freeze"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healing, "_LISTENS_S", 0.05)
    monkeypatch.setattr(healing, "_AGAIN_S", 0.01)


@pytest.mark.parametrize(
    "primitive", [p.Kill("n1"), p.Crash("n1"), p.Stop("n1", 1.0), p.Restart("n1", 1.0), p.Revive("n1")]
)
def test_a_node_that_was_ended_is_started(primitive: p.EnginePrimitive, tmp_path: Path) -> None:
    dead = Dead(tmp_path / "run", n1=DOWN).intended("down", primitive)
    assert dead.heal() == ()
    assert dead.nodes.now["n1"].running


def test_a_node_that_its_agent_says_is_healed_is_not_healed_of_what_the_engine_did(tmp_path: Path) -> None:
    lost = (p.Cut("n1", "n2", "in", "drop"), p.Cut("n1", "n3", "in", "drop"), p.Discard("n1"))
    half = Dead(tmp_path / "half", n1=Container(there=False, running=False)).intended("lost", *lost)
    assert half.healed("lost", "n1").heal() == ()
    assert half.nodes.now["n1"] == Container()
    whole = Dead(tmp_path / "whole", n1=Container()).intended("lost", *lost)
    assert whole.healed("lost", "n1").healed("lost", "n1").heal() == ()
    assert whole.nodes.asked == []


def test_faults_are_undone_in_the_inverse_order(tmp_path: Path) -> None:
    dead = Dead(tmp_path / "run", n1=Container(running=False, frozen=False), n2=Container(frozen=True), n3=DOWN)
    dead.intended("first", p.Kill("n1"), p.Kill("n3")).intended("second", p.Freeze("n2"))
    assert dead.heal() == ()
    assert dead.nodes.asked == ["thaw n2", "start n3", "start n1"]


def test_old_limits_come_from_the_journal(tmp_path: Path) -> None:
    small = Container(limits=Limits(memory_bytes=1, memory_swap_bytes=1, processes=5))
    dead = Dead(tmp_path / "run", n1=small).intended("tight", p.Bound("n1", memory_bytes=1))
    dead.saved("tight", "n1", "memory_bytes", 9).saved("tight", "n1", "memory_swap_bytes", 18)
    assert dead.heal() == ()
    assert dead.nodes.now["n1"].limits == Limits(memory_bytes=9, memory_swap_bytes=18, processes=5)


def test_where_no_old_limits_were_noted_none_had_been_changed(tmp_path: Path) -> None:
    dead = Dead(tmp_path / "run", n1=Container()).intended("tight", p.Bound("n1", memory_bytes=1))
    assert dead.heal() == ()
    assert dead.nodes.now["n1"] == Container()


def test_an_old_file_comes_from_the_record_and_the_node_is_restarted(tmp_path: Path) -> None:
    dead = Dead(tmp_path / "run", n1=Container(running=False, files=(("/etc/node.conf", b"new"),)))
    (dead.folder / "old.tar").write_bytes(b"old")
    dead.intended("odd", p.Replace("n1", "/etc/node.conf", "new")).saved("odd", "n1", "file /etc/node.conf", "old.tar")
    assert dead.heal() == ()
    assert dead.nodes.now["n1"] == Container()


def test_an_old_file_that_was_put_back_already_is_not_missed(tmp_path: Path) -> None:
    dead = Dead(tmp_path / "run", n1=Container()).intended("odd", p.Replace("n1", "/etc/node.conf", "new"))
    dead.saved("odd", "n1", "file /etc/node.conf", "old.tar")
    assert dead.heal() == ()  # it goes when it has been put back


@pytest.mark.parametrize(("act", "left"), [("restart", DOWN), ("freeze", Container(frozen=True))])
def test_every_node_of_a_roll_is_brought_back(act: Act, left: Container, tmp_path: Path) -> None:
    dead = Dead(tmp_path / "run", n1=Container(), n2=left, n3=left)
    dead.intended("rolling", p.Roll("n1", ("n2", "n3"), act, 1.0, 1.0)).healed("rolling", "n1")
    assert dead.heal() == ()
    assert set(dead.nodes.now.values()) == {Container()}


def test_a_command_is_undone_once_and_not_if_it_was_undone_already(tmp_path: Path) -> None:
    dead = Dead(tmp_path / "run", n1=Container(drained=True), n2=Container())
    dead.intended("drain-n1", p.Command("n1", ("drain",), ("undrain",)))
    dead.intended("drain-n2", p.Command("n2", ("drain",), ("undrain",))).healed("drain-n2", "n2")
    assert dead.heal() == ()
    assert dead.nodes.asked == ["run n1"]


def test_an_undo_that_fails_is_said_with_its_last_words(tmp_path: Path) -> None:
    dead = Dead(tmp_path / "run", n1=Container()).intended("drain", p.Command("n1", ("drain",), ("fail",)))
    assert dead.heal() == ("drain on n1: 'fail' ended with 1 in n1: no such member",)


def test_what_is_beside_a_node_goes_first(tmp_path: Path) -> None:
    dead = Dead(tmp_path / "run", n1=Container(running=False, beside=frozenset({"busy"})))
    dead.intended("busy", p.Hog("n1", "cpu")).intended("dead", p.Kill("n1"))
    assert dead.heal() == ()
    assert dead.nodes.asked == ["close beside n1", "start n1"]


def test_what_was_not_due_yet_was_never_done_and_is_not_undone(tmp_path: Path) -> None:
    dead = Dead(tmp_path / "run", n1=Container(), n2=Container())
    dead.intended("later", p.Command("n1", ("drain",), ("undrain",)), p.Kill("n2"), in_s=60)
    assert dead.heal() == ()
    assert dead.nodes.asked == []


def test_what_cannot_be_undone_is_named_and_does_not_keep_the_rest_from_it(tmp_path: Path) -> None:
    dead = Dead(tmp_path / "run", n1=DOWN, n2=DOWN).intended("dead", p.Kill("n1"), p.Kill("n2"))
    dead.nodes.refuses.add("start n2")
    left = dead.heal()
    assert left == (
        "dead on n2: the engine refused to start n2",
        "dead on n2: it does not run, or does not listen on its ports",
    )
    assert dead.nodes.now["n1"].running


def test_with_everything_to_be_removed_nothing_is_put_back_first(tmp_path: Path) -> None:
    dead = Dead(tmp_path / "run", n1=DOWN).intended("dead", p.Kill("n1"))
    assert dead.heal(remove=True) == ()
    assert dead.nodes.asked == ["stop"]
