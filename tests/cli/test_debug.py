"""What `harness debug` plays in place of a scenario, and when it ends."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.cli.debug import ENTER, Stopping, stretched
from harness.errors import ScenarioError
from harness.faults.kill import Kill
from harness.objectives import Bound
from harness.objectives.promql import Promql
from harness.recording.status import FaultStatus, Status
from harness.runner.inbox import Inbox, Stopped
from tests.cli.conftest import Harness
from tests.recording.builder import LOST_N1, scenario

WHOLE = scenario(Promql(name="whole", query="up", bound=Bound(">=", 3, ">= 3")))
DEAD = Kill(name="dead", at_s=2, for_s=40, nodes=("n2",))
LATER = Kill(name="later", at_s=28, for_s=1, nodes=("n3",))
THREE = scenario(faults=(LOST_N1, LATER, DEAD))


def test_it_is_the_scenario_up_to_the_fault_which_stays_and_nothing_is_asked_of_it() -> None:
    found = stretched(WHOLE, None, 600.0)
    assert [(one.name, one.at_s, one.for_s) for one in found.faults] == [("lost-n1", 5, 600.0)]
    assert (found.phases.warmup_s, found.phases.faults_s, found.objectives) == (10, 605.0, ())
    assert found.limit_s > 10 + 605 + 20


def test_faults_before_it_come_and_go_in_their_time_and_those_after_it_never_come() -> None:
    assert [one.name for one in stretched(THREE, None, 1.0).faults] == ["dead"]
    found = stretched(THREE, "lost-n1", 1.0)
    assert [(one.name, one.for_s) for one in found.faults] == [("dead", 40), ("lost-n1", 1.0)]
    assert found.phases.faults_s == 42


@pytest.mark.parametrize(
    ("faults", "at", "text"),
    [
        ((), None, "partition: has no fault to stop at"),
        ((LOST_N1, DEAD), "lost-n9", "--at: is 'lost-n9', which is no fault of it (there are dead, lost-n1)"),
    ],
)
def test_where_there_is_nothing_to_stop_at_it_says_so(faults: tuple[Kill, ...], at: str | None, text: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        stretched(scenario(faults=faults), at, 1.0)
    assert str(raised.value) == text


def test_a_time_that_is_no_time_or_too_long_is_refused_before_anything_is_started(harness: Harness) -> None:
    assert "write one from 1s to 1h" in harness("debug", "mine", "--for", "2h").err
    assert harness("debug", "mine", "--for", "ten").code == 2
    assert "write one from 10s to 12h" in harness("up", "small", "--for", "13h").err


# --- when it stops ----------------------------------------------------------------------------------------------------


@dataclass
class Screen:
    """Implements ``Live``."""

    said: list[str] = field(default_factory=list)

    def title(self, scenario: str, cluster: str, nodes: int, seed: int, run: str) -> None:
        self.said.append(run)

    def say(self, text: str) -> None:
        self.said.append(text)

    def status(self, status: Status) -> None:
        """Not looked at."""

    def close(self) -> None:
        """Nothing is held."""


THERE = Status(20.0, (), (), (FaultStatus("lost-n1", "n1", 1.0, "12 packets", True),))
NOT_THERE = Status(10.0, (), (), ())


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Stopping, Inbox, int]]:
    """What looks on, the inbox it may stop the run through, and the end of a pipe that is the person's keyboard."""
    read_end, write_end = os.pipe()
    inbox = Inbox()
    (tmp_path / "debug").mkdir()
    for name in ("journal.jsonl", "probes.jsonl"):
        (tmp_path / "debug" / name).touch()
    with os.fdopen(read_end) as keyboard:
        monkeypatch.setattr("sys.stdin", keyboard)
        view = Stopping(Screen(), inbox, tmp_path, 600.0, LOST_N1)
        view.title("x", "y", 3, 1, "debug")
        yield view, inbox, write_end
        view.close()
        os.close(write_end)


def test_it_waits_for_enter_from_the_moment_the_fault_is_in_force(stage: tuple[Stopping, Inbox, int]) -> None:
    view, inbox, keyboard = stage
    view.status(NOT_THERE)
    assert not view.reached
    view.status(THERE)
    view.status(THERE)
    screen = view.view
    assert isinstance(screen, Screen)
    told = [line for line in screen.said if line.startswith("STOPPED")]
    assert told == [f"STOPPED at lost-n1: {LOST_N1.describe()}; it stays for 10 min at the most"]
    assert view.reached and inbox.next(0.3) is None
    os.write(keyboard, b"\n")
    assert inbox.next(20) == Stopped(ENTER) and inbox.stopped_by == ENTER


def test_it_ends_when_the_time_of_the_fault_is_over(stage: tuple[Stopping, Inbox, int]) -> None:
    view, inbox, _ = stage
    view.status(THERE)
    view.status(NOT_THERE)
    view.status(NOT_THERE)
    assert inbox.next(1) == Stopped("the end of its time") and inbox.next(0) is None


def test_where_there_is_no_keyboard_only_the_time_ends_it(
    stage: tuple[Stopping, Inbox, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    view, inbox, _ = stage
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    view.status(THERE)
    assert inbox.next(0.5) is None
