"""``series.json``: which runs a series is made of and what was declared beforehand; written anew after each run."""

import os
from pathlib import Path
from typing import Literal

import msgspec

from harness.errors import RecordingError
from harness.objectives import Outcome
from harness.repeat import Repeat, Sequential
from harness.seeds import sub_seed

SCHEMA = 1
SERIES = "series.json"

# "playing" is what stays of one whose harness was killed.
Ended = Literal["playing", "finished", "decided", "interrupted", "failed"]


def seed_of(seed: int, number: int) -> int:
    """The seed of the ``number``-th run (from 1) of a series whose scenario has ``seed``.

    Each run draws anew: ten times the same draw of ``random:`` or of ``1 of node`` would say nothing of any other, and
    the pass rate is one of the scenario as it is written. They follow from the scenario's seed, so that two series of
    it, of an old and a new build, are dealt the same hands, and any run can be had again by its own seed.
    """
    return sub_seed(seed, "run", str(number))


class Declared(msgspec.Struct, frozen=True):
    """What was said before the first run. ``pass_rate`` "": every run must pass, unless there is a ``test``."""

    runs: int
    confidence: float
    pass_rate: str
    test: Sequential | None

    @classmethod
    def of(cls, repeat: Repeat) -> "Declared":
        return cls(repeat.runs, repeat.confidence, repeat.pass_rate.text if repeat.pass_rate else "", repeat.test)


class Played(msgspec.Struct, frozen=True):
    """One run. ``run`` names its folder, as in its record; ``exit_code`` 0: it passed, 1: it failed, else neither."""

    run: str
    seed: int
    outcome: Outcome
    exit_code: int
    took_s: float
    sentence: str


class Concluded(msgspec.Struct, frozen=True):
    """What the runs come to. ``low``, ``high``: of the pass rate; None where a sequential test ended the series."""

    outcome: Outcome
    exit_code: int
    sentence: str
    reasons: tuple[str, ...]
    passed: int
    failed: int
    inconclusive: int
    low: float | None
    high: float | None


class FigureOver(msgspec.Struct, frozen=True):
    """One objective over all runs. ``runs``: whose figure counts, of ``asked``; ``held``: in how many it held.

    ``median`` None: there is none, or it is "never" (``never`` runs have no figure for it was never reached).
    ``low``, ``high``: of the median, with ``confidence``; None beside a confidence: never. Without one: too few runs,
    by ``more``.
    """

    objective: str
    figure: str
    unit: str
    bound: str
    asked: int
    held: int
    runs: int
    never: int
    median: float | None
    low: float | None
    high: float | None
    confidence: float | None
    more: int


class Series(msgspec.Struct, frozen=True):
    """``series``: its name, beside those of its runs. ``why``: what ended one that failed."""

    schema: int
    series: str
    scenario: str
    seed: int
    declared: Declared
    ended: Ended
    why: str
    played: tuple[Played, ...]
    concluded: Concluded | None = None
    figures: tuple[FigureOver, ...] = ()


def write(folder: Path, series: Series) -> None:
    """Whole or not at all: who reads it while we are killed finds the runs that were played. ``RecordingError``."""
    data = msgspec.json.format(msgspec.json.encode(series), indent=2) + b"\n"
    fresh = folder / f".{SERIES}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / SERIES)
    except OSError as error:
        raise RecordingError(f"{folder / SERIES} cannot be written: {error.strerror}.") from error


def read(folder: Path) -> Series:
    file = folder / SERIES
    try:
        series = msgspec.json.decode(file.read_bytes(), type=Series)
    except OSError as error:
        raise RecordingError(f"{file} cannot be read ({error.strerror}): is this the folder of a series?") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordingError(f"{file} is no series of this version ({error}).") from error
    if series.schema != SCHEMA:
        raise RecordingError(f"{file} is a series of another version ({series.schema}).")
    return series


def runs_of(folder: Path) -> tuple[Path, ...]:
    """The folders of a series' runs, which lie beside its own. ``RecordingError`` names one that is gone."""
    found = tuple(folder.resolve().parent / Path(played.run).name for played in read(folder).played)
    for run in found:
        if not run.is_dir():
            raise RecordingError(f"{folder / SERIES} names the run {run.name}, which is not beside it any more.")
    return found
