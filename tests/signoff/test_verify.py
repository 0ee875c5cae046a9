"""Somebody who was not there checks a bundle of whole runs: what does not follow from the records is found."""
# ruff: noqa: E501  a message is one line, here as on the terminal

import random
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from harness import __version__
from harness.cli import results
from harness.errors import BundleError, ChangedError, HarnessError
from harness.judge.verdict import JUDGE
from harness.signoff import assemble, bundle
from harness.signoff.assemble import Wanted
from harness.signoff.bundle import Source
from harness.signoff.environment import Image
from harness.signoff.keys import PublicKey, SigningKey
from harness.signoff.release import Release
from harness.signoff.verify import Verified, verify
from tests.signoff.stories import LOST, one, played
from tests.signoff.tampering import repacked, spots

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
WAIVERS = b"""\
waivers:
  - {scenario: partition, objective: answers, who: Ada, why: known, until: 2026-11-21}
  - {scenario: partition, objective: tail, who: Ada, why: known, until: 2026-11-20}
"""
GOOD_RUN, LOST_RUN = "runs/partition/t1-1", "runs/partition/t1-2"
SUITE = "runs/suites/signoff/t1"
IMAGE = Image("chaos-harness/ollama:4f1c22d0", "sha256:1234", ("chaos-harness/ollama@sha256:5678",))

Judged = tuple[Path, Release]


def of(runs: Path, suite: Path, path: Path, key: SigningKey | None = None, waivers: bytes = WAIVERS) -> Release:
    wanted = Wanted("v1.2.3", NOW, runs, suite, waivers, key)
    return assemble.assemble(wanted, path, results.load, lambda wanted: [IMAGE] * len(wanted))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """runs/ with a suite of two runs: one held, one violated; and a run of a third that is in no suite."""
    folder = tmp_path_factory.mktemp("home")
    played(folder / "runs", one(), one(X="b"), script={"partition (X=b)": LOST}, kept=True)
    played(folder / "runs", one(), name="t0", kept=True)
    return folder


@pytest.fixture(scope="module")
def made(home: Path) -> Judged:
    path = home / "v1.2.3.tar.gz"
    return path, of(home / "runs", home / SUITE, path)


@pytest.fixture(scope="module")
def files(made: Judged, home: Path) -> Mapping[str, bytes]:
    """Every file of the bundle."""
    bundle.unpack(made[0], home / "files", None)
    return {
        file.relative_to(home / "files").as_posix(): file.read_bytes()
        for file in sorted((home / "files").rglob("*"))
        if file.is_file()
    }


def check(path: Path, into: Path, key: PublicKey | None = None) -> tuple[Verified, list[str]]:
    told: list[str] = []
    return verify(path, into, key, results.load, told.append), told


def test_a_bundle_is_what_follows_from_its_records(made: Judged, tmp_path: Path) -> None:
    found, told = check(made[0], tmp_path)
    assert (found.release, found.runs, found.unchecked) == (made[1], 2, ())
    assert told == [
        "not signed: whoever could change the file could change its sums as well",
        f"{len([file for file in tmp_path.rglob('*') if file.is_file()])} files, every sum as in the manifest",
        "2 runs judged again, each verdict the same to the byte",
    ]


def test_it_has_everything_that_somebody_else_needs(files: Mapping[str, bytes]) -> None:
    run = {f"{GOOD_RUN}/{name}" for name in (
        "scenario.yaml", "resolved.json", "compose.yaml", "journal.jsonl", "probes.jsonl", "operations/chat.bin",
        "logs/gateway.log", "verdict.json", "junit.xml", "report.html",
    )}  # fmt: skip
    suite = {f"{SUITE}/{name}" for name in ("suite.json", "suite.yaml", "summary.md", "junit.xml", "index.html")}
    top = {"SIGNOFF.md", "SIGNOFF.html", "release.json", "environment.json", "waivers.yaml"}
    assert set(files) >= {*run, *(name.replace(GOOD_RUN, LOST_RUN) for name in run), *suite, *top}
    environment = msgspec.json.decode(files["environment.json"])
    assert environment["images"] == [{"reference": IMAGE.reference, "id": IMAGE.id, "digests": list(IMAGE.digests)}]
    assert ["kernel", "6.18.0"] in environment["facts"]
    assert {name for name, _ in environment["packages"]} >= {"msgspec", "jinja2"}


