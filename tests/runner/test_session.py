"""A cluster played by hand, without containers: what is asked for is done, and stands in two records."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.clock import monotonic_ns
from harness.errors import EngineError, StartError
from harness.faults.kill import Kill
from harness.faults.partition import Partition
from harness.recording import events
from harness.recording.evidence import Evidence
from harness.recording.folder import Recorder, read
from harness.runner.play import Options
from harness.runner.session import Session
from harness.runner.tee import Tee
from harness.traffic.ollama import OllamaGenerate
from harness.wire import Address, Arm, Failed, Prepare
from tests.recording.builder import CLUSTER
from tests.runner.conftest import READY, Looker
from tests.runner.fake import FakeCluster

CHAT = OllamaGenerate(name="chat", to="gateway", rate_per_s=50, timeout_s=0.1)
CUT = Partition(name="cut", at_s=0.0, for_s=600.0, nodes=("n1",))
PODS = len(CLUSTER.nodes)  # each drops what comes from the other side


class Joined(FakeCluster):
    """Nodes that own their namespaces. An old sidecar's agent outlives what it is a part of by a sentence."""

    def rejoin(self, node: str) -> tuple[Address, ...]:
        self.happens(f"rejoin {node}")
        self._call(f"rejoin {node}")
        self.change("pod", node, "die", 137)
        self.agents[node].say(Failed("the supervisor of this sidecar is gone"))
        self.agents[node].die()
        return self.addresses()


@dataclass
class Stage:
    folder: Path
    fake: FakeCluster
    tee: Tee
    session: Session

    def begin(self) -> None:
        began = events.Began(self.session.now_ns(), 1, "r", "p", "mine", 1, "", False, CLUSTER, ())
        self.session.begin(Recorder(self.folder / "part"), began)

    def until(self, condition: Callable[[Evidence], bool]) -> None:
        deadline_s = time.monotonic() + 20
        while not condition(self.part):
            assert time.monotonic() < deadline_s, self.part.events[-5:]
            time.sleep(0.01)

    @property
    def part(self) -> Evidence:
        self.session.flush()
        return read(self.folder / "part")


def stage_of(folder: Path, fake: FakeCluster) -> Stage:
    options = Options(ready_timeout_s=5.0)
    tee = Tee(folder / "whole")
    return Stage(folder, fake, tee, Session(CLUSTER, READY, fake, tee, Looker(), options, lambda: None))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    found = stage_of(tmp_path, FakeCluster(CLUSTER))
    found.session.open()
    yield found
    if found.session.standing:
        found.session.close()
    found.tee.close()


def test_a_load_a_fault_and_its_heal_stand_in_the_part_that_they_belong_to(stage: Stage) -> None:
    session = stage.session
    stage.begin()
    load = session.start_load(CHAT, 7)
    stage.until(lambda part: len(part.operations.get("chat", ())) > 5)
    session.inject(CUT, 7)
    stage.until(lambda part: len(part.fired("cut")) == PODS)
    assert session.in_force("cut") != ()
    session.heal("cut")
    stage.until(lambda part: len(part.healed("cut")) == PODS)
    assert session.in_force("cut") == ()
    end_ns = monotonic_ns()
    session.end_load("chat", end_ns)
    stage.until(lambda part: part.of(events.LoadEnded) != ())
    assert session.load_ended("chat")
    before = stage.part
    session.finish([("warmup", load.start_ns), ("end", end_ns)], "finished")
    part = read(stage.folder / "part")
    assert {event.why for event in part.healed("cut")} == {"order"}
    assert all(operation.due_ns < end_ns for operation in part.operations["chat"])
    assert part.events[: len(before.events)] == before.events
    assert [event.phase for event in part.of(events.PhaseBegan)] == ["warmup", "end"]
    assert part.ended is not None and part.ended.how == "finished"
    assert session.close() == "finished" and session.clean
    whole = read(stage.folder / "whole")  # what heals a run that died reads this one: it has every fault
    assert whole.fired("cut") == part.fired("cut") and whole.healed("cut") == part.healed("cut")
    assert whole.operations == {} and stage.fake.calls[-1] == "stop"


def test_a_node_that_was_killed_runs_again_after_the_heal(stage: Stage) -> None:
    stage.begin()
    stage.session.inject(Kill(name="dead", at_s=0.0, for_s=600.0, nodes=("n2",)), 7)
    stage.until(lambda part: part.fired("dead") != ())
    assert stage.session.in_force("dead") == ("n2",) and "n2" not in stage.fake.running
    stage.session.heal("dead")
    stage.until(lambda part: part.healed("dead") != ())
    assert "n2" in stage.fake.running and stage.session.in_force("dead") == ()


def test_whoever_asks_a_cluster_whose_agent_is_gone_is_told_so(stage: Stage) -> None:
    stage.fake.agents["n1"].die("out of memory")
    deadline_s = time.monotonic() + 20
    with pytest.raises(EngineError, match="the cluster is gone"):
        while time.monotonic() < deadline_s:
            stage.session.in_force("cut")
    assert not stage.session.standing


