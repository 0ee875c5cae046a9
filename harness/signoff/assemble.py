"""From the folders of a suite and its runs to a bundle: everything that is in it, and the page on top."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from harness.errors import RecordingError
from harness.judge import verdict as verdicts
from harness.judge.verdict import JUDGE, Verdict
from harness.recording.events import Began
from harness.recording.evidence import Evidence
from harness.recording.folder import VERDICT
from harness.scenario import Scenario
from harness.signoff import bundle, environment, paper, record, release
from harness.signoff.bundle import Source
from harness.signoff.environment import Image
from harness.signoff.folder import SUITES
from harness.signoff.keys import SigningKey
from harness.signoff.paper import Paper
from harness.signoff.record import SuiteRecord
from harness.signoff.release import Release
from harness.signoff.waivers import parse

MARKDOWN, HTML, RELEASE, ENVIRONMENT, WAIVERS = (
    "SIGNOFF.md",
    "SIGNOFF.html",
    "release.json",
    "environment.json",
    "waivers.yaml",
)
RUNS, RESOLVED = "runs", "resolved.json"
NO_WAIVERS = b"waivers: []\n"

Load = Callable[[Path], tuple[Scenario, Evidence]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """``suite``: the folder of the suite that was played, below ``runs``. ``waivers``: the file, as it is."""

    release: str
    made: datetime
    runs: Path
    suite: Path
    waivers: bytes
    key: SigningKey | None


def assemble(wanted: Wanted, path: Path, load: Load, images: Callable[[frozenset[str]], Iterable[Image]]) -> Release:
    """Write the bundle to ``path``. ``load`` reads a run's folder; ``images`` asks the engine for these references.

    Raises ``HarnessError``; nothing is left at ``path`` then.
    """
    played = read(wanted.suite)
    found = {run: wanted.runs / run for run in runs_of(played)}
    judged = {run: _verdict(folder) for run, folder in found.items()}
    folder = f"{RUNS}/{SUITES}/{wanted.suite.parent.name}/{wanted.suite.name}"
    waivers = parse(wanted.waivers, WAIVERS, None)
    case = release.Case(wanted.release, wanted.made.date(), folder, played, judged, waivers)
    decided = release.decide(case, JUDGE)
    files: dict[str, Source] = dict(_files(wanted.suite, folder))
    began: list[Began] = []
    for run, of in found.items():
        files |= _files(of, f"{RUNS}/{run}")
        scenario, evidence = load(of)
        files[f"{RUNS}/{run}/{RESOLVED}"] = _resolved(scenario)
        began += evidence.of(Began)
    references = frozenset(value for event in began for what, value in event.facts if what == "image")
    seen = environment.look(began, images(references))
    top = Paper(decided, played, seen, wanted.key.fingerprint if wanted.key else None)
    files |= {
        MARKDOWN: paper.as_markdown(top).encode(),
        HTML: paper.as_html(top).encode(),
        RELEASE: release.encode(decided),
        ENVIRONMENT: environment.encode(seen),
        WAIVERS: wanted.waivers,
    }
    bundle.write(path, wanted.release, wanted.made.isoformat(timespec="seconds"), files, wanted.key)
    return decided


def read(suite: Path) -> SuiteRecord:
    """The record in a suite's folder. Raises ``RecordingError``."""
    file = suite / record.SUITE
    try:
        return record.decode(file.read_bytes(), str(file))
    except OSError as error:
        raise RecordingError(f"{file} cannot be read ({error.strerror}): is this the folder of a suite?") from error


def runs_of(played: SuiteRecord) -> tuple[str, ...]:
    """The names of all its runs, in the order in which they were played."""
    return tuple(one.run for row in played.rows for one in row.played if one.run)


def _verdict(folder: Path) -> Verdict:
    try:
        return verdicts.decode((folder / VERDICT).read_bytes())
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordingError(f"{folder / VERDICT} cannot be read ({error}).") from error


def _files(folder: Path, below: str) -> Iterator[tuple[str, Source]]:
    """Every file of a folder under its name in the bundle; hidden ones are nobody's record."""
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if (file.is_file() or file.is_symlink()) and not any(part.startswith(".") for part in name.split("/")):
            yield f"{below}/{name}", file


def _resolved(scenario: Scenario) -> bytes:
    """The scenario as it was played: roles, counts and draws are names by now."""
    return msgspec.json.format(msgspec.json.encode(scenario, order="deterministic"), indent=2) + b"\n"
