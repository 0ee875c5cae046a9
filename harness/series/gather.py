"""From what lies on the disk to a sample: a run, a folder of runs, a series or a baseline."""

from pathlib import Path

import msgspec

from harness.errors import RecordingError
from harness.judge import verdict as verdicts
from harness.judge.verdict import Verdict
from harness.loader import parse
from harness.recording import events
from harness.recording.folder import JOURNAL, SCENARIO, VERDICT, scenario_text
from harness.series import sample as samples
from harness.series.experiment import parts
from harness.series.record import SERIES, runs_of
from harness.series.sample import Sample

_WHAT = "name a run, a folder of runs, a series or a baseline"


def there(path: Path) -> bool:
    """Whether something lies there that ``gather`` would look into."""
    return path.is_file() or (path / JOURNAL).is_file() or (path / SERIES).is_file() or bool(_runs_in(path))


def gather(path: Path) -> Sample:
    """Raises ``RecordingError``: nothing is there, or it is not what it should be."""
    if path.name == SERIES or (path / SERIES).is_file():
        return _several(runs_of(path if path.is_dir() else path.parent), path)
    if path.is_file():
        return samples.decode(_bytes(path), str(path))
    if (path / JOURNAL).is_file():
        return of_folder(path)
    return _several(_runs_in(path), path)


def of_folder(folder: Path) -> Sample:
    """The sample that one run is."""
    verdict, began = _verdict(folder), _began(folder)
    text = scenario_text(folder)
    draft = parse(text, f"{began.scenario}.yaml")
    if draft.scenario is None:
        raise RecordingError(f"{folder / SCENARIO} cannot be read any more: {draft.problems[0].text}.")
    bounds = {objective.name: objective.bound for objective in draft.scenario.objectives}
    if missing := [finding.objective for finding in verdict.findings if finding.objective not in bounds]:
        raise RecordingError(f"{folder}: its verdict has {missing[0]}, and its scenario has no such objective.")
    return samples.of_run(verdict, began, parts(text, str(folder / SCENARIO)), bounds)


def _several(folders: tuple[Path, ...], path: Path) -> Sample:
    if not folders:
        raise RecordingError(f"{path}: there is no run with a verdict; {_WHAT}.")
    return samples.together([of_folder(folder) for folder in folders])


def _runs_in(folder: Path) -> tuple[Path, ...]:
    """The runs right below it that have a verdict, in the order of their time; one that still runs has none."""
    if not folder.is_dir():
        return ()
    return tuple(sorted(one.parent for one in folder.glob(f"*/{VERDICT}") if not one.parent.is_symlink()))


def _verdict(folder: Path) -> Verdict:
    file = folder / VERDICT
    if not file.is_file():
        raise RecordingError(f"{folder} has no verdict: judge it with 'harness judge {folder}' first.")
    try:
        return verdicts.decode(_bytes(file))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordingError(f"{file} is no verdict of this version ({error}): delete it and judge again.") from error


def _began(folder: Path) -> events.Began:
    try:
        with (folder / JOURNAL).open("rb") as journal:
            first = journal.readline()
    except OSError as error:
        raise RecordingError(f"{folder / JOURNAL} cannot be read ({error.strerror}).") from error
    began = events.decode(first, f"{folder / JOURNAL}:1")
    if not isinstance(began, events.Began):
        raise RecordingError(f"{folder / JOURNAL}:1: the journal has no beginning: the recording is damaged.")
    return began


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise RecordingError(f"{file} cannot be read ({error.strerror}); {_WHAT}.") from error
