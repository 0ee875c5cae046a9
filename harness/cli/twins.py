"""``harness twins``: every scenario on the healthy cluster, on its broken twin, and on the twin without the fault."""

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec

from harness.cli import experiment, places, results
from harness.cli.bound import Bound, Overrides, draft, load
from harness.cli.sentences import sentences
from harness.cli.shorter import shorter
from harness.cli.whole import write_whole
from harness.drivers.images import Images
from harness.errors import HELD, INTERRUPTED, VIOLATED, HarnessError, RecordingError, ScenarioError
from harness.judge.judge import judge
from harness.judge.verdict import Verdict
from harness.loader.suite import Play
from harness.recording.folder import read
from harness.report.live import live
from harness.runner.play import Options
from harness.scenario import Scenario
from harness.signoff import playing, proof
from harness.signoff.playing import Done
from harness.signoff.proof import Cell, Row, Way
from harness.weave.weave import our_images

FOLDER = "twins"
# What only shows what was found: a change of it leaves every result as it is.
_SHOWN_ONLY = ("cli", "report", "series", "signoff")


class Kept(msgspec.Struct, frozen=True):
    """Where the record of a run is whose result counts as long as nothing of it changes."""

    scenario: str
    way: Way
    run: str


@dataclass(frozen=True, slots=True)
class Trial:
    """One of the three runs of a scenario. ``name``: as ``harness run`` takes it; ``key``: of all that could matter."""

    scenario: str
    way: Way
    name: str
    bound: Bound
    key: str


@click.command("twins")
@click.argument("names", nargs=-1)
@click.option("--kept", "only_kept", is_flag=True, help="Play nothing: the table of what was played before.")
@click.option("--only", multiple=True, type=click.Choice(proof.WAYS), help="Play no other way; may be given twice.")
@click.option("--runs", type=click.Path(path_type=Path), default=None, help="Folder of the records [runs].")
@sentences
def verb(names: tuple[str, ...], only_kept: bool, only: tuple[Way, ...], runs: Path | None) -> int:
    """Can each scenario fail? Each of NAMES (all, if none is given) is played three times, each run about 30 s long.

    Healthy: it must hold. Broken: on its twin it must violate what 'twin:' names. Control: on the twin without the
    fault it must hold. What came out so is not played again until the scenario, an image or the harness changes.
    Exit codes: 0 all are proven, 1 one holds on its twin or has none, 3 it cannot be told of one.
    """
    folder = runs or places.runs()
    rows: dict[str, Row] = {}
    played: tuple[Way, ...] = () if only_kept else only or proof.WAYS
    every = names or _every()
    for at, name in enumerate(every, 1):
        rows[name] = _row(name, folder, played, f"{at} of {len(every)}: ")
        if any(cell.exit_code == INTERRUPTED for cell in rows[name].values()):
            break
    click.echo(proof.table(rows), nl=False)
    return proof.exit_code(tuple(rows.values()))


def _every() -> tuple[str, ...]:
    """Every scenario that is not itself a twin."""
    return tuple(name for name in places.scenarios() if not name.startswith(places.TWINS))


def _row(name: str, runs: Path, played: Sequence[Way], place: str) -> Row:
    row: dict[Way, Cell] = {}
    code = _code_hash()
    for way in proof.WAYS:
        try:
            trial = _trial(name, way, runs, code)
            row[way] = trial if isinstance(trial, Cell) else _cell(trial, runs, only_kept=way not in played)
        except HarnessError as error:
            row[way] = Cell("refused", error.exit_code, str(error))
        if way in played:
            why = f" ({row[way].why})" if row[way].why else ""
            click.echo(f"{place}{name}, {way}: {row[way].words}{why}", err=True)
        if row[way].exit_code == INTERRUPTED:
            break
    return {way: row.get(way, proof.pending()) for way in proof.WAYS}


def _trial(name: str, way: Way, runs: Path, code: str) -> Trial | Cell:
    """What to play, or why there is nothing to play. Raises ``ScenarioError``, ``ClusterError`` as ``load`` does."""
    drafted = draft(name).draft
    scenario, own = drafted.scenario, f"{places.TWINS}{name}"
    if scenario is None:
        raise ScenarioError(drafted.problems)
    if scenario.expected is not None:
        own = name  # it is violated on the cluster as it is
        if way == "broken":
            return proof.needless()
    elif way != "healthy" and scenario.twin is None and own not in places.scenarios():
        return proof.missing() if way == "broken" else proof.pointless()
    if way == "control" and not scenario.faults and drafted.mix is None:
        return proof.pointless()  # its load is all there is; the judge asks of the warm-up whether the twin is alive
    played = _shortened(name if way == "healthy" else own, runs)
    bound = load(played, Overrides())
    return Trial(name, way, played, bound, _key(way, bound, code))


