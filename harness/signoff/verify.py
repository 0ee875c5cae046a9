"""A bundle is checked by somebody who was not there: sums, signature, every run judged again, the answer made again."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from harness import __version__, errors
from harness.errors import ChangedError, HarnessError
from harness.judge import verdict as verdicts
from harness.judge.compare import differences
from harness.judge.judge import judge
from harness.judge.verdict import JUDGE, Verdict
from harness.recording.folder import VERDICT
from harness.report import figures
from harness.signoff import bundle, environment, paper, record, release
from harness.signoff.archive import name_problem
from harness.signoff.assemble import ENVIRONMENT, HTML, MARKDOWN, RELEASE, RUNS, WAIVERS, Load
from harness.signoff.bundle import Manifest
from harness.signoff.keys import PublicKey
from harness.signoff.paper import Paper
from harness.signoff.record import Played, Row, SuiteRecord
from harness.signoff.release import Release
from harness.signoff.waivers import Waiver, parse
from harness.weave.redact import hidden

T = TypeVar("T")
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Verified:
    """``runs``: how many were judged again, to the byte. ``unchecked``: what this harness could not check, and why."""

    release: Release
    runs: int
    unchecked: tuple[str, ...]


def verify(path: Path, into: Path, key: PublicKey | None, load: Load, tell: Tell) -> Verified:
    """``into``: an empty folder to unpack to. ``ChangedError`` names the first file that is not as it was."""
    manifest = bundle.unpack(path, into, key, tell=tell)
    tell(f"{len(manifest.files):,} files, every sum as in the manifest")
    stored = _read(into, RELEASE, release.decode)
    played = _suite(into, stored, manifest)
    waivers = _read(into, WAIVERS, lambda data: parse(data, WAIVERS, None))
    again: dict[str, Verdict] = {}
    unchecked: list[str] = []
    for row in played.rows:
        for one in row.played:
            if one.run is None:
                continue
            if one.run in again:
                raise ChangedError(f"{stored.folder}/{record.SUITE}: has the run {one.run} twice.")
            again[one.run] = _run(into, row, one, load, unchecked)
    of = f"{len(again)} run{'s' * (len(again) != 1)}"
    tell(f"{of} judged again" + ("" if unchecked else ", each verdict the same to the byte"))
    if not unchecked:
        _answer(into, stored, played, again, waivers)
        _pages(into, stored, played, manifest, tell)
    return Verified(stored, len(again), tuple(dict.fromkeys(unchecked)))


def _suite(into: Path, stored: Release, manifest: Manifest) -> SuiteRecord:
    if stored.release != manifest.release or not manifest.made.startswith(str(stored.made)):
        raise ChangedError(f"{RELEASE}: is of another release, or of another day, than {bundle.MANIFEST}.")
    name = f"{stored.folder}/{record.SUITE}"
    if name_problem(name):
        raise ChangedError(f"{RELEASE}: names a folder outside of the bundle.")
    return _read(into, name, lambda data: record.decode(data, name))


def _run(into: Path, row: Row, one: Played, load: Load, unchecked: list[str]) -> Verdict:
    """The verdict of one run, made anew from its record."""
    name = f"{RUNS}/{one.run}"
    if name_problem(name):
        raise ChangedError(f"{record.SUITE}: names a run outside of the bundle.")
    old = _read(into, f"{name}/{VERDICT}", lambda data: data)
    was = _read(into, f"{name}/{VERDICT}", verdicts.decode)
    if was.judge != JUDGE:
        text = f"judged by judge {was.judge}, and this harness has judge {JUDGE}: use the harness that made the bundle"
        unchecked.append(text)
        return was
    try:
        scenario, evidence = load(into / name)
        verdict = judge(scenario, evidence)
    except Exception as error:  # whoever forged a record may have put anything there
        raise ChangedError(f"{name}: cannot be judged again ({type(error).__name__}: {error}).") from error
    if changed := differences(old, verdict):
        raise ChangedError(f"{name}/{VERDICT}: judged again it is another: {changed[0]}")
    variables = tuple((name, hidden(name, value)) for name, value in row.variables)
    began = evidence.began
    if verdict.run != one.run or began is None or (began.scenario, began.variables) != (row.scenario, variables):
        raise ChangedError(f"{name}: is the record of another run ({verdict.run} of {verdict.scenario}).")
    code = one.exit_code if one.exit_code == errors.INTERRUPTED else verdict.exit_code
    told = (verdict.outcome, code, figures.headword(verdict), figures.sentence(verdict))
    if told != (one.outcome, one.exit_code, one.headword, one.sentence):
        raise ChangedError(f"{record.SUITE}: says other of {one.run} than its verdict does.")
    return verdict


def _answer(
    into: Path, stored: Release, played: SuiteRecord, again: dict[str, Verdict], waivers: tuple[Waiver, ...]
) -> None:
    """Ready, not ready or cannot tell, decided anew as of the day on which it was made."""
    case = release.Case(stored.release, stored.made, stored.folder, played, again, waivers)
    decided = replace(release.decide(case, JUDGE), harness=stored.harness)
    if release.encode(decided) != (into / RELEASE).read_bytes():
        raise ChangedError(f"{RELEASE}: decided again from the runs and the waivers it is another.")


def _pages(into: Path, stored: Release, played: SuiteRecord, manifest: Manifest, tell: Tell) -> None:
    """The page on top, made anew, where this harness is the one that made it."""
    if stored.harness != __version__:
        tell(f"{MARKDOWN} and {HTML} not made again: they are by harness {stored.harness}, and this is {__version__}")
        return
    top = Paper(stored, played, _read(into, ENVIRONMENT, environment.decode), manifest.key)
    for name, made in ((MARKDOWN, paper.as_markdown(top)), (HTML, paper.as_html(top))):
        if (into / name).read_bytes() != made.encode():
            raise ChangedError(f"{name}: made again from {RELEASE} it is another.")


def _read(into: Path, name: str, decode: Callable[[bytes], T]) -> T:
    try:
        return decode((into / name).read_bytes())
    except FileNotFoundError as error:
        raise ChangedError(f"{name}: is missing.") from error
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, HarnessError) as error:
        raise ChangedError(f"{name}: cannot be read ({error}).") from error
