"""What is made of a record: verdict, JUnit, report; the same for a run that just ended and for an old one."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from harness.cli.places import TWINS
from harness.errors import RecordingError
from harness.judge import verdict as verdicts
from harness.judge.judge import judge
from harness.judge.verdict import Verdict
from harness.loader import bind, parse
from harness.recording.events import Resolved
from harness.recording.evidence import Evidence
from harness.recording.folder import VERDICT, logs, read, scenario_text
from harness.report import html, junit, markdown
from harness.scenario import Scenario

REPORT, JUNIT, SUMMARY = "report.html", "junit.xml", "summary.md"


def load(folder: Path) -> tuple[Scenario, Evidence]:
    """The scenario and the evidence of a record. Raises ``RecordingError``."""
    evidence = read(folder)
    if evidence.began is None:
        raise RecordingError(f"{folder}: the journal has no beginning: nothing was recorded that could be judged.")
    draft = parse(scenario_text(folder), f"{evidence.began.scenario}.yaml")
    if evidence.began.scenario.startswith(TWINS):
        draft = draft.as_twin()
    found = {event.fault: dict(zip(event.targets, event.nodes, strict=True)) for event in evidence.of(Resolved)}
    return bind(draft, evidence.began.cluster, evidence.began.seed, found), evidence


def conclude(folder: Path) -> Verdict:
    """Judge a record and write verdict, JUnit, summary and report into it."""
    with _uncollected():
        return _concluded(folder)


@contextmanager
def _uncollected() -> Iterator[None]:
    """A collection looks at each of a million operations and finds nothing: they form no rings."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _concluded(folder: Path) -> Verdict:
    scenario, evidence = load(folder)
    verdict = judge(scenario, evidence)
    write(folder, VERDICT, verdicts.encode(verdict))
    write(folder, JUNIT, junit.render(verdict, evidence.began))
    write(folder, SUMMARY, markdown.render(scenario, verdict, evidence.began).encode())
    text = scenario_text(folder).decode()
    write(folder, REPORT, html.render(text, scenario, evidence, verdict, logs(folder)).encode())
    return verdict


def verdict(folder: Path) -> Verdict:
    """The one that a record has. Raises ``RecordingError``: it has none, or none that can be read."""
    try:
        return verdicts.decode((folder / VERDICT).read_bytes())
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordingError(f"{folder / VERDICT} cannot be read ({error}): judge the run again.") from error


def announce(folder: Path, say: Callable[[str], None]) -> None:
    """Put the summary of a run into that of the CI job it is part of, where it is part of one."""
    job = os.environ.get("GITHUB_STEP_SUMMARY")
    if not job:
        return
    try:
        with Path(job).open("ab") as file:
            file.write((folder / SUMMARY).read_bytes() + b"\n")
    except OSError as error:
        # The verdict is there; that a page beside it lacks a paragraph must not cost the exit code.
        say(f"{job} cannot be written ({error.strerror}): the job's summary lacks {folder / SUMMARY}.")


def write(folder: Path, name: str, data: bytes) -> None:
    try:
        (folder / name).write_bytes(data)
    except OSError as error:
        raise RecordingError(f"{folder / name} cannot be written: {error.strerror}.") from error


def point_latest(runs: Path, folder: Path) -> None:
    """``runs/latest`` leads to the newest record; two runs at once each leave a whole link."""
    link = runs / "latest"
    fresh = runs / f".latest-{folder.name}"
    try:
        fresh.symlink_to(folder.relative_to(runs.absolute()))
        fresh.replace(link)
    except OSError:
        return  # a file system without links: the record is there under its own name


def resolve(name: str, runs: Path) -> Path:
    """A record's folder, given as a path, as a run's name, or as ``latest``."""
    for folder in (Path(name), runs / name):
        if (folder / "journal.jsonl").is_file():
            return folder.resolve()
    raise RecordingError(f"{name}: there is no record there, nor under {runs}; name a folder with a journal.jsonl.")
