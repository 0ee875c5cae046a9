"""Runs of a second: the waits that real containers need are cut short."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.faults import Fault
from harness.objectives import Bound
from harness.objectives.promql import Promql
from harness.recording import events
from harness.recording.events import AnyEvent
from harness.recording.evidence import Evidence
from harness.recording.folder import Recorder, read
from harness.recording.status import Status
from harness.runner import play as playing
from harness.runner import pulse
from harness.runner.inbox import Inbox, Stopped
from harness.runner.play import How, Options, Player
from harness.scenario import Phases, Scenario
from harness.traffic.ollama import OllamaGenerate
from harness.weave import Readiness
from tests.recording.builder import CLUSTER
from tests.runner.fake import FakeCluster, Habits

READY = tuple(Readiness(name, "http", ()) for name in CLUSTER.names())


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "_LOAD_LEAD_S", 0.1)
    monkeypatch.setattr(playing, "_AFTERGLOW_S", 0.05)
    monkeypatch.setattr(playing, "_KNOWN_S", 0.3)
    monkeypatch.setattr(playing, "_ANSWER_S", 1.4)
    monkeypatch.setattr(playing, "_COUNT_EVERY_S", 0.1)
    monkeypatch.setattr(playing, "_LOOK_EVERY_NS", 5_000_000)
    monkeypatch.setattr(pulse, "HEARTBEAT_S", 0.1)


@dataclass
class Looker:
    """Implements ``Watcher``."""

    said: list[str] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.said.append(text)

    def status(self, status: Status) -> None:
        self.statuses.append(status)


@dataclass
class Stage:
    """One run on a fake. ``how`` is what ``play`` returned, ``error`` what it raised, ``beats`` how often it lived."""

    folder: Path
    fake: FakeCluster = field(default_factory=lambda: FakeCluster(CLUSTER))
    inbox: Inbox = field(default_factory=Inbox)
    looker: Looker = field(default_factory=Looker)
    beats: list[str] = field(default_factory=list)
    how: How | None = None
    error: HarnessError | None = None
    clean: bool | None = None

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.folder)

    def but(self, **habits: object) -> "Stage":
        self.fake.habits = Habits(**habits)  # type: ignore[arg-type]  # checked by the class itself
        return self

    def when(self, happening: str, deed: Callable[[], None]) -> "Stage":
        self.fake.when[happening] = deed
        return self

    def stop_by(self, signal: str) -> None:
        self.inbox.put(Stopped(signal))

    def play(self, *faults: Fault, options: Options | None = None, by: type[Player] = Player) -> "Stage":
        """Play a scenario of 0.8 s with these faults; what it raises is kept."""
        traffic = OllamaGenerate(name="chat", to="gateway", rate_per_s=50, timeout_s=0.1)
        objective = Promql(name="whole", query="up", bound=Bound(">=", 3, ">= 3"))
        scenario = Scenario("test", "", "ollama", 7, Phases(0.2, 0.45, 0.15), (traffic,), faults, (objective,))
        player = by(
            scenario,
            CLUSTER,
            READY,
            self.fake,
            self.recorder,
            self.looker,
            self.inbox,
            options or Options(ready_timeout_s=0.6),
            lambda: self.beats.append(self.fake.calls[-1] if self.fake.calls else "begin"),
        )
        try:
            self.how = player.play()
        except HarnessError as error:
            self.error = error
        finally:
            self.clean = player.clean
            self.recorder.close()
        return self

    @property
    def evidence(self) -> Evidence:
        return read(self.folder)

    def of(self, *kinds: type[AnyEvent]) -> list[AnyEvent]:
        return [event for event in self.evidence.events if isinstance(event, kinds)]

    def troubles(self) -> list[tuple[str, str]]:
        return [(trouble.kind, trouble.text) for trouble in self.evidence.troubles()]

    def healed_by_order(self, fault: str) -> bool:
        """Where it fired it was healed, because it was told to."""
        fired = {(event.node, "order") for event in self.evidence.fired(fault)}
        return {(event.node, event.why) for event in self.evidence.healed(fault)} == fired

    def ending(self) -> tuple[str, bool, tuple[str, ...]]:
        """How the journal ends: how, kept, left."""
        *_, torn_down, ended = self.evidence.events
        assert isinstance(torn_down, events.TornDown) and isinstance(ended, events.Ended)
        return ended.how, torn_down.kept, torn_down.left


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    yield Stage(tmp_path / "run")
    for thread in [thread for thread in threading.enumerate() if thread.name == "heart"]:
        thread.join(2)
        assert not thread.is_alive(), "the heart still beats"
