"""The verbs. Each turns words into a call and errors into one sentence and an exit code."""

import json
import sys
from pathlib import Path

import click

from harness import __version__
from harness.cli import (
    debug,
    environment,
    experiment,
    healing,
    init,
    listing,
    places,
    results,
    series,
    signoff,
    suite,
    twins,
    up,
)
from harness.cli.bound import Overrides, load
from harness.cli.doctor import doctor as examine
from harness.cli.linearizable import linearizable
from harness.cli.options import RUNS, WITH
from harness.cli.sentences import sentences as _sentences
from harness.clock import monotonic_ns
from harness.drivers.images import Images
from harness.drivers.provision import ensure_engine
from harness.errors import HELD, INTERRUPTED, Problem, ScenarioError
from harness.faults import CATALOGUE
from harness.judge.compare import differences
from harness.judge.judge import judge as judged
from harness.judge.verdict import Verdict, encode
from harness.loader import notes, schema
from harness.recording.folder import VERDICT
from harness.report import catalogue, figures, terminal
from harness.report.console import console
from harness.report.live import live
from harness.runner.play import Options
from harness.schedule import plan_text, reach_text

_SEED = click.option("--seed", type=int, default=None, help="Instead of the scenario's own.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="harness")
def command() -> None:
    """Break a real cluster on schedule; answer held, violated or inconclusive.

    Exit codes: 0 held, 1 violated, 2 the scenario or the command line is wrong, 3 inconclusive, 4 no verdict,
    130 interrupted.
    """


@command.command()
@click.argument("name")
@click.option("--no-faults", is_flag=True, help="The same run as a control: no fault is injected.")
@click.option("--twin", is_flag=True, help="Its broken twin: the cluster that 'twin:' says, on which it must fail.")
@click.option("--keep", is_flag=True, help="Leave the cluster up, healed.")
@click.option("--json", "as_json", is_flag=True, help="The verdict as JSON on standard output.")
@_SEED
@WITH
@RUNS
@series.REPEAT
@series.BASELINE
@series.SAVE_BASELINE
@_sentences
def run(
    name: str,
    no_faults: bool,
    twin: bool,
    keep: bool,
    as_json: bool,
    seed: int | None,
    variables: tuple[tuple[str, str], ...],
    runs: Path | None,
    repeat: int | None,
    baseline: str | None,
    save_baseline: str | None,
) -> int:
    """Play scenario NAME (a name, or a file) and judge it."""
    name = f"{places.TWINS}{name}" if twin else name
    folder, asked = runs or places.runs(), Overrides(seed, variables, baseline)
    options = Options(without_faults=no_faults, keep=keep)

    def once(overrides: Overrides) -> experiment.Result:
        view = live(sys.stderr, plain=as_json or environment.in_ci())
        try:
            return experiment.run(name, overrides, options, folder, view)
        finally:
            view.close()

    if several := series.wanted(name, repeat, seed, keep=keep):
        return series.play(several, once, asked, folder, as_json=as_json, baseline=save_baseline)
    done = once(asked)
    again = figures.again(name, done.verdict.seed, no_faults, variables)
    _print(done.verdict, done.folder, again, done.took_s, as_json=as_json)
    results.announce(done.folder, lambda text: click.echo(text, err=True))
    if save_baseline is not None:
        series.save(save_baseline, done.folder)
    if keep:
        click.echo(f"kept    the cluster is up; remove it with: harness down {done.project}", err=True)
    return INTERRUPTED if done.interrupted else done.verdict.exit_code


def _print(verdict: Verdict, folder: Path, again: str, took_s: float, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.buffer.write(encode(verdict))
        return
    terminal.render(verdict, places.shown(folder / results.REPORT), again, took_s, console(sys.stdout))


@command.command()
@click.argument("names", nargs=-1, required=True)
@WITH
@_sentences
def check(names: tuple[str, ...], variables: tuple[tuple[str, str], ...]) -> int:
    """Read scenario files as `run` would, and say everything that is wrong with them. Needs no engine."""
    problems: list[Problem] = []
    for name in names:
        try:
            bound = load(name, Overrides(None, variables))
        except ScenarioError as error:
            problems += error.problems
            continue
        parts = (
            (bound.scenario.faults, "fault"),
            (bound.scenario.objectives, "objective"),
            (bound.cluster.nodes, "node"),
        )
        counted = ", ".join(f"{len(things)} {noun}{'' if len(things) == 1 else 's'}" for things, noun in parts)
        click.echo(f"{name}: well ({counted})")
        click.echo(f"{name}: {reach_text(bound.scenario, bound.cluster)}")
        for note in notes(bound.scenario, bound.cluster):
            click.echo(f"{name}: note: {note}")
    if problems:
        raise ScenarioError(problems)
    return HELD


@command.command()
@click.argument("name")
@WITH
@_sentences
def plan(name: str, variables: tuple[tuple[str, str], ...]) -> int:
    """The exact timeline of scenario NAME: links, moves and how each is undone. Needs no engine."""
    bound = load(name, Overrides(None, variables))
    click.echo(plan_text(bound.scenario, bound.cluster, notes(bound.scenario, bound.cluster)), nl=False)
    return HELD


@command.command("schema")
@_sentences
def print_schema() -> int:
    """The JSON Schema of a scenario file."""
    click.echo(json.dumps(schema(), indent=2))
    return HELD


@command.command("list")
@click.argument("what", type=click.Choice(list(listing.LISTS)))
@click.argument("kind", type=click.Choice(list(CATALOGUE)), required=False, metavar="[KIND]")
@click.option("--long", "long", is_flag=True, help="Of faults: the page of each.")
@click.option(
    "--markdown", is_flag=True, help="The page in docs/: of faults, objectives, clients, scenarios, clusters."
)
@RUNS
@_sentences
def list_(what: str, kind: str | None, long: bool, markdown: bool, runs: Path | None) -> int:
    """What there is, one line each with an example; of faults also the page of one KIND, or of all."""
    if markdown:
        if what not in listing.PAGES or kind:
            raise click.UsageError(f"there is a page of {', '.join(listing.PAGES)}: write 'harness list {what}'")
        click.echo(listing.PAGES[what](), nl=False)
        return HELD
    if kind or long:
        if what != "faults":
            raise click.UsageError(f"only faults have pages of their own: write 'harness list {what}'")
        shown = [CATALOGUE[kind]] if kind else CATALOGUE.values()
        click.echo("\n".join(catalogue.text(catalogue.page(one)) for one in shown), nl=False)
        return HELD
    click.echo(listing.text(what, runs or places.runs()), nl=False)
    return HELD


@command.command()
@click.argument("name", default="latest")
@click.option("--json", "as_json", is_flag=True, help="The verdict as JSON on standard output.")
@RUNS
@_sentences
def judge(name: str, as_json: bool, runs: Path | None) -> int:
    """Judge an old run again, from its record alone. Says where the verdict differs from the one it has."""
    began_ns = monotonic_ns()
    folder = results.resolve(name, runs or places.runs())
    scenario, evidence = results.load(folder)
    verdict = judged(scenario, evidence)
    took_s = (monotonic_ns() - began_ns) / 1e9
    _print(verdict, folder, f"harness judge {places.shown(folder)}", took_s, as_json=as_json)
    old = folder / VERDICT
    if not old.is_file():
        results.conclude(folder)
    elif changed := differences(old.read_bytes(), verdict):
        click.echo("the recorded verdict differs:\n  " + "\n  ".join(changed), err=True)
        return verdict.exit_code or 3
    return verdict.exit_code


@command.command()
@_sentences
def engine() -> int:
    """Find a container engine with compose and buildx; where there is none and we are root, install one."""
    facts = ensure_engine(lambda text: click.echo(text, err=True))
    click.echo(f"docker {facts.server}, compose {facts.compose}, buildx {facts.buildx}, kernel {facts.kernel}")
    return HELD


@command.command("images")
@_sentences
def build_images() -> int:
    """Build the images that are not here yet; nothing is rebuilt when nothing changed."""

    def say(text: str) -> None:
        click.echo(text, err=True)

    ensure_engine(say)
    names = sorted(folder.name for folder in places.dockerfiles().iterdir() if (folder / "Dockerfile").is_file())
    for reference in Images(places.dockerfiles(), places.PACKAGE, say).ensure(names).values():
        click.echo(reference)
    return HELD


@command.command()
@_sentences
def status() -> int:
    """Runs that have containers on this engine, and whether their harness is alive."""
    for line in healing.status():
        click.echo(line)
    return HELD


@command.command()
@_sentences
def doctor() -> int:
    """Look at the engine, and try each mechanism once in a throw-away sidecar."""
    return examine(lambda text: click.echo(text, err=True))


@command.command()
@click.argument("project", required=False)
@click.option("--keep", is_flag=True, help="Undo the faults and leave the cluster up.")
@_sentences
def heal(project: str | None, keep: bool) -> int:
    """Undo and remove what dead runs left behind; all of them, or PROJECT (which may be a kept one)."""
    return healing.heal(project, click.echo, keep=keep)


@command.command(hidden=True)
@click.argument("project")
@click.argument("record", type=click.Path(path_type=Path))
@click.option("--keep", is_flag=True)
@_sentences
def guard(project: str, record: Path, keep: bool) -> int:
    """The guardian's own process; started by `run`, never by hand."""
    return healing.guard(project, record, click.echo, keep=keep)


command.add_command(suite.verb)
command.add_command(twins.verb)
command.add_command(signoff.sign_off)
command.add_command(signoff.check)
command.add_command(series.command)
command.add_command(linearizable)
command.add_command(init.verb)
command.add_command(debug.verb)
for verb in up.VERBS:
    command.add_command(verb)