def test_the_page_on_top_says_whether_why_and_how_to_check_it(made: Judged, files: Mapping[str, bytes]) -> None:
    page, html = files["SIGNOFF.md"].decode(), files["SIGNOFF.html"].decode()
    assert page.startswith("# ✘ NOT READY: v1.2.3\n")
    for said in (made[1].sentence, "harness verify v1.2.3.tar.gz", "is not signed", "expired: it does not count"):
        assert said.replace("(", "\\(") in page or said in page
        assert said in html
    assert "| accepted | partition (X=b) | answers: " in page
    links = set(re.findall(r'href="([^"]+)"', html))
    assert links == {f"{SUITE}/index.html", f"{GOOD_RUN}/report.html", f"{LOST_RUN}/report.html"}
    assert links <= set(files)
    assert "<script" not in html


def test_links_of_the_suites_page_lead_to_what_is_in_the_bundle(files: Mapping[str, bytes]) -> None:
    links = set(re.findall(r'href="../../../([^"]+)"', files[f"{SUITE}/index.html"].decode()))
    assert links == {f"{run.removeprefix('runs/')}/report.html" for run in (GOOD_RUN, LOST_RUN)}


def test_the_same_runs_make_the_same_bundle(made: Judged, home: Path, tmp_path: Path) -> None:
    of(home / "runs", home / SUITE, tmp_path / "again.tar.gz")
    assert (tmp_path / "again.tar.gz").read_bytes() == made[0].read_bytes()


def test_a_byte_that_is_changed_in_any_of_its_files_is_laid_to_that_file(
    made: Judged, files: Mapping[str, bytes], tmp_path: Path
) -> None:
    places, dice = spots(made[0]), random.Random(6)
    copy = tmp_path / "v1.2.3.tar.gz"
    copy.write_bytes(made[0].read_bytes())
    for number, name in enumerate(files):
        at = dice.randrange(*places[name])

        def change(raw: bytearray, at: int = at) -> None:
            raw[at] ^= dice.randrange(1, 256)

        with pytest.raises(ChangedError) as caught:
            check(repacked(copy, change), tmp_path / f"into{number}")
        assert str(caught.value) == f"{name}: was changed: its SHA-256 is not that of the manifest."


# --- a forger who makes the sums fit ----------------------------------------------------------------------------------


def forged(files: Mapping[str, bytes], path: Path, changes: Mapping[str, bytes | None]) -> Path:
    """The bundle with other files (None: without) and sums that fit."""
    now: dict[str, Source] = {**files, **{name: data for name, data in changes.items() if data is not None}}
    for name in changes:
        if changes[name] is None:
            del now[name]
    bundle.write(path, "v1.2.3", NOW.isoformat(timespec="seconds"), now, None)
    return path


def swapped(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new)

    return change


