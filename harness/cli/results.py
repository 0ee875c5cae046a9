"""What is made of a record: verdict, JUnit, report; the same for a run that just ended and for an old one."""

from pathlib import Path

from harness.errors import RecordingError
from harness.judge import verdict as verdicts
from harness.judge.judge import judge
from harness.judge.verdict import Verdict
from harness.loader import bind, parse
from harness.recording.events import Resolved
from harness.recording.evidence import Evidence
from harness.recording.folder import VERDICT, logs, read, scenario_text
from harness.report import html, junit
from harness.scenario import Scenario

REPORT, JUNIT = "report.html", "junit.xml"


def load(folder: Path) -> tuple[Scenario, Evidence]:
    """The scenario and the evidence of a record. Raises ``RecordingError``."""
    evidence = read(folder)
    if evidence.began is None:
        raise RecordingError(f"{folder}: the journal has no beginning: nothing was recorded that could be judged.")
    draft = parse(scenario_text(folder), f"{evidence.began.scenario}.yaml")
    found = {event.fault: dict(zip(event.targets, event.nodes, strict=True)) for event in evidence.of(Resolved)}
    return bind(draft, evidence.began.cluster, evidence.began.seed, found), evidence


def conclude(folder: Path) -> Verdict:
    """Judge a record and write verdict, JUnit and report into it."""
    scenario, evidence = load(folder)
    verdict = judge(scenario, evidence)
    write(folder, VERDICT, verdicts.encode(verdict))
    write(folder, JUNIT, junit.render(verdict))
    text = scenario_text(folder).decode()
    write(folder, REPORT, html.render(text, scenario, evidence, verdict, logs(folder)).encode())
    return verdict


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