def _shortened(name: str, runs: Path) -> str:
    """The name, or that of a copy with less load around its fault, where its words allow it."""
    asked = draft(name)
    text = asked.file.read_text()
    if (short := shorter(text)) == text:
        return name
    declared = asked.name != places.name_of(asked.file)
    file = runs / FOLDER / "scenarios" / f"{places.name_of(asked.file)}.yaml"
    write_whole(file, short.encode())
    return f"{places.TWINS}{file}" if declared else str(file)


def _key(way: Way, bound: Bound, code: str) -> str:
    """Controls are the same run where cluster, load, and what Prometheus is asked are: no fault tells them apart."""
    images = Images(places.dockerfiles(), places.PACKAGE, lambda _: None)
    ours = sorted(images.reference(name) for name in {*experiment.OURS, *our_images(bound.config)})
    scenario = bound.scenario
    what = repr((bound.name, bound.text))
    if way == "control":
        links = sorted(scenario.proxied(bound.cluster))
        questions = tuple(_questions(scenario))
        what = repr((scenario.seed, scenario.phases, scenario.traffic, scenario.stop_when, links, questions))
    return hashlib.sha256(repr((way, code, ours, bound.config, what)).encode()).hexdigest()[:24]


def _questions(scenario: Scenario) -> Iterator[tuple[str, str, float | None]]:
    """What Prometheus is asked without faults: by which objective, what, and when a fault would have ended."""
    ends_s = {fault.name: fault.at_s + fault.for_s for fault in scenario.faults}
    for objective in scenario.objectives:
        question = objective.question() if objective.asked_without_faults else None
        if question:
            yield objective.name, question.query, ends_s[question.fault] if question.fault else None


def _code_hash() -> str:
    """Of everything of the harness that plays and judges."""
    digest = hashlib.sha256()
    for file in sorted(places.PACKAGE.rglob("*.py")):
        name = file.relative_to(places.PACKAGE)
        if name.parts[0] not in _SHOWN_ONLY:
            digest.update(f"{name.as_posix()} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _cell(trial: Trial, runs: Path, *, only_kept: bool) -> Cell:
    """From what was kept if it is as it must be, else from a run of it, which is kept if it came to an answer."""
    file = runs / FOLDER / f"{trial.key}.json"
    kept = _of_kept(file, trial, runs)
    if kept and (only_kept or kept.exit_code == HELD):
        return proof.cell(trial.way, kept)
    if only_kept:
        return proof.pending()
    played = playing.played_once(Play(trial.name, (), 1, trial.bound.scenario.phases.total_s), _player(trial, runs))
    if played.run is None or played.exit_code == INTERRUPTED:
        return proof.unplayed(played)
    verdict = _verdict(trial, runs / played.run)
    if verdict.exit_code in (HELD, VIOLATED):
        write_whole(file, msgspec.json.encode(Kept(trial.scenario, trial.way, played.run)) + b"\n")
    return proof.cell(trial.way, verdict)


def _of_kept(file: Path, trial: Trial, runs: Path) -> Verdict | None:
    """None: nothing was kept, or its record is gone."""
    try:
        kept = msgspec.json.decode(file.read_bytes(), type=Kept)
        return _verdict(trial, runs / kept.run)
    except (OSError, msgspec.MsgspecError, RecordingError):
        return None


def _verdict(trial: Trial, record: Path) -> Verdict:
    """A control may have been played for another scenario: it is judged by what this one asks."""
    if trial.way == "control":
        return judge(trial.bound.scenario, read(record))
    return results.verdict(record)


def _player(trial: Trial, runs: Path) -> Callable[[Play], Done]:
    def run(one: Play) -> Done:
        view = live(sys.stderr)
        try:
            options = Options(without_faults=trial.way == "control")
            done = experiment.run(one.scenario, Overrides(), options, runs, view)
        finally:
            view.close()
        return Done(done.verdict, done.folder.relative_to(runs.absolute()).as_posix(), done.interrupted)

    return run