FORGED: list[tuple[str, Callable[[bytes], bytes | None], str]] = [
    (f"{LOST_RUN}/verdict.json", swapped(b'"violated"', b'"held"'), f"{LOST_RUN}/verdict.json: judged again it is another: outcome: "),
    (f"{LOST_RUN}/verdict.json", lambda data: data + b" ", f"{LOST_RUN}/verdict.json: judged again it is another: the same values, written in other bytes"),
    (f"{LOST_RUN}/verdict.json", lambda _: None, f"{LOST_RUN}/verdict.json: is missing."),
    (f"{LOST_RUN}/verdict.json", lambda _: b"\xff{", f"{LOST_RUN}/verdict.json: cannot be read ("),
    (f"{LOST_RUN}/operations/chat.bin", lambda data: data[:-40], f"{LOST_RUN}/verdict.json: judged again it is another: "),
    (f"{LOST_RUN}/operations/chat.bin", lambda data: data[:-1], f"{LOST_RUN}/verdict.json: judged again it is another: "),
    (f"{LOST_RUN}/journal.jsonl", lambda data: data.replace(b'"is":"Ended"', b'"is":"Endet"'), f"{LOST_RUN}: cannot be judged again ("),
    (f"{LOST_RUN}/journal.jsonl", lambda _: b"\xff\xfe\n", f"{LOST_RUN}: cannot be judged again ("),
    (f"{LOST_RUN}/scenario.yaml", swapped(b'success: ">= 99.5%"', b'success: ">= 1%"'), f"{LOST_RUN}/verdict.json: judged again it is another: "),
    (f"{SUITE}/suite.json", swapped(b'"exit_code": 1', b'"exit_code": 0'), "suite.json: says other of partition/t1-2 than its verdict does."),
    (f"{SUITE}/suite.json", swapped(b'"VIOLATED"', b'"HELD"'), "suite.json: says other of partition/t1-2 than its verdict does."),
    (f"{SUITE}/suite.json", swapped(b'"partition/t1-2"', b'"partition/t1-1"'), f"{SUITE}/suite.json: has the run partition/t1-1 twice."),
    (f"{SUITE}/suite.json", swapped(b'"partition/t1-2"', b'"../t1-2"'), "suite.json: names a run outside of the bundle."),
    (f"{SUITE}/suite.json", swapped(b'"scenario": "partition"', b'"scenario": "kill"'), f"{GOOD_RUN}: is the record of another run (partition/t1-1 of partition)."),
    (f"{SUITE}/suite.json", lambda data: re.sub(rb'"X",\s+"b"', b'"X", "c"', data), f"{LOST_RUN}: is the record of another run (partition/t1-2 of partition)."),
    (f"{SUITE}/suite.json", swapped(b'"repeats": 1', b'"repeats": 0'), "release.json: decided again from the runs and the waivers it is another."),
    (f"{SUITE}/suite.json", lambda _: b"{}", f"{SUITE}/suite.json: cannot be read ("),
    ("waivers.yaml", swapped(b"2026-11-20", b"2026-11-22"), "release.json: decided again from the runs and the waivers it is another."),
    ("waivers.yaml", swapped(b"why: known", b"why: unknown"), "release.json: decided again from the runs and the waivers it is another."),
    ("waivers.yaml", lambda _: b"waivers: 1", "waivers.yaml: cannot be read (waivers.yaml:1: "),
    ("release.json", swapped(b'"not ready"', b'"ready"'), "release.json: decided again from the runs and the waivers it is another."),
    ("release.json", swapped(b'"v1.2.3"', b'"v1.2.4"'), "release.json: is of another release, or of another day, than manifest.json."),
    ("release.json", swapped(b'"2026-11-21"', b'"2026-11-22"'), "release.json: is of another release, or of another day, than manifest.json."),
    ("release.json", swapped(f'"{SUITE}"'.encode(), b'"../suites"'), "release.json: names a folder outside of the bundle."),
    ("release.json", lambda _: None, "release.json: is missing."),
    ("SIGNOFF.md", swapped(b"NOT READY", b"READY"), "SIGNOFF.md: made again from release.json it is another."),
    ("SIGNOFF.html", swapped(b"NOT READY", b"READY"), "SIGNOFF.html: made again from release.json it is another."),
    ("environment.json", swapped(b"6.18.0", b"6.18.1"), "SIGNOFF.md: made again from release.json it is another."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "said"), FORGED)
def test_what_does_not_follow_from_the_records_is_found_though_every_sum_fits(
    files: Mapping[str, bytes], tmp_path: Path, name: str, change: Callable[[bytes], bytes | None], said: str
) -> None:
    path = forged(files, tmp_path / "forged.tar.gz", {name: change(files[name])})
    with pytest.raises(ChangedError) as caught:
        check(path, tmp_path / "into")
    assert str(caught.value).startswith(said)


def test_a_good_run_in_the_place_of_a_bad_one_is_found(home: Path, files: Mapping[str, bytes], tmp_path: Path) -> None:
    other = home / "runs" / "partition" / "t0-1"
    changes: dict[str, bytes | None] = {
        f"{LOST_RUN}/{file.relative_to(other).as_posix()}": file.read_bytes()
        for file in other.rglob("*")
        if file.is_file()
    }
    with pytest.raises(ChangedError) as caught:
        check(forged(files, tmp_path / "forged.tar.gz", changes), tmp_path / "into")
    assert str(caught.value) == f"{LOST_RUN}: is the record of another run (partition/t0-1 of partition)."


def test_what_another_judge_judged_is_not_called_the_same(files: Mapping[str, bytes], tmp_path: Path) -> None:
    changes: dict[str, bytes | None] = {
        f"{run}/verdict.json": swapped(f'"judge": "{JUDGE}"'.encode(), b'"judge": "0"')(files[f"{run}/verdict.json"])
        for run in (GOOD_RUN, LOST_RUN)
    }
    found, told = check(forged(files, tmp_path / "forged.tar.gz", changes), tmp_path / "into")
    assert found.unchecked == (
        f"judged by judge 0, and this harness has judge {JUDGE}: use the harness that made the bundle",
    )
    assert told[-1] == "2 runs judged again"


def test_pages_of_another_harness_are_said_not_to_be_checked(files: Mapping[str, bytes], tmp_path: Path) -> None:
    old = f'"harness": "{__version__}"'.encode()
    changes: dict[str, bytes | None] = {"release.json": swapped(old, b'"harness": "0.0.9"')(files["release.json"])}
    found, told = check(forged(files, tmp_path / "forged.tar.gz", changes), tmp_path / "into")
    assert found.unchecked == ()
    assert (
        told[-1] == f"SIGNOFF.md and SIGNOFF.html not made again: they are by harness 0.0.9, and this is {__version__}"
    )


