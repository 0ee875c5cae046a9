"""What a suite came to: ``suite.json``, written again after every run, so that an interrupted one has a record too."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from harness import errors
from harness.errors import RecordingError
from harness.loader.suite import Play, Variables, label
from harness.signoff.against import Compared
from harness.weave.redact import hidden

SCHEMA = 1
SUITE = "suite.json"

# ``skipped``: on purpose, or because this machine cannot do it. ``none``: it ended, or was never begun, without a word.
Word = Literal["held", "violated", "inconclusive", "skipped", "none"]
# Of several the last in this row counts: harm that was seen says more than what was not seen.
_WORST = (
    errors.HELD,
    errors.INCONCLUSIVE,
    errors.NO_VERDICT,
    errors.WRONG_INPUT,
    errors.VIOLATED,
    errors.INTERRUPTED,
)


class Played(msgspec.Struct, frozen=True):
    """One run, or why there was none. ``run``: name of its record (``kill/2026-11-21T09-30-12-k3f7a``); None: none.

    ``exit_code``: as ``harness run`` has it; of a skip 0 if the suite's file says so, else 3, for it shows nothing.
    """

    outcome: Word
    exit_code: int
    headword: str
    sentence: str
    took_s: float
    run: str | None = None


class Row(msgspec.Struct, frozen=True):
    """One scenario under one setting. ``skip``: why its file has it left out. ``played``: at most ``repeats``."""

    scenario: str
    variables: Variables
    repeats: int
    skip: str
    played: tuple[Played, ...] = ()

    @property
    def label(self) -> str:
        return label(self.scenario, self.variables)

    @property
    def exit_code(self) -> int:
        return worst(one.exit_code for one in self.played)

    @property
    def good(self) -> int:
        """How many runs came out as they should."""
        return sum(one.exit_code == errors.HELD and one.run is not None for one in self.played)

    @property
    def telling(self) -> Played | None:
        """The run that says most: the first of the worst. None: nothing was played, and nothing was said of it."""
        return next((one for one in self.played if one.exit_code == self.exit_code), None)


class SuiteRecord(msgspec.Struct, frozen=True):
    """``began``: ISO 8601, UTC. ``ended``: False while it is under way, and for ever if it was killed.

    ``compared``: with its baseline, once all was played; None: it was not asked for.
    """

    schema: int
    suite: str
    about: str
    began: str
    took_s: float
    time_limit_s: float | None
    harness: str
    ended: bool
    rows: tuple[Row, ...]
    compared: Compared | None = None

    @property
    def exit_code(self) -> int:
        """The worst of all; a suite of which nothing was played has shown nothing, which is inconclusive."""
        codes = [row.exit_code for row in self.rows if row.played]
        if self.compared and self.compared.told_worse:
            codes.append(errors.VIOLATED)
        seen = any(one.run for row in self.rows for one in row.played)
        return worst(codes if seen else [*codes, errors.INCONCLUSIVE])

    def count(self, word: Word) -> int:
        return sum(one.outcome == word for row in self.rows for one in row.played)


def row_of(play: Play) -> Row:
    """What is kept and said of it: a value whose name says that it is a secret is nobody's business."""
    variables = tuple((name, hidden(name, value)) for name, value in play.variables)
    return Row(play.scenario, variables, play.repeats, play.skip)


def worst(codes: Iterable[int]) -> int:
    return max(codes, key=_severity, default=errors.INCONCLUSIVE)


def _severity(code: int) -> int:
    return _WORST.index(code) if code in _WORST else _WORST.index(errors.NO_VERDICT)


def encode(record: SuiteRecord) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def decode(data: bytes, where: str) -> SuiteRecord:
    """``where`` stands in the ``RecordingError`` if it is none."""
    try:
        return msgspec.json.decode(data, type=SuiteRecord)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordingError(f"{where}: not the record of a suite ({error}).") from error


def earlier(folder: Path, at_most: int = 20) -> tuple[tuple[str, SuiteRecord], ...]:
    """The suites played before the one in ``folder``, as (name of the folder beside it, record), oldest first.

    One that cannot be read is left out: a damaged record of long ago must not cost the one of today.
    """
    found: list[tuple[str, SuiteRecord]] = []
    for file in sorted(folder.parent.glob(f"*/{SUITE}"), reverse=True):
        if file.parent.name >= folder.name or file.parent.is_symlink() or len(found) == at_most:
            continue
        try:
            found.append((file.parent.name, decode(file.read_bytes(), str(file))))
        except (OSError, RecordingError):
            continue
    return tuple(reversed(found))
