"""``harness up``, ``inject`` and ``down``: a cluster that stands for a while and is broken by hand."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import docker

from harness.cli import healing, places
from harness.cli.door import DOOR, Down, Ended, Inject, Reply, Up, ask, decode
from harness.cli.keeper import Wanted, keep
from harness.cli.options import RUNS, WITH
from harness.cli.sentences import sentences
from harness.drivers.docker import connect, runs_on
from harness.errors import HELD, EngineError, Problem, ScenarioError
from harness.runner import alive
from harness.units import duration_s

_LIFE_MIN_S, _LIFE_MAX_S = 10.0, 12 * 3600.0
_ENDS_S = 90.0  # what removing a cluster that was not up yet may take


def seconds(_: click.Context, __: click.Parameter, value: str) -> float:
    try:
        return duration_s(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


_LINKS = click.option(
    "--link",
    "links",
    multiple=True,
    metavar="'A -> B'",
    help="A connection that runs through Toxiproxy from the start.",
)
_LIFE = click.option(
    "--for", "life_s", default="30m", show_default=True, callback=seconds, help="How long it stands at the most."
)


@click.command("up")
@click.argument("name", metavar="CLUSTER|SCENARIO")
@_LIFE
@_LINKS
@WITH
@RUNS
@sentences
def up(
    name: str, life_s: float, links: tuple[str, ...], variables: tuple[tuple[str, str], ...], runs: Path | None
) -> int:
    """Start a cluster by itself and keep it up for a while; of a scenario also its load, while you break it.

    It goes when its time is over, or with 'harness down'. Its guardian removes it if what keeps it up dies.
    """
    _refuse_life(life_s)
    return _started(name, life_s, links, variables, runs or places.runs())


def _refuse_life(life_s: float) -> None:
    if not _LIFE_MIN_S <= life_s <= _LIFE_MAX_S:
        raise ScenarioError([Problem("--for", 0, f"is {life_s:g} s: write one from 10s to 12h")])


def _started(
    name: str, life_s: float, links: tuple[str, ...], variables: tuple[tuple[str, str], ...], runs: Path
) -> int:
    options = [f"--for={life_s:g}s", f"--runs={runs}", *(f"--link={link}" for link in links)]
    options += [f"--with={key}={value}" for key, value in variables]
    command = [sys.executable, "-m", "harness", "keeper", *options, "--", name]
    # It outlives us, so nobody waits for its end.
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    try:
        last = _heard(process)
    except KeyboardInterrupt:
        if process.stdin:
            process.stdin.close()  # it removes what it has started so far
        click.echo("stopping; what was started is removed", err=True)
        last = _heard(process)
        process.wait(_ENDS_S)
    match last:
        case Up(_, text):
            click.echo(text)
            return HELD
        case Ended(exit_code, error):
            click.echo(error, err=True)
            return exit_code
        case _:
            raise EngineError("what keeps the cluster up ended without a word; its guardian removes what there is.")


def _heard(process: "subprocess.Popen[bytes]") -> Reply | None:
    """The last word of what keeps the cluster up; what it says before goes to standard error."""
    for line in process.stdout or ():
        reply = decode(line)
        if isinstance(reply, Up | Ended):
            return reply
        click.echo(reply.text, err=True)
    return None


@click.command("keeper", hidden=True)
@click.argument("name")
@_LIFE
@_LINKS
@WITH
@RUNS
@sentences
def keeper(
    name: str, life_s: float, links: tuple[str, ...], variables: tuple[tuple[str, str], ...], runs: Path | None
) -> int:
    """What keeps a cluster up; started by `up`, never by hand."""
    return keep(Wanted(name, variables, links, life_s, runs or places.runs()))


@click.command("inject")
@click.argument("kind", metavar="FAULT")
@click.argument("words", nargs=-1, metavar="[NODE|LINK|WORD=VALUE]...")
@click.option("--for", "for_s", default="30s", show_default=True, callback=seconds, help="How long; then it heals.")
@click.option("--no-load", is_flag=True, help="Without the load of the scenario that is up.")
@click.option("--cluster", "project", default=None, help="Which one, where several are up.")
@sentences
def inject(kind: str, words: tuple[str, ...], for_s: float, no_load: bool, project: str | None) -> int:
    """Break the cluster that is up, for a while: `harness inject partition n1 from=everyone --for 10s`.

    What is seen of it is printed as it happens. Ctrl-C heals at once, and so does whatever else ends this command.
    Exit codes: 0 it was seen, and healed; 3 it was not seen, or not healed.
    """
    record = _one_up(connect(), project)[1]
    first = tuple(word for word in words if "=" not in word)
    said = dict(_pairs_of(words))
    if "for" in said or "at" in said:
        raise click.UsageError("it begins now: write how long with --for")
    done = ask(record, Inject(kind, first, said, for_s, no_load), click.echo)
    return _ended(done)


def _pairs_of(words: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((key, value) for key, sign, value in (word.partition("=") for word in words) if sign)


@click.command("down")
@click.argument("project", required=False)
@sentences
def down(project: str | None) -> int:
    """Heal and remove a cluster that is up, or one that was kept: PROJECT, or the only one that is up."""
    client = connect()
    if project is not None and project not in _up(client):
        return healing.heal(project, click.echo)
    name, record = _one_up(client, project)
    code = _ended(ask(record, Down(), click.echo))
    if code == HELD:
        click.echo(f"{name}: gone")
    return code


def _ended(done: Ended) -> int:
    if done.error:
        click.echo(done.error, err=True)
    return done.exit_code


def _up(client: docker.DockerClient) -> Mapping[str, Path]:
    """project -> record, of every cluster that somebody keeps up."""
    found = {name: remains.record for name, remains in runs_on(client).items()}
    return {name: record for name, record in found.items() if (record / DOOR).exists() and alive.is_alive(record)}


def _one_up(client: docker.DockerClient, project: str | None) -> tuple[str, Path]:
    standing = _up(client)
    if project is None and len(standing) == 1:
        return next(iter(standing.items()))
    if project is not None and project in standing:
        return project, standing[project]
    if not standing:
        raise EngineError("no cluster is up: start one with: harness up ollama")
    names = ", ".join(sorted(standing))
    what = f"'{project}' is not one of those that are up" if project else "several clusters are up, so say which"
    raise EngineError(f"{what}: {names} (inject --cluster NAME, down NAME)")


VERBS: tuple[click.Command, ...] = (up, inject, down, keeper)