# --- signatures -------------------------------------------------------------------------------------------------------


def keys(folder: Path, name: str = "key") -> tuple[Path, Path]:
    """(private, public), as openssl writes them."""
    key = ed25519.Ed25519PrivateKey.generate()
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{name}.pem").write_bytes(private)
    (folder / f"{name}.pub").write_bytes(public)
    return folder / f"{name}.pem", folder / f"{name}.pub"


def test_a_signature_is_checked_with_the_key_that_is_given(home: Path, tmp_path: Path) -> None:
    private, public = keys(tmp_path)
    path = tmp_path / "v1.2.3.tar.gz"
    of(home / "runs", home / SUITE, path, SigningKey(private))
    key = PublicKey(public)
    _, told = check(path, tmp_path / "into", key)
    assert told[0] == f"signed with the key {key.fingerprint}"
    _, told = check(path, tmp_path / "unchecked")
    assert told[0] == f"signed with the key {key.fingerprint}, which was not checked: give it with --key"
    assert f"signed with the Ed25519 key {key.fingerprint}" in (tmp_path / "into" / "SIGNOFF.md").read_text()
    assert "--key PUBLIC" in (tmp_path / "into" / "SIGNOFF.md").read_text()
    other = PublicKey(keys(tmp_path, "other")[1])
    with pytest.raises(ChangedError) as caught:
        check(path, tmp_path / "other", other)
    assert str(caught.value) == (
        f"manifest.json: the signature is not one of this key (it says {key.fingerprint}, yours is {other.fingerprint})."
    )
    assert not (tmp_path / "other").exists()


def test_a_bundle_that_was_made_anew_without_the_key_is_found(made: Judged, tmp_path: Path) -> None:
    key = PublicKey(keys(tmp_path)[1])
    with pytest.raises(ChangedError) as caught:
        check(made[0], tmp_path / "into", key)
    assert str(caught.value) == "manifest.json: is not signed, and a key was given to check it with."


def test_any_byte_of_a_signed_bundle_counts(tmp_path: Path) -> None:
    private, public = keys(tmp_path)
    path, key = tmp_path / "v1.tar.gz", PublicKey(public)
    bundle.write(path, "v1", NOW.isoformat(), {"a": b"x", "b": b"y"}, SigningKey(private))
    bundle.unpack(path, tmp_path / "good", key)
    good = path.read_bytes()
    for at in range(0, len(good), 3):
        path.write_bytes(good[:at] + bytes((good[at] ^ 0x10,)) + good[at + 1 :])
        with pytest.raises(ChangedError):
            bundle.unpack(path, tmp_path / f"into{at}", key)


def test_what_is_no_key_is_said_so(tmp_path: Path) -> None:
    private, public = keys(tmp_path)
    (tmp_path / "rubbish").write_text("rubbish")
    curve = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "other.pem").write_bytes(
        curve.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
        )
    )
    cases: list[tuple[type[SigningKey] | type[PublicKey], Path, str]] = [
        (SigningKey, tmp_path / "nope", "cannot be read: No such file or directory."),
        (SigningKey, tmp_path / "rubbish", "is no private key in PEM without a passphrase"),
        (SigningKey, tmp_path / "other.pem", "is no private key in PEM without a passphrase"),
        (SigningKey, public, "is no private key in PEM without a passphrase"),
        (PublicKey, tmp_path / "rubbish", "is no public key in PEM"),
        (PublicKey, private, "is no public key in PEM"),
    ]
    for kind, file, said in cases:
        with pytest.raises(BundleError, match=re.escape(said)):
            kind(file)


def test_without_the_package_for_signatures_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private, public = keys(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, name, None)
    for kind, file in ((SigningKey, private), (PublicKey, public)):
        with pytest.raises(BundleError, match=r"pip install 'chaos-harness\[signoff\]'"):
            kind(file)


def test_a_run_whose_verdict_is_gone_is_not_bundled(home: Path, tmp_path: Path) -> None:
    path, _ = played(tmp_path / "runs", one(), name="t9", kept=True)
    (tmp_path / "runs" / "partition" / "t9-1" / "verdict.json").unlink()
    with pytest.raises(HarnessError, match=r"verdict\.json cannot be read"):
        of(tmp_path / "runs", path, tmp_path / "v1.2.3.tar.gz")
    with pytest.raises(HarnessError, match="is this the folder of a suite"):
        of(tmp_path / "runs", tmp_path, tmp_path / "v1.2.3.tar.gz")
    assert not (tmp_path / "v1.2.3.tar.gz").exists()
