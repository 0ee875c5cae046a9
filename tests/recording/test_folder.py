"""What is written is read back, and what is damaged is named by file and line."""

from pathlib import Path

import pytest

from harness import primitives
from harness.errors import RecordingError
from harness.operations import Operation, Outcome, pack
from harness.recording import events, folder
from harness.recording.events import Ended, Intent, Probed, Ready
from harness.recording.evidence import Evidence
from harness.recording.folder import Recorder, read
from tests.recording.builder import Story

INTENT = Intent(5, "lost-n1", (primitives.Cut("n1", "n2", "in", "drop"), primitives.Kill("n3")), 7, 9)


def _refusal(run: Path) -> str:
    with pytest.raises(RecordingError) as refused:
        read(run)
    return str(refused.value)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    recorder = Recorder(tmp_path / "partition" / "run")
    recorder.event(INTENT, sync=True)
    recorder.event(Ended(9, "finished"))
    recorder.probe(Probed("n1", "n2", 6, None, "timed out"))
    recorder.close()
    return recorder.folder


def test_a_whole_recording_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    told = Story().evidence()
    recorder = Recorder(tmp_path / "run")
    for event in told.events:
        recorder.event(event)
    for probe in told.probes:
        recorder.probe(probe)
    operations = told.operations["chat"]
    for batch in (operations[2000:], operations[:1000], operations[1000:2000]):
        recorder.operations("chat", pack(batch))
    recorder.close()
    assert read(tmp_path / "run") == told


def test_a_history_is_read_back_without_a_last_line_that_was_cut_off(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run")
    recorder.event(INTENT, sync=True)
    for lines in ('{"a":1}\n', '{"b":2}\n{"c":3}\n', '{"d"'):
        recorder.history("registers", lines)
    recorder.close()
    assert read(tmp_path / "run").histories == {"registers": b'{"a":1}\n{"b":2}\n{"c":3}\n'}


def test_an_event_can_be_read_before_the_recorder_is_closed(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run")
    recorder.event(INTENT, sync=True)
    assert read(tmp_path / "run").events == (INTENT,)
    recorder.close()


@pytest.mark.parametrize("lost_bytes", [1, 5, 15])
def test_a_journal_cut_off_in_its_last_line_is_read_as_far_as_it_goes(run: Path, lost_bytes: int) -> None:
    journal = run / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-lost_bytes])
    assert read(run) == Evidence((INTENT,), {}, (Probed("n1", "n2", 6, None, "timed out"),))


def test_a_damaged_line_is_named_by_file_and_line(run: Path) -> None:
    with (run / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"is":"Ready","at_ns":1}\n')
    words = "Object missing required field `took_s`"
    assert _refusal(run) == f"journal.jsonl:3: not a line of a journal ({words}): the recording is damaged"


def test_a_damaged_probe_is_named_by_file_and_line(run: Path) -> None:
    with (run / "probes.jsonl").open("ab") as probes:
        probes.write(b"gibberish\n")
    words = "JSON is malformed: invalid character (byte 0)"
    assert _refusal(run) == f"probes.jsonl:2: not a probe ({words}): the recording is damaged"


def test_operations_that_are_damaged_are_named_by_their_file(run: Path) -> None:
    good = pack([Operation(1, 2, 3, 4, Outcome.OK, 2, "n1")])
    (run / "operations" / "chat.bin").write_bytes(good[:28] + b"\x99" + good[29:])
    assert _refusal(run) == "chat.bin: byte 0: not operations (153 is not a valid Outcome): the recording is damaged"


def test_operations_cut_off_in_the_last_one_are_read_as_far_as_they_go(run: Path) -> None:
    operation = Operation(1, 2, 3, 4, Outcome.TIMED_OUT, 0, "")
    (run / "operations" / "chat.bin").write_bytes(pack([operation, operation])[:-3])
    assert read(run).operations == {"chat": (operation,)}


def test_what_is_no_folder_of_a_run_is_said_so(tmp_path: Path) -> None:
    words = f"{tmp_path}/journal.jsonl cannot be read (No such file or directory): is this the folder of a run?"
    assert _refusal(tmp_path) == words
    with pytest.raises(RecordingError, match=r"scenario\.yaml cannot be read \(No such file or directory\)"):
        folder.scenario_text(tmp_path)


def test_texts_and_logs_are_kept_under_their_names(run: Path) -> None:
    recorder = Recorder(run.parent / "other")
    recorder.text(folder.SCENARIO, b"scenario: x\n")
    recorder.text(folder.WOVEN, "services: {}\n")
    recorder.close()
    (recorder.folder / "logs").mkdir()
    (recorder.folder / "logs" / "n1.node.log").write_bytes(b"ok \xff\n")
    assert folder.scenario_text(recorder.folder) == b"scenario: x\n"
    assert folder.logs(recorder.folder) == {"n1.node.log": "ok \ufffd\n"}
    assert folder.logs(run) == {}


def test_evidence_has_the_logs_and_reads_each_when_it_is_asked_for(run: Path) -> None:
    (run / "logs").mkdir()
    (run / "logs" / "n1.node.log").write_bytes(b"ok \xff\n")
    (run / "logs" / "n2.node.log").write_bytes(b"gone before it is read")
    evidence = read(run)
    (run / "logs" / "n2.node.log").unlink()
    assert (list(evidence.logs), evidence.logs["n1.node.log"]) == (["n1.node.log", "n2.node.log"], "ok \ufffd\n")
    assert evidence.logs.get("n9.node.log") is None
    with pytest.raises(RecordingError, match=r"n2\.node\.log cannot be read"):
        evidence.logs["n2.node.log"]


def test_a_folder_that_cannot_be_made_is_said_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(RecordingError) as refused:
        Recorder(tmp_path / "runs" / "x")
    assert str(refused.value) == f"{tmp_path}/runs/x cannot be written (Not a directory); set another with --runs."


def test_two_runs_never_share_a_folder(run: Path) -> None:
    with pytest.raises(RecordingError, match="File exists"):
        Recorder(run)


def test_a_full_disk_is_one_sentence_and_both_files_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path / "run")
    recorder.probe(Probed("n1", "n2", 6, 0.1))
    with recorder._journal, Path("/dev/full").open("ab") as full:
        monkeypatch.setattr(recorder, "_journal", full)
        for _ in range(2):
            with pytest.raises(RecordingError) as refused:
                recorder.event(Ready(1, 2.0))
            assert str(refused.value) == f"{tmp_path}/run cannot be written: No space left on device."
        with pytest.raises(RecordingError):
            recorder.close()
    assert (tmp_path / "run" / "probes.jsonl").read_bytes() == events.encode(Probed("n1", "n2", 6, 0.1))


def test_what_cannot_be_brought_to_the_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path / "run")
    with recorder._journal, Path("/dev/null").open("ab") as nowhere:  # it takes everything and cannot be synced
        monkeypatch.setattr(recorder, "_journal", nowhere)
        recorder.event(INTENT)
        with pytest.raises(RecordingError) as refused:
            recorder.event(INTENT, sync=True)
        recorder.close()
    assert str(refused.value) == f"{tmp_path}/run cannot be written: Invalid argument."
