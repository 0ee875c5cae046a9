"""The folder of one suite: ``runs/suites/NAME/WHEN-RANDOM``, whole after every run of it."""

from pathlib import Path

from harness.errors import RecordingError
from harness.signoff import pages, record
from harness.signoff.record import SuiteRecord

SUMMARY, JUNIT, SOURCE = "summary.md", "junit.xml", "suite.yaml"
SUITES = "suites"


class SuiteFolder:
    """``path`` is made at once. Raises ``RecordingError`` when the disk does not take it."""

    def __init__(self, runs: Path, suite: str, name: str, source: bytes) -> None:
        self.path = runs / SUITES / suite / name
        try:
            self.path.mkdir(parents=True)
        except OSError as error:
            raise RecordingError(f"{self.path} cannot be made ({error.strerror}); set another with --runs.") from error
        self._put(SOURCE, source)
        self._earlier = record.earlier(self.path)

    def write(self, now: SuiteRecord) -> None:
        """Everything anew: record first, then what is made of it."""
        self._put(record.SUITE, record.encode(now))
        self._put(JUNIT, pages.junit(now))
        self._put(SUMMARY, pages.summary(now).encode())
        self._put(pages.INDEX, pages.index(now, self._earlier).encode())

    def _put(self, name: str, data: bytes) -> None:
        """A reader meets the old file or the new one, never half of one."""
        fresh = self.path / f".{name}.part"
        try:
            fresh.write_bytes(data)
            fresh.replace(self.path / name)
        except OSError as error:
            raise RecordingError(f"{self.path / name} cannot be written: {error.strerror}.") from error
