"""Every kept recording is judged on every run: the same verdict, the same findings, the same bytes."""

import re
import tarfile
from pathlib import Path

import pytest

from harness.errors import RecordingError
from harness.judge import verdict as verdicts
from harness.judge.verdict import JUDGE
from harness.recording.folder import read
from tests.recordings import archive
from tests.recordings.__main__ import EXPECTED, judged
from tests.recordings.altered import CASES, Case

OF_A_MACHINE = re.compile(rb"/(home|root|tmp|work|Users|mnt|opt|var/folders)/")
BYTES_MAX = 2_000_000


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_kept_recording_is_judged_as_it_was(case: Case, tmp_path: Path) -> None:
    expected = (EXPECTED / f"{case.name}.json").read_bytes()
    was, now = verdicts.decode(expected), judged(case, tmp_path)
    assert was.judge == JUDGE, "JUDGE was raised: write the expected verdicts anew with 'make recordings'"
    assert (now.outcome, now.sentence) == (case.outcome, was.sentence)
    assert {one.objective: one.outcome for one in now.findings} == {one.objective: one.outcome for one in was.findings}
    assert verdicts.encode(now) == expected


def test_every_expected_verdict_and_every_archive_has_its_case() -> None:
    assert sorted(file.stem for file in EXPECTED.glob("*.json")) == sorted(case.name for case in CASES)
    assert archive.names() == tuple(sorted({case.of for case in CASES}))


def test_the_kept_recordings_are_small() -> None:
    assert sum(file.stat().st_size for file in archive.HERE.rglob("*") if file.is_file()) < BYTES_MAX


@pytest.mark.parametrize("name", archive.names())
def test_no_kept_recording_names_a_place_on_the_machine_it_comes_from(name: str) -> None:
    with tarfile.open(archive.HERE / f"{name}.tar.gz") as tar:
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None and OF_A_MACHINE.search(file.read()) is None, member.name


@pytest.mark.parametrize("file", ["journal.jsonl", "probes.jsonl"])
def test_a_kept_recording_that_is_corrupted_is_named_by_file_and_line(file: str, tmp_path: Path) -> None:
    archive.unpack("killed", tmp_path)
    lines = (tmp_path / file).read_bytes().splitlines(keepends=True)
    lines[19] = lines[19][:7] + b"\xff" + lines[19][8:]
    (tmp_path / file).write_bytes(b"".join(lines))
    with pytest.raises(RecordingError, match=rf"^{re.escape(file)}:20: .*: the recording is damaged$"):
        read(tmp_path)


def test_operations_that_are_corrupted_are_named_by_file_and_byte(tmp_path: Path) -> None:
    archive.unpack("killed", tmp_path)
    file = tmp_path / "operations" / "chat.bin"
    data = bytearray(file.read_bytes())
    data[3 * 40 + 28] = 99
    file.write_bytes(data)
    with pytest.raises(RecordingError, match=r"^chat\.bin: byte 120: not operations \(99 is not a valid Outcome\)"):
        read(tmp_path)
