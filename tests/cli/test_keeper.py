"""What keeps a cluster up: whom it hears, when it goes, and what it says of the cluster; without containers."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from harness.cli.by_hand import Hand
from harness.cli.door import DOOR, Door, Down, Ended, Inject, ask
from harness.cli.keeper import Keeper, is_cluster, span
from harness.cli.standing import Standing
from harness.drivers.provision import Say
from harness.errors import HELD, NO_VERDICT, WRONG_INPUT, EngineError, HarnessError, Problem, ScenarioError
from tests.cli.conftest import write

CUT = Inject("partition", ("n1",), {}, 10.0)


@dataclass
class Session:
    standing: bool = True

    def lost(self) -> str:
        return "its agent died"


@dataclass
class Stood:
    """As much of a ``Standing`` as a keeper asks for."""

    session: Session = field(default_factory=Session)
    error: HarnessError | None = None
    downs: int = 0

    def down(self) -> None:
        self.downs += 1
        if self.error:
            raise self.error


@dataclass
class Breaking:
    """As much of a ``Hand``: a fault lasts until nobody wants it. ``error``: what comes of the next."""

    error: Exception | None = None
    begun: threading.Event = field(default_factory=threading.Event)
    healed: list[float] = field(default_factory=list)

    def inject(self, asked: Inject, say: Say, over: Callable[[], bool]) -> int:
        if self.error:
            raise self.error
        say("in force")
        self.begun.set()
        while not over():
            time.sleep(0.01)
        self.healed.append(time.monotonic())
        return HELD


@dataclass
class Stage:
    folder: Path
    standing: Stood = field(default_factory=Stood)
    hand: Breaking = field(default_factory=Breaking)
    said: list[str] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)

    def serve(self, life_s: float, *deeds: Callable[[], None]) -> None:
        """In this thread, as signals want it; the deeds one after the other in another."""
        door = Door(self.folder)
        until_s = time.monotonic() + life_s
        keeper = Keeper(cast(Standing, self.standing), cast(Hand, self.hand), door, until_s)
        others = threading.Thread(target=lambda: [deed() for deed in deeds])
        others.start()
        keeper.serve()
        others.join(20)
        assert not others.is_alive() and self.standing.downs == 1 and not (self.folder / DOOR).exists()

    def inject(self) -> None:
        self.ended.append(ask(self.folder, CUT, self.said.append))

    def inject_beside(self) -> None:
        threading.Thread(target=self.inject).start()
        assert self.hand.begun.wait(20)

    def down(self) -> None:
        self.ended.append(ask(self.folder, Down(), self.said.append))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield Stage(tmp_path)
    for number, handler in before.items():
        signal.signal(number, handler)


def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_it_goes_when_it_is_told_to_and_whoever_told_it_hears_when_everything_is_gone(stage: Stage) -> None:
    stage.serve(60, stage.down)
    assert stage.ended == [Ended(HELD)]


def test_what_is_in_force_is_healed_before_everything_goes(stage: Stage) -> None:
    stage.serve(60, stage.inject_beside, stage.down)
    until(lambda: len(stage.ended) == 2)
    assert stage.ended == [Ended(HELD), Ended(HELD)] and len(stage.hand.healed) == 1


def test_it_goes_by_itself_when_its_time_is_over_or_the_cluster_is_lost(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.serve(0.0)
    stage.standing = Stood(Session(standing=False))
    stage.serve(60)
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("taking the cluster down: its time is over")
    assert second.endswith("taking the cluster down: the cluster was lost: its agent died")


def test_one_fault_at_a_time_and_none_that_outlives_the_cluster(stage: Stage) -> None:
    stage.serve(60, stage.inject_beside, stage.inject, stage.down)
    until(lambda: len(stage.ended) == 3)
    assert Ended(WRONG_INPUT) in stage.ended
    assert "another fault is in force by hand: wait for its end, or end it" in stage.said
    stage.standing, stage.ended = Stood(), []
    stage.serve(5, stage.inject, stage.down)
    assert stage.ended == [Ended(WRONG_INPUT), Ended(HELD)]
    assert stage.said[-1].startswith("the cluster goes by itself in ")


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (ScenarioError([Problem("partition", 0, "names 'n9'")]), Ended(WRONG_INPUT, "partition: names 'n9'")),
        (EngineError("the engine is gone"), Ended(NO_VERDICT, "the engine is gone")),
    ],
)
def test_what_goes_wrong_with_a_fault_is_told_and_the_cluster_stays(
    error: Exception, ended: Ended, stage: Stage
) -> None:
    stage.hand.error = error
    stage.serve(60, stage.inject, stage.down)
    assert stage.ended == [ended, Ended(HELD)]


def test_a_mistake_of_ours_keeps_nobody_waiting(stage: Stage) -> None:
    stage.hand.error = ZeroDivisionError("x")
    stage.serve(60, stage.inject, stage.down)
    assert stage.ended == [Ended(NO_VERDICT, "the harness itself failed: ZeroDivisionError: x"), Ended(HELD)]


def test_a_cluster_that_cannot_be_removed_is_no_success(stage: Stage) -> None:
    stage.standing.error = EngineError("a network stays")
    stage.serve(60, stage.down)
    assert stage.ended == [Ended(NO_VERDICT, "a network stays")]


@pytest.mark.usefixtures("home")
def test_a_name_is_a_clusters_or_a_scenarios() -> None:
    write("x.yaml", "services: {}\n")
    write("y.yaml", "scenario: y\n")
    found = {name: is_cluster(name) for name in ("small", "ollama", "mine", "partition", "x.yaml", "y.yaml", "z.yaml")}
    assert [name for name, cluster in found.items() if cluster] == ["small", "ollama", "x.yaml"]


def test_a_span_is_said_in_what_people_count_it_in() -> None:
    assert [span(seconds) for seconds in (45.0, 119.0, 120.0, 1800.0)] == ["45 s", "119 s", "2 min", "30 min"]
