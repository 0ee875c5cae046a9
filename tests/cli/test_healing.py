"""Which runs are healed, which are left alone, what is said of each; on an engine that is only told of."""

from pathlib import Path

import pytest

from harness import guardian
from harness.cli import healing
from harness.drivers.docker import Remains
from harness.errors import EngineError
from harness.recording import events
from harness.recording.folder import JOURNAL
from harness.runner import alive


class Engine:
    """What is on it: project -> record. ``stuck``: runs of which something cannot be removed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.folder, self.runs, self.stuck = folder, dict[str, Remains](), set[str]()
        self.healed: list[tuple[str, bool]] = []
        self.said: list[str] = []
        monkeypatch.setattr(healing, "connect", lambda: None)
        monkeypatch.setattr(healing, "runs_on", lambda client: self.runs)
        monkeypatch.setattr(healing, "_heal_one", self.heal)
        monkeypatch.setattr(healing, "_GUARDIAN_S", 0.0)

    def has(self, project: str, *, kept: bool = False, here: bool = True, harmless: bool = False) -> Path:
        record = self.folder / project
        self.runs[project] = Remains(record, harmless)
        if here:
            record.mkdir()
            (record / JOURNAL).write_bytes(events.encode(events.TornDown(1, 0.1, kept)))
        return record

    def heal(self, client: object, project: str, record: Path, *, keep: bool) -> tuple[str, ...]:
        self.healed.append((project, keep))
        if not keep and not self.runs[project].harmless and project not in self.stuck:
            del self.runs[project]
        return ("its network",) if project in self.stuck else ()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Engine:
    return Engine(monkeypatch, tmp_path)


def test_only_dead_runs_are_healed_unasked(engine: Engine) -> None:
    lock = alive.hold(engine.has("chaos-live"))
    engine.has("chaos-kept", kept=True)
    engine.has("chaos-far", here=False)
    engine.has("chaos-dead")
    assert healing.heal(None, engine.said.append) == 0
    alive.release(lock)
    assert engine.healed == [("chaos-dead", False)]
    live, kept, far, dead = engine.said
    assert live == "chaos-live: alive, left alone"
    assert kept == "chaos-kept: kept on purpose, left alone; remove it with: harness down chaos-kept"
    assert far.startswith("chaos-far: left alone: there is no record of a run at ") and far.endswith(
        "harness heal chaos-far"
    )
    assert dead == "chaos-dead: gone"


@pytest.mark.parametrize("kept", [True, False])
def test_a_run_that_is_named_is_healed_unless_it_lives(kept: bool, engine: Engine) -> None:
    engine.has("chaos-a", kept=kept)
    engine.has("chaos-b")
    assert healing.heal("chaos-a", engine.said.append) == 0
    assert engine.healed == [("chaos-a", False)]


def test_a_live_run_is_left_alone_even_if_it_is_named(engine: Engine) -> None:
    lock = alive.hold(engine.has("chaos-live"))
    assert healing.heal("chaos-live", engine.said.append) == 0
    alive.release(lock)
    assert engine.healed == []


def test_what_cannot_be_healed_is_named_and_is_the_exit_code(engine: Engine) -> None:
    engine.has("chaos-a")
    engine.has("chaos-b")
    engine.stuck.add("chaos-a")
    assert healing.heal(None, engine.said.append) == 3
    assert engine.said == ["chaos-a: could not be healed: its network", "chaos-b: gone"]


def test_where_nothing_is_that_is_said(engine: Engine) -> None:
    assert healing.heal(None, engine.said.append) == healing.heal("chaos-x", engine.said.append) == 0
    assert engine.said == ["nothing of ours is on this engine", "nothing of chaos-x is on this engine"]


def test_a_run_refuses_to_start_on_what_a_dead_one_left(engine: Engine) -> None:
    engine.has("chaos-kept", kept=True)
    engine.has("chaos-far", here=False)
    healing.refuse_residue(engine.said.append)
    engine.has("chaos-dead")
    with pytest.raises(EngineError, match=r"chaos-dead died and left something on this engine: .* harness heal"):
        healing.refuse_residue(engine.said.append)


def test_an_empty_network_that_the_engine_keeps_is_named_and_is_in_nobodys_way(engine: Engine) -> None:
    engine.has("chaos-husk", harmless=True)
    healing.refuse_residue(engine.said.append)
    assert healing.heal(None, engine.said.append) == 0
    (said,) = engine.said
    assert said.startswith("chaos-husk: gone but for an empty network that the engine believes to be in use")
    (line,) = healing.status()
    assert line.startswith("chaos-husk  an empty network")


def test_a_dead_run_whose_guardian_is_at_it_is_waited_for(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healing, "_GUARDIAN_S", 5.0)
    engine.has("chaos-dead")
    healing.refuse_residue(lambda text: engine.runs.clear())


def test_the_status_says_how_each_run_stands(engine: Engine) -> None:
    engine.has("chaos-kept", kept=True)
    engine.has("chaos-dead")
    engine.has("chaos-far", here=False)
    words = [line.split("  ")[:2] for line in healing.status()]
    assert words == [["chaos-kept", "kept"], ["chaos-dead", "left behind"], ["chaos-far", "without a record"]]


def test_a_guardian_heals_a_cluster_that_is_to_stay_and_notes_that_it_stays(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = engine.has("chaos-dead")
    with (record / JOURNAL).open("ab") as journal:
        journal.write(b'{"is":"Ended","at')  # it died in the middle of a line
    monkeypatch.setattr(guardian, "wait", lambda: True)
    assert healing.guard("chaos-dead", record, engine.said.append, keep=True) == 0
    assert engine.healed == [("chaos-dead", True)]
    assert alive.state(record) == "kept"


def test_a_guardian_of_a_run_that_ended_well_does_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guardian, "wait", lambda: False)
    assert healing.guard("chaos-done", engine.has("chaos-done"), engine.said.append, keep=False) == 0
    assert (engine.healed, engine.said) == ([], [])
