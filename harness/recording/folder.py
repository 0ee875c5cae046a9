"""The folder of one run: written as things happen, so that an interrupted run still has a record; read by the judge."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from harness.columns import Operations, coded
from harness.errors import RecordingError
from harness.operations import PACKED_BYTES, Operation, Outcome, unpack
from harness.recording import events
from harness.recording.evidence import Evidence

SCENARIO, WOVEN, JOURNAL, PROBES, VERDICT = (
    "scenario.yaml",
    "compose.yaml",
    "journal.jsonl",
    "probes.jsonl",
    "verdict.json",
)
OPERATIONS, HISTORY, LOGS = "operations", "history", "logs"
# As ``operations.pack`` writes them.
_RECORDS = np.dtype(
    [
        *((name, "<i8") for name in ("due_ns", "sent_ns", "done_ns")),
        *(("size_bytes", "<u4"), ("outcome", "u1"), ("status", "u1"), ("node", "S10")),
    ]
)


class Recorder:
    """Appends to a run's files. Raises ``RecordingError`` when the disk does not take it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            (folder / OPERATIONS).mkdir(parents=True)
            self._journal = (folder / JOURNAL).open("ab")
            self._probes = (folder / PROBES).open("ab")
        except OSError as error:
            raise RecordingError(f"{folder} cannot be written ({error.strerror}); set another with --runs.") from error

    def event(self, event: events.Event, *, sync: bool = False) -> None:
        """One journal line. ``sync``: on the disk before this returns (what must survive us, such as an intent)."""
        self._append(self._journal, events.encode(event))
        if sync:
            with self._guarded():
                os.fsync(self._journal.fileno())

    def probe(self, probe: events.Probed) -> None:
        self._append(self._probes, events.encode(probe), flush=False)

    def flush(self) -> None:
        """Whoever reads now finds everything."""
        with self._guarded():
            self._probes.flush()

    def operations(self, traffic: str, packed: bytes) -> None:
        with self._guarded(), (self.folder / OPERATIONS / f"{traffic}.bin").open("ab") as file:
            file.write(packed)

    def history(self, traffic: str, lines: str) -> None:
        """More of what the processes of one traffic did and were told, each line whole."""
        with self._guarded():
            (self.folder / HISTORY).mkdir(exist_ok=True)
            with (self.folder / HISTORY / f"{traffic}.jsonl").open("ab") as file:
                file.write(lines.encode())

    def text(self, name: str, content: str | bytes) -> None:
        """A whole file of the record, written at once."""
        with self._guarded():
            (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    def close(self) -> None:
        with self._guarded(), self._probes, self._journal:
            return  # both are closed, even where the disk takes nothing of the first

    def _append(self, file: BinaryIO, line: bytes, *, flush: bool = True) -> None:
        with self._guarded():
            file.write(line)
            if flush:
                file.flush()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RecordingError(f"{self.folder} cannot be written: {error.strerror}.") from error


def read(folder: Path) -> Evidence:
    """Everything a judge needs. A last line that was cut off is left out; any other bad line is an error."""
    journal = [events.decode(line, where) for line, where in _lines(folder / JOURNAL)]
    probes = [events.decode_probe(line, where) for line, where in _lines(folder / PROBES)]
    given = next((event for event in journal if isinstance(event, events.Baseline)), None)
    operations = _operations(folder / OPERATIONS)
    return Evidence(
        events=tuple(journal),
        operations=operations,
        probes=tuple(probes),
        logs=Logs(folder),
        histories={file.stem: _whole(file) for file in sorted((folder / HISTORY).glob("*.jsonl"))},
        baseline=dict(given.figures) if given else {},
    )


def scenario_text(folder: Path) -> bytes:
    return _bytes(folder / SCENARIO)


class Logs(Mapping[str, str]):
    """File name -> text of every container's log; each is read when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._files = {file.name: file for file in sorted((folder / LOGS).glob("*.log"))}
        self._texts: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._texts:
            self._texts[name] = _bytes(self._files[name]).decode(errors="replace")
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def logs(folder: Path) -> Mapping[str, str]:
    """File name -> text of every container's log."""
    return {p.name: p.read_text(errors="replace") for p in sorted((folder / LOGS).glob("*.log"))}


def _lines(file: Path) -> Iterator[tuple[bytes, str]]:
    for number, line in enumerate(_whole(file).splitlines(), start=1):
        yield line, f"{file.name}:{number}"


def _whole(file: Path) -> bytes:
    """Without a last line that was cut off."""
    data = _bytes(file)
    return data[: data.rfind(b"\n") + 1]


def _operations(folder: Path) -> Mapping[str, Operations]:
    return {file.stem: _unpacked(file) for file in sorted(folder.glob("*.bin"))}


def _unpacked(file: Path) -> Operations:
    data = _bytes(file)
    table = np.frombuffer(data, _RECORDS, len(data) // _RECORDS.itemsize)
    places, tags = coded(table["node"].tolist())
    whole = 0
    try:
        if table["outcome"].max(initial=0) > max(Outcome) or not b"".join(tags).isascii():
            for _ in unpack(data):  # one by one, to say where it is
                whole += 1
    except ValueError as error:
        where = f"{file.name}: byte {whole * PACKED_BYTES}"
        raise RecordingError(f"{where}: not operations ({error}): the recording is damaged") from error
    numbers = (table[name].astype(np.int64) for name in Operation._fields[:-1])
    return Operations(tuple(tag.decode() for tag in tags), *[*numbers, places]).in_order()


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise RecordingError(f"{file} cannot be read ({error.strerror}): is this the folder of a run?") from error
