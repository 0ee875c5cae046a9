"""``harness signoff`` and ``harness verify``: a release is tried and bundled, and the bundle checked by anybody."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import docker.errors
import requests

from harness.cli import places, results
from harness.cli import suite as suites
from harness.cli.sentences import sentences
from harness.clock import wall
from harness.drivers.docker import connect
from harness.errors import HELD, INCONCLUSIVE, INTERRUPTED, BundleError, EngineError, HarnessError
from harness.signoff import assemble, bundle, release, verify, waivers
from harness.signoff.assemble import NO_WAIVERS, Wanted
from harness.signoff.environment import Image
from harness.signoff.keys import PublicKey, SigningKey
from harness.signoff.release import Release

_FILE = click.Path(path_type=Path)


@click.command("signoff")
@click.argument("name", metavar="RELEASE")
@click.option("--suite", "suite_name", default="signoff", help="The suite that is played [signoff].")
@click.option("--played", default=None, help="Bundle a suite that was played already (nightly/latest, or a folder).")
@click.option("--key", type=_FILE, default=None, help="Private Ed25519 key (PEM) to sign the bundle with.")
@click.option("--waivers", "waivers_file", type=_FILE, default=None, help="Objectives accepted as violated (YAML).")
@click.option("--out", type=_FILE, default=Path("signoff"), help="Folder of the bundles [signoff].")
@click.option("--runs", type=_FILE, default=None, help="Folder of the records [runs].")
@sentences
def sign_off(
    name: str,
    suite_name: str,
    played: str | None,
    key: Path | None,
    waivers_file: Path | None,
    out: Path,
    runs: Path | None,
) -> int:
    """Play the sign-off suite for RELEASE and write one bundle that others can check.

    Exit codes: 0 ready, 1 not ready, 3 cannot tell.
    """
    target = out / f"{bundle.check_release(name)}.tar.gz"
    if target.exists():
        raise BundleError(f"{target} is there already: move it away, a release is signed off once.")
    signing = SigningKey(key) if key else None
    folder = runs or places.runs()
    accepted = _waivers(waivers_file)
    if played is None:
        suite, source = suites.read(suite_name)
        _refuse(accepted, waivers_file, {one.scenario for one in suite.plays})
        path, record = suites.play(suite, source, folder, suites.player(folder), click.echo)
    else:
        path = suites.resolve(played, folder)
        record = assemble.read(path)
        _refuse(accepted, waivers_file, {row.scenario for row in record.rows})
    if record.exit_code == INTERRUPTED:
        click.echo("the suite was interrupted: no bundle was written", err=True)
        return INTERRUPTED
    wanted = Wanted(name, wall(), folder, path, accepted, signing)
    decided = assemble.assemble(wanted, target, results.load, _images)
    _check_our_own(target)
    _say(decided)
    click.echo(
        f"bundle  {places.shown(target)}" + (f"  signed with {signing.fingerprint}" if signing else "  not signed")
    )
    return release.EXIT[decided.answer]


@click.command("verify")
@click.argument("path", metavar="BUNDLE", type=_FILE)
@click.option("--key", type=_FILE, default=None, help="Public Ed25519 key (PEM) that must have signed it.")
@sentences
def check(path: Path, key: Path | None) -> int:
    """Check a sign-off BUNDLE: sums, signature, every run judged again. Needs no engine.

    Exit codes: 0 it is as it was made, 1 it was changed, 3 this harness cannot judge it, 4 it cannot be read.
    """
    public = PublicKey(key) if key else None
    with tempfile.TemporaryDirectory(prefix="chaos-harness-verify-") as into:
        found = verify.verify(path, Path(into), public, results.load, click.echo)
    _say(found.release)
    today = wall().date()
    for one in found.release.waivers:
        if one.use == "used" and one.until < today:
            click.echo(f"note    the waiver of {one.scenario}/{one.objective} counted then, and ended on {one.until}")
    for text in found.unchecked:
        click.echo(f"not checked: {text}", err=True)
    return INCONCLUSIVE if found.unchecked else HELD


def _check_our_own(target: Path) -> None:
    """What nobody can check later is no bundle: ours goes through what everybody's goes through."""
    try:
        with tempfile.TemporaryDirectory(prefix="chaos-harness-verify-") as into:
            verify.verify(target, Path(into), None, results.load, lambda _: None)
    except HarnessError:
        target.unlink(missing_ok=True)
        raise


def _say(decided: Release) -> None:
    click.echo(f"{decided.answer.upper()}  {decided.sentence}")
    for reason in decided.reasons:
        click.echo(f"  · {reason.label}: {reason.text}" + ("  (waived)" if reason.kind == "waived" else ""))


def _waivers(file: Path | None) -> bytes:
    if file is None:
        return NO_WAIVERS
    try:
        return file.read_bytes()
    except OSError as error:
        raise BundleError(f"The waivers {file} cannot be read: {error.strerror}.") from error


def _refuse(accepted: bytes, file: Path | None, scenarios: Iterable[str]) -> None:
    """A waiver that names nothing of the suite is found before the suite is played."""
    of = set(scenarios)
    there = {name: one for name, one in suites.known().items() if name in of}
    waivers.parse(accepted, places.shown(file) if file else assemble.WAIVERS, there)


def _images(references: frozenset[str]) -> Iterator[Image]:
    """What the engine knows of the images; one that is gone, or whose engine is gone, is said so."""
    try:
        client = connect()
    except EngineError:
        yield from (Image(reference, "no engine was there to ask", ()) for reference in references)
        return
    for reference in references:
        try:
            found = client.images.get(reference)
            yield Image(reference, str(found.id), tuple(sorted(found.attrs.get("RepoDigests") or ())))
        except (docker.errors.DockerException, requests.RequestException):
            yield Image(reference, "not on this engine any more", ())
