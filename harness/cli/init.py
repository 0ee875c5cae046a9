"""``harness init``: a compose file that nobody wrote for us gets its ``x-harness`` blocks and a first scenario."""

import secrets
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from harness import guardian
from harness.cli import healing, places
from harness.cli.bound import Overrides, load
from harness.cli.options import WITH
from harness.cli.sentences import sentences
from harness.drivers import compose
from harness.drivers.docker import connect
from harness.drivers.images import Images
from harness.drivers.look import Look
from harness.drivers.provision import ensure_engine
from harness.errors import HELD, ClusterError, RecordingError
from harness.init import declared, texts
from harness.init.declared import Declared
from harness.init.propose import Load, Sight, entrance, propose
from harness.loader import notes
from harness.runner import alive
from harness.weave import weave
from harness.weave.pods import Labels
from harness.weave.weave import describe, our_images

Pairs = tuple[tuple[str, str], ...]
_OURS = ("sidecar", "client", "prometheus")
_BEAT_S = 0.5


@click.command("init")
@click.argument("compose_file", type=click.Path(path_type=Path))
@click.option("--no-start", is_flag=True, help="Start nothing; guess from the file alone, and say so.")
@click.option("--scenario", default=texts.SCENARIO, metavar="NAME", help=f"Of the first scenario [{texts.SCENARIO}].")
@click.option("--patience", default=60, type=click.IntRange(1, 3600), metavar="SECONDS", help="To settle in [60].")
@WITH
@sentences
def verb(compose_file: Path, no_start: bool, scenario: str, patience: int, variables: Pairs) -> int:
    """Make COMPOSE_FILE ready for `run`: start it, ask it what it can, remove it, write what was seen.

    COMPOSE_FILE itself stays as it is. Beside it are written NAME.harness.yml (the x-harness blocks) and a first
    scenario; neither if one of them is there already.
    """
    blocks_file, scenario_file = compose.addition(compose_file), compose_file.with_name(f"{scenario}.yaml")
    _refuse(compose_file, blocks_file, scenario_file)
    resolved = compose.resolve(compose_file, "chaos", dict(variables))
    services, config = declared.read(resolved), declared.named(resolved)
    describe(compose_file.name, config)
    sights: Mapping[str, Sight] = {}
    if not no_start:
        sights = _looked_at(compose_file, config, services, patience)
    proposal = propose(services, sights, entrance(services, sights))
    _write(blocks_file, texts.addition(compose_file.name, proposal))
    click.echo(f"{places.shown(compose_file)} stays as it is; beside it {blocks_file.name} says what it cannot:")
    for line in texts.spoken(proposal):
        click.echo(line)
    if no_start:
        click.echo("All of this is guessed from the file. Without --no-start the cluster itself is asked.")
    if proposal.load is None or proposal.victim is None:
        click.echo(
            "No scenario was written: nothing here speaks HTTP, or another language that is known; "
            "'harness list clients' shows what can be asked."
        )
        return HELD
    text = texts.scenario(compose_file.name, scenario, proposal, proposal.load, proposal.victim, variables)
    _write(scenario_file, text)
    _check(scenario_file, variables)
    return HELD


def _refuse(compose_file: Path, *written: Path) -> None:
    if not compose_file.is_file():
        raise ClusterError(f"{compose_file}: there is no such file; give the path of a compose file.")
    for file in written:
        if file.exists():
            raise ClusterError(f"{places.shown(file)} is there already; move it away, or edit it by hand.")


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x") as stream:
            stream.write(text)
    except OSError as error:
        raise RecordingError(f"{places.shown(file)} cannot be written: {error.strerror}.") from error


def _check(file: Path, variables: Pairs) -> None:
    """What was written is read as ``run`` reads it."""
    bound = load(str(file), Overrides(None, variables))
    for note in notes(bound.scenario, bound.cluster):
        click.echo(f"note    {note}")
    shown = places.shown(file)
    click.echo(f"{shown} is a first scenario of {bound.scenario.phases.total_s:.0f} s, every line with its reason:")
    click.echo(f"    harness run {shown}")


def _looked_at(
    compose_file: Path, config: str, services: tuple[Declared, ...], patience_s: float
) -> Mapping[str, Sight]:
    def say(text: str) -> None:
        click.echo(text, err=True)

    ensure_engine(say)
    healing.refuse_residue(say)
    images = Images(places.dockerfiles(), places.PACKAGE, say).ensure({*_OURS, *our_images(config)})
    project = f"chaos-init-{secrets.token_hex(3)}"
    with _guarded(project) as record:
        woven = weave(compose_file.name, config, images, Labels(project, str(record)))
        look = Look(connect(), project, woven, services, compose_file.resolve().parent)
        try:
            look.start(say, patience_s)
            say("asking every port what it is")
            sights: Mapping[str, Sight] = look.sights()
            if asked := entrance(services, sights):
                sights = _with_met(sights, look.met(asked), asked)
        finally:
            say("taking everything down")
            look.running.stop()
    return sights


def _with_met(sights: Mapping[str, Sight], met: Mapping[str, int], load: Load) -> Mapping[str, Sight]:
    others = {name: count for name, count in met.items() if name != load.service.name}
    return {name: replace(sight, met=others.get(name, 0)) for name, sight in sights.items()}


@contextmanager
def _guarded(project: str) -> Iterator[Path]:
    """A folder for what is started, held like a run's record; a guardian removes it all if we die."""
    with tempfile.TemporaryDirectory(prefix="chaos-harness-init-") as name:
        lock = alive.hold(Path(name))
        guardian.mark_children(project)
        guard = guardian.spawn(project, Path(name), keep=False)
        over = threading.Event()

        def beat() -> None:
            while not over.wait(_BEAT_S):
                guard.alive()

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield Path(name)
        except BaseException:
            over.set()
            thread.join()
            guard.take_over()  # whatever we removed ourselves, it looks again
            raise
        else:
            over.set()
            thread.join()
            guard.done()
        finally:
            alive.release(lock)
