"""Recordings of real runs as they lie in this folder: what the judge reads of a run's folder, in one small archive."""

import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

from harness.recording.folder import JOURNAL, LOGS, OPERATIONS, PROBES, SCENARIO

HERE = Path(__file__).parent
LOG_BYTES_MAX = 16_384  # a longer log, such as a node's own at its most talkative, is left out


def names() -> tuple[str, ...]:
    return tuple(sorted(file.name.removesuffix(".tar.gz") for file in HERE.glob("*.tar.gz")))


def keep(run: Path, name: str) -> Path:
    """The same run gives the same bytes: no time, no owner."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in _files(run):
            data = file.read_bytes()
            member = tarfile.TarInfo(file.relative_to(run).as_posix())
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    archive = HERE / f"{name}.tar.gz"
    archive.write_bytes(gzip.compress(packed.getvalue(), mtime=0))
    return archive


def unpack(name: str, into: Path) -> None:
    with tarfile.open(HERE / f"{name}.tar.gz") as tar:
        tar.extractall(into, filter="data")
    (into / OPERATIONS).mkdir(exist_ok=True)  # a run that ended before its load has none


def _files(run: Path) -> Iterator[Path]:
    yield from (run / name for name in (SCENARIO, JOURNAL, PROBES))
    yield from sorted((run / OPERATIONS).glob("*.bin"))
    yield from (log for log in sorted((run / LOGS).glob("*.log")) if 0 < log.stat().st_size <= LOG_BYTES_MAX)
