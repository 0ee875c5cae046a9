"""``harness suite``: scenarios one after the other, a line each, and pages at the end."""

import secrets
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

import click
from msgspec.structs import replace

from harness.cli import experiment, places, results, suite_baselines
from harness.cli.baselines import BASELINES
from harness.cli.bound import Overrides, draft, load
from harness.cli.sentences import sentences
from harness.clock import monotonic_ns, wall
from harness.drivers.provision import Say
from harness.errors import ClusterError, EngineError, Problem, RecordingError, ScenarioError
from harness.loader.reading import did_you_mean
from harness.loader.suite import Known, Play, Suite, parse
from harness.report.live import live
from harness.runner.play import Options
from harness.signoff import pages, playing
from harness.signoff.folder import SUITES, SuiteFolder
from harness.signoff.playing import Done, Player
from harness.signoff.record import Played, SuiteRecord, row_of
from harness.units import show_s


@click.command("suite")
@click.argument("name")
@click.option("--runs", type=click.Path(path_type=Path), default=None, help="Folder of the records [runs].")
@click.option("--baseline", metavar="NAME", default=None, help="Say what became worse since; none yet is no error.")
@click.option(
    "--save-baseline", metavar="NAME", default=None, help=f"Keep the figures of what passed, in {BASELINES}/NAME/."
)
@sentences
def verb(name: str, runs: Path | None, baseline: str | None, save_baseline: str | None) -> int:
    """Play the scenarios of suite NAME one after the other, or all with the tag NAME. The exit code is the worst."""
    folder = runs or places.runs()
    suite, source = read(name)
    path, record = play(suite, source, folder, player(folder), click.echo, baseline)
    click.echo(pages.headline(record))
    if record.compared:
        click.echo(pages.against_headline(record.compared))
        for row in record.compared.rows:
            for one in row.worse:
                click.echo(f"  {one.answer}  {row.label}: {one.objective} {one.now}, before {one.before}")
    if save_baseline is not None:
        kept = suite_baselines.save(save_baseline, record, folder)
        click.echo(f"saved   {places.shown(BASELINES / save_baseline)} ({kept} scenarios)", err=True)
    click.echo(f"suite   {places.shown(path / pages.INDEX)}")
    return record.exit_code


def read(name: str) -> tuple[Suite, bytes]:
    """The suite of that name and its file. Raises ``ScenarioError`` with all problems, of its scenarios as well."""
    suites = places.suites()
    if name not in suites:
        return _of_tag(name, suites)
    try:
        source = suites[name].read_bytes()
    except OSError as error:
        raise ScenarioError([Problem(places.shown(suites[name]), 0, f"cannot be read ({error.strerror})")]) from error
    suite = parse(source, places.shown(suites[name]), known(), wall().toordinal())
    _refuse_early(suite)
    return suite, source


def _of_tag(tag: str, suites: Collection[str]) -> tuple[Suite, bytes]:
    """Where no suite has the name: every scenario with that tag, in the order of their names."""
    there = known()
    tags = {one for scenario in there.values() for one in scenario.tags}
    if tag not in tags:
        hint = did_you_mean(tag, sorted({*suites, *tags}))
        raise ScenarioError([Problem(tag, 0, f"there is no suite of that name, and no scenario with that tag{hint}")])
    which = f"tags: [{tag}]" + (", without: [twin]" if tag != "twin" and "twin" in tags else "")
    source = f"suite: {tag}\nabout: Every scenario with the tag {tag}.\nscenarios: [{{{which}}}]\n".encode()
    suite = parse(source, f"{tag}.yaml", there)
    _refuse_early(suite)
    return suite, source


def known() -> Mapping[str, Known]:
    """Every scenario there is. Raises ``ScenarioError``: one that cannot be read has no tags to be picked by."""
    found: dict[str, Known] = {}
    problems: list[Problem] = []
    for name in places.scenarios():
        drafted = draft(name).draft
        problems += drafted.problems
        if scenario := drafted.scenario:
            objectives = tuple(objective.name for objective in scenario.objectives)
            lasts_s = scenario.phases.total_s
            found[name] = Known(scenario.tags, lasts_s, objectives, drafted.seed)
            if scenario.twin:
                twin = Known(scenario.as_twin().tags, lasts_s, objectives, drafted.seed)
                found.setdefault(f"{places.TWINS}{name}", twin)
    if problems:
        raise ScenarioError(problems)
    return found


def _refuse_early(suite: Suite) -> None:
    """What would be refused in an hour is refused now, as far as that can be told on this machine as it is."""
    problems: list[Problem] = []
    for one in suite.plays:
        try:
            if not one.skip:
                load(one.scenario, Overrides(None, one.variables))
        except ScenarioError as error:
            problems += (
                Problem(row_of(one).label if p.file == "--with" else p.file, p.line, p.text) for p in error.problems
            )
        except ClusterError as error:
            problems.append(Problem(row_of(one).label, 0, str(error)))
        except EngineError:
            break  # no compose plugin yet: it comes with the first run, which reads the file again
    if problems:
        raise ScenarioError(list(dict.fromkeys(problems)))


def player(runs: Path) -> Player:
    """The real one: what ``harness run`` does, with its progress on standard error."""

    def run(one: Play) -> Done:
        view = live(sys.stderr)
        try:
            done = experiment.run(one.scenario, Overrides(one.seed, one.variables), Options(), runs, view)
        finally:
            view.close()
        return Done(done.verdict, done.folder.relative_to(runs.absolute()).as_posix(), done.interrupted)

    return run


def play(
    suite: Suite, source: bytes, runs: Path, real: Player, say: Say, baseline: str | None = None
) -> tuple[Path, SuiteRecord]:
    """Play it and keep its folder whole after every run. Returns the folder and what it came to.

    ``baseline``: the name of what it is held against at its end; None: nothing.
    """
    began = wall()
    suffix = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(5))
    folder = SuiteFolder(runs, suite.name, f"{began:%Y-%m-%dT%H-%M-%S}-{suffix}", source)

    def tell(record: SuiteRecord, one: Play, played: Played) -> None:
        folder.write(record)
        say(
            f"{played.headword:<12}  {row_of(one).label}: {played.sentence.removeprefix(f'{one.scenario}: ')}  "
            f"({show_s(played.took_s)})"
        )

    def clock_s() -> float:
        return monotonic_ns() / 1e9

    record = playing.play(suite, real, clock_s, began.isoformat(timespec="seconds"), tell)
    if baseline is not None:
        record = replace(record, compared=suite_baselines.compared(baseline, record, runs))
    folder.write(record)
    results.point_latest(runs / SUITES / suite.name, folder.path.absolute())
    return folder.path, record


def resolve(name: str, runs: Path) -> Path:
    """The folder of a suite that was played, given as a path or as ``nightly/latest``."""
    for folder in (Path(name), runs / SUITES / name):
        if (folder / "suite.json").is_file():
            return folder.resolve()
    raise RecordingError(f"{name}: no suite was played there, nor under {runs / SUITES}.")
