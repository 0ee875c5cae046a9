"""The baselines of a suite: one file for each of its rows, in ``baselines/NAME/``; of the runs that passed."""

import re
from collections.abc import Iterator
from pathlib import Path

from harness.cli.baselines import BASELINES
from harness.cli.places import TWINS
from harness.cli.whole import write_whole
from harness.errors import HELD, RecordingError
from harness.series import gather
from harness.series import sample as samples
from harness.series.compare import THRESHOLD
from harness.series.sample import Sample
from harness.signoff.against import Against, Compared, against, kept
from harness.signoff.record import Row, SuiteRecord


def compared(name: str, record: SuiteRecord, runs: Path) -> Compared:
    """Every row that has figures, against its file. A file that is damaged is said, and not taken for none."""
    return Compared(name, THRESHOLD, tuple(_against(name, row, now) for row, now in _rows(record, runs)))


def _against(name: str, row: Row, now: Sample) -> Against:
    try:
        return against(row.label, _before(name, row), now)
    except RecordingError as error:
        return Against(row.label, 0, 0, (), str(error))


def save(name: str, record: SuiteRecord, runs: Path) -> int:
    """Keep the rows that came out as they should, beside their last runs; how many these are.

    A figure that is known to have become worse is not taken for what it should be. ``RecordingError``: the disk.
    """
    worse = {row.label for row in record.compared.rows if row.told_worse} if record.compared else set[str]()
    found = [(row, now) for row, now in _rows(record, runs) if row.exit_code == HELD and row.label not in worse]
    for row, now in found:
        try:
            before = _before(name, row)
        except RecordingError:
            before = None  # a damaged one was said by the comparison; from now on there is a whole one
        write_whole(_file(name, row), samples.encode(kept(before, now)))
    return len(found)


def _rows(record: SuiteRecord, runs: Path) -> Iterator[tuple[Row, Sample]]:
    """Rows with figures. A broken twin is to be bad: how bad is nobody's concern."""
    for row in record.rows:
        folders = [runs / one.run for one in row.played if one.run]
        if folders and not row.scenario.startswith(TWINS):
            yield row, samples.together([gather.of_folder(folder) for folder in folders])


def _before(name: str, row: Row) -> Sample | None:
    file = _file(name, row)
    return gather.gather(file) if file.is_file() else None


def _file(name: str, row: Row) -> Path:
    """``baselines/nightly/crash-balance-leastconn.json``."""
    return BASELINES / name / f"{re.sub(r'[^a-z0-9.]+', '-', row.label.lower()).strip('-')}.json"
