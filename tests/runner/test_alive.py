"""How a run stands that has something on the engine: what its record says, and who holds its lock."""

from pathlib import Path

import pytest

from harness.errors import RecordingError
from harness.recording import events
from harness.recording.folder import JOURNAL
from harness.runner import alive


def test_a_run_whose_lock_is_held_is_alive(tmp_path: Path) -> None:
    lock = alive.hold(tmp_path)
    assert alive.state(tmp_path) == "alive"
    with pytest.raises(RecordingError, match="cannot be locked"):
        alive.hold(tmp_path)
    alive.release(lock)
    assert alive.state(tmp_path) == "dead"


@pytest.mark.parametrize(("kept", "state"), [(True, "kept"), (False, "dead")])
def test_whether_a_run_was_kept_stands_in_its_journal(kept: bool, state: str, tmp_path: Path) -> None:
    lines = events.encode(events.TornDown(1, 0.1, kept)) + events.encode(events.Ended(2, "finished"))
    (tmp_path / JOURNAL).write_bytes(lines)
    assert alive.state(tmp_path) == state


def test_a_journal_that_was_cut_off_says_what_its_whole_lines_say(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_bytes(events.encode(events.TornDown(1, 0.1, True)) + b'{"is":"Ended","a')
    assert alive.state(tmp_path) == "kept"


def test_of_what_has_no_record_of_a_run_nobody_can_say_anything(tmp_path: Path) -> None:
    assert alive.state(tmp_path / "elsewhere") == "unknown"
    assert alive.state(tmp_path) == "unknown"