def test_a_cluster_that_does_not_come_up_says_why(tmp_path: Path) -> None:
    fake = FakeCluster(CLUSTER)
    fake.habits.never_prepares = frozenset({"n1"})
    stage = stage_of(tmp_path, fake)
    with pytest.raises(StartError, match="the agents of n1 to prepare"):
        stage.session.open()
    stage.tee.close()
    assert fake.calls[-1] == "stop"


@pytest.fixture
def joined(tmp_path: Path) -> Iterator[Stage]:
    """Nodes that own their namespaces, and all of them cut off."""
    stage = stage_of(tmp_path, Joined(CLUSTER))
    stage.session.open()
    stage.begin()
    stage.session.inject(CUT, 7)
    stage.until(lambda part: len(part.fired("cut")) == PODS)
    yield stage
    stage.session.close()
    stage.tee.close()


def on_n1(found: tuple[events.FaultFired, ...] | tuple[events.FaultHealed, ...]) -> int:
    return [event.node for event in found].count("n1")


def test_a_node_that_owns_its_namespace_gets_a_new_sidecar_after_a_restart_and_its_faults_again(joined: Stage) -> None:
    joined.fake.change("node", "n1", "start")
    joined.until(lambda part: on_n1(part.fired("cut")) == 2)
    assert "rejoin n1" in joined.fake.calls and joined.session.whole()
    joined.session.heal("cut")
    joined.until(lambda part: not joined.session.in_force("cut"))
    assert [e.why for e in joined.part.healed("cut") if e.node == "n1"] == ["end", "order"]
    assert joined.part.troubles() == ()


def test_of_a_node_that_is_started_again_while_a_sidecar_joins_it_only_the_last_start_counts(joined: Stage) -> None:
    def once_more() -> None:
        joined.fake.change("node", "n1", "die", 137)
        joined.fake.change("node", "n1", "start")
        joined.until(lambda part: len(part.of(events.ContainerChanged)) >= 3)

    joined.fake.when["rejoin n1"] = once_more
    joined.session.inject(Kill(name="dead", at_s=0.0, for_s=600.0, nodes=("n1",)), 7)  # so that its ends are ours
    joined.until(lambda part: part.fired("dead") != ())
    joined.fake.change("node", "n1", "start")
    joined.until(lambda part: on_n1(part.fired("cut")) == 2)
    joined.until(lambda part: joined.session.whole())
    assert joined.fake.calls.count("rejoin n1") == 2
    assert on_n1(joined.part.fired("cut")) == 2 and joined.part.troubles() == ()


def test_what_was_healed_before_the_sidecar_had_joined_is_not_in_force_again(joined: Stage) -> None:
    joined.fake.when["rejoin n1"] = lambda: joined.session.heal("cut")
    joined.fake.change("node", "n1", "start")
    joined.until(lambda part: "rejoin n1" in joined.fake.calls and joined.session.whole())
    joined.until(lambda part: not joined.session.in_force("cut"))
    assert joined.part.troubles() == ()
    joined.session.close()  # all that the new agent is told, it has heard by now
    assert any(isinstance(order, Prepare) for order in joined.fake.agents["n1"].heard)
    assert not [order for order in joined.fake.agents["n1"].heard if isinstance(order, Arm)]


def test_a_fault_whose_heal_was_still_under_way_to_the_old_sidecar_went_with_it(
    joined: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joined.fake.agents["n1"], "obey", lambda order: None)
    joined.session.heal("cut")
    joined.fake.change("node", "n1", "start")
    joined.until(lambda part: not joined.session.in_force("cut"))
    assert joined.part.troubles() == ()


def test_a_sidecar_that_joins_while_all_is_taken_down_is_there_to_be_taken_down(joined: Stage) -> None:
    joins = threading.Event()

    def slowly() -> None:
        joins.set()
        time.sleep(0.5)

    joined.fake.when["rejoin n1"] = slowly
    joined.fake.change("node", "n1", "start")
    assert joins.wait(20)
    joined.session.close()
    assert joined.fake.calls.index("rejoin n1") < joined.fake.calls.index("stop")


def test_a_sidecar_that_cannot_join_is_said_once_it_is_known_that_its_node_runs(joined: Stage) -> None:
    joined.fake.habits.refuses = frozenset({"rejoin n1"})
    joined.fake.change("node", "n1", "start")
    joined.until(lambda part: part.troubles() != ())
    assert ["could not join it after its restart" in trouble.text for trouble in joined.part.troubles()] == [True]


def test_whoever_asks_a_cluster_that_lost_an_agent_is_told_which(joined: Stage) -> None:
    joined.fake.agents["n2"].say(Failed("the supervisor of this sidecar is gone"))
    deadline_s = time.monotonic() + 20
    with pytest.raises(EngineError, match=r"is gone: The agent of n2: the supervisor of this sidecar is gone"):
        while time.monotonic() < deadline_s:
            joined.session.in_force("cut")
