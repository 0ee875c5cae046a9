"""A bundle gives back what was put in; a byte that was changed is found, and what would do harm is refused."""

import hashlib
import io
import random
import tarfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import BundleError, ChangedError
from harness.signoff import bundle
from harness.signoff.archive import BLOCK, SEAL_BYTES, Limits, Writer, header, name_problem
from harness.signoff.bundle import Manifest, Source, Sum
from tests.signoff.tampering import repacked, sealed, spots

MADE = "2026-11-21T09:30:12+00:00"
FILES: dict[str, Source] = {
    "SIGNOFF.md": b"# ready\n",
    "runs/kill/1/journal.jsonl": b'{"is":"Began"}\n' * 40,
    "runs/kill/1/operations/chat.bin": random.Random(7).randbytes(200),
    "runs/kill/1/probes.jsonl": b"",
    "runs/kill/1/verdict.json": b'{"outcome":"held"}\n',
}


def made(folder: Path, files: dict[str, Source] = FILES) -> Path:
    bundle.write(folder / "v1.tar.gz", "v1", MADE, files, None)
    return folder / "v1.tar.gz"


class Fresh:
    """A new empty folder at every call."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0

    def __call__(self) -> Path:
        self._count += 1
        return self._folder / f"into{self._count}"


@pytest.fixture
def fresh(tmp_path: Path) -> Fresh:
    return Fresh(tmp_path)


def refused(path: Path, into: Path, limits: Limits = bundle.LIMITS) -> str:
    with pytest.raises(ChangedError) as caught:
        bundle.unpack(path, into, None, limits)
    return str(caught.value)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_what_was_put_in_comes_out(tmp_path: Path) -> None:
    manifest = bundle.unpack(made(tmp_path), tmp_path / "into", None)
    assert contents(tmp_path / "into") == FILES
    assert [one.name for one in manifest.files] == sorted(FILES)
    assert (manifest.release, manifest.made, manifest.key) == ("v1", MADE, None)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,3}\.[0-9]", fullmatch=True), st.binary(max_size=2000), max_size=5))
@settings(max_examples=30)
def test_whatever_was_put_in_comes_out(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    folder = tmp_path_factory.mktemp("any")
    bundle.unpack(made(folder, dict(files)), folder / "into", None)
    assert contents(folder / "into") == files if files else not (folder / "into").exists()


def test_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    on_disk: dict[str, Source] = {}
    for name, data in reversed(FILES.items()):
        assert isinstance(data, bytes)
        on_disk[name] = tmp_path / name.replace("/", "-")
        (tmp_path / name.replace("/", "-")).write_bytes(data)
    assert made(tmp_path / "a").read_bytes() == made(tmp_path / "b", on_disk).read_bytes()


def test_every_tar_can_read_it(tmp_path: Path) -> None:
    with tarfile.open(made(tmp_path)) as archive:
        names = [member.name for member in archive]
        assert names == ["v1/manifest.json", *(f"v1/{name}" for name in sorted(FILES))]
        file = archive.extractfile("v1/SIGNOFF.md")
        assert file is not None and file.read() == FILES["SIGNOFF.md"]
        assert {(member.mode, member.mtime, member.uid, member.uname) for member in archive} == {(0o644, 0, 0, "")}


def test_every_single_byte_that_is_changed_is_found(tmp_path: Path, fresh: Fresh) -> None:
    good = made(tmp_path).read_bytes()
    bad, dice = tmp_path / "bad.tar.gz", random.Random(6)
    for at in range(len(good)):
        bad.write_bytes(good[:at] + bytes((good[at] ^ dice.randrange(1, 256),)) + good[at + 1 :])
        with pytest.raises(ChangedError):
            bundle.unpack(bad, fresh(), None)


def test_wherever_it_is_cut_off_that_is_found(tmp_path: Path, fresh: Fresh) -> None:
    good = made(tmp_path).read_bytes()
    bad = tmp_path / "bad.tar.gz"
    for length in range(0, len(good), 17):
        bad.write_bytes(good[:length])
        refused(bad, fresh())
    for more in (b"\0", good):
        bad.write_bytes(good + more)
        refused(bad, fresh())


@pytest.mark.parametrize("name", [name for name, data in FILES.items() if data])
def test_the_file_that_was_changed_is_named_even_if_everything_else_fits(
    tmp_path: Path, fresh: Fresh, name: str
) -> None:
    path = made(tmp_path)
    begin, end = spots(path)[name]
    for at in random.Random(name).sample(range(begin, end), min(12, end - begin)):

        def change(raw: bytearray, at: int = at) -> None:
            raw[at] ^= 0x04

        said = refused(repacked(path, change), fresh())
        assert said == f"{name}: was changed: its SHA-256 is not that of the manifest."


@pytest.mark.parametrize("name", FILES)
def test_damage_in_the_compression_is_laid_to_the_file_it_hits(tmp_path: Path, fresh: Fresh, name: str) -> None:
    """A long file of noise is not compressed: a byte of it is a byte of the archive."""
    noise: dict[str, Source] = {key: random.Random(key).randbytes(150_000) for key in FILES}
    path = made(tmp_path, noise)
    data, packed = noise[name], bytearray(path.read_bytes())
    assert isinstance(data, bytes)
    at = packed.find(data[75_000:75_040])
    assert at > 0
    packed[at] ^= 1
    path.write_bytes(packed)
    assert refused(path, fresh()) == f"{name}: was changed: its SHA-256 is not that of the manifest."


def test_of_several_changed_files_the_first_is_named(tmp_path: Path, fresh: Fresh) -> None:
    path = made(tmp_path)
    of = spots(path)

    def change(raw: bytearray) -> None:
        for name in ("runs/kill/1/verdict.json", "runs/kill/1/journal.jsonl"):
            raw[of[name][0]] ^= 1

    assert refused(repacked(path, change), fresh()).startswith("runs/kill/1/journal.jsonl: was changed")


def test_bytes_behind_a_files_end_are_found(tmp_path: Path, fresh: Fresh) -> None:
    path = made(tmp_path)
    end = spots(path)["SIGNOFF.md"][1]
    said = refused(repacked(path, lambda raw: raw.__setitem__(end, 7)), fresh())
    assert said == "SIGNOFF.md: has something written behind its end."


def test_another_compression_of_the_same_files_is_found_by_its_seal(tmp_path: Path, fresh: Fresh) -> None:
    path = made(tmp_path)
    good = path.read_bytes()
    path.write_bytes(good[:4] + b"\x01" + good[5:])  # the date in gzip's header, which means nothing
    assert refused(path, fresh()) == "v1.tar.gz: the archive's own bytes were changed, though no file in it was."


# --- what would do harm -----------------------------------------------------------------------------------------------


def raw_of(*members: tuple[tarfile.TarInfo, bytes], known: int) -> bytes:
    """A tar of anything, before it a manifest of the first ``known``, each of which is empty."""
    blocks = [_with_manifest(*(info.name.removeprefix("v1/") for info, _ in members[:known]))]
    blocks += [info.tobuf(tarfile.USTAR_FORMAT) + padded(data) for info, data in members]
    return b"".join(blocks) + bytes(2 * BLOCK)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def member(
    name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"", **more: object
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode = kind, len(data), 0o644
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (member("../evil"), "'../evil' in its place, which leads out of its folder"),
        (member("v1/../../evil"), "which leads out of its folder"),
        (member("v1//evil"), "which leads out of its folder"),
        (member("v1/./evil"), "which leads out of its folder"),
        (member("/etc/passwd"), "'/etc/passwd' in its place, which is an absolute name"),
        (member("C:/evil"), "which is an absolute name"),
        (member("v1/a\\..\\evil"), "which is an absolute name"),
        (member("v1/a\nb"), "'v1/a\\nb' in its place, which has a character other than"),
        (member("v1/con. "), "which has a character other than"),
        (member("v1/con."), "which has a part that ends with a dot"),
        (member("v1/a", tarfile.SYMTYPE, linkname="/etc"), "which is a symbolic link"),
        (member("v1/a", tarfile.LNKTYPE, linkname="/etc/passwd"), "which is a hard link"),
        (member("v1/a", tarfile.CHRTYPE), "which is a device"),
        (member("v1/a", tarfile.BLKTYPE), "which is a device"),
        (member("v1/a", tarfile.FIFOTYPE), "which is a pipe"),
        (member("v1/a", tarfile.DIRTYPE), "which is a folder"),
        (member("v1/a", tarfile.GNUTYPE_LONGNAME), "which is no plain file"),
        (member("v1/a", tarfile.GNUTYPE_SPARSE), "which is no plain file"),
        (member("v1/a", tarfile.XHDTYPE), "which is no plain file"),
        (member("v1/a", tarfile.XGLTYPE), "which is no plain file"),
        (member("v1/a", mode=0o4755), "has a header that was changed ('v1/a')"),
        (member("v1/a", uname="root"), "has a header that was changed ('v1/a')"),
        (member("v1/a", mtime=1), "has a header that was changed ('v1/a')"),
        (member("v1/a", linkname="b"), "has a header that was changed ('v1/a')"),
    ],
)
def test_what_is_no_plain_file_below_the_bundle_is_refused_and_nothing_is_written(
    tmp_path: Path, bad: tuple[tarfile.TarInfo, bytes], why: str
) -> None:
    raw = raw_of(member("v1/A"), bad, known=1)
    assert why in refused(sealed(tmp_path / "bad.tar.gz", raw), tmp_path / "into")
    assert set(tmp_path.rglob("*")) == {tmp_path / "bad.tar.gz", tmp_path / "into", tmp_path / "into" / "A"}


def test_the_same_name_twice_is_refused_in_any_case(tmp_path: Path, fresh: Fresh) -> None:
    for first, second in (("v1/a", "v1/a"), ("v1/A", "v1/a")):
        raw = raw_of(member(first), member(second), known=1)
        said = refused(sealed(tmp_path / "bad.tar.gz", raw), fresh())
        assert said == f"bad.tar.gz: is in the archive twice ('{second}')."


def _with_manifest(*names: str, sizes: int = 0) -> bytes:
    sums = tuple(Sum(name, sizes, hashlib.sha256(bytes(sizes)).hexdigest()) for name in names)
    encoded = msgspec.json.encode(Manifest(1, "v1", MADE, None, sums))
    return header("v1/manifest.json", len(encoded)) + padded(encoded)


def test_a_file_that_is_in_no_manifest_is_refused_and_one_that_is_gone_is_named(tmp_path: Path, fresh: Fresh) -> None:
    end = bytes(2 * BLOCK)
    path = tmp_path / "bad.tar.gz"
    more = _with_manifest("a") + header("v1/a", 0) + header("v1/b", 0) + end
    assert refused(sealed(path, more), fresh()) == "b: is in the archive and not in the manifest."
    gone = _with_manifest("a", "b", "c") + header("v1/a", 0) + header("v1/c", 0) + end
    assert refused(sealed(path, gone), fresh()) == "b: is missing: 'v1/c' stands in its place."
    last = _with_manifest("a", "b") + header("v1/a", 0) + end
    assert refused(sealed(path, last), fresh()) == "b: is missing."
    other = _with_manifest("a") + header("v2/a", 0) + end
    assert refused(sealed(path, other), fresh()) == "a: is missing: 'v2/a' stands in its place."
    assert refused(sealed(path, header("v1/a", 0) + end), fresh()) == (
        "manifest.json: should stand first, and 'v1/a' does."
    )
    assert refused(sealed(path, end), fresh()) == "manifest.json: should stand first, and 'nothing' does."


@pytest.mark.parametrize("names", [("b", "a"), ("a", "a"), ("../a",), ("/a",), ("",), ("a/",)], ids="-".join)
def test_a_manifest_that_we_would_not_write_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    raw = _with_manifest(*names) + bytes(2 * BLOCK)
    said = refused(sealed(tmp_path / "bad.tar.gz", raw), tmp_path / "into")
    assert said == "manifest.json: is not as we write it."


def test_a_file_and_a_folder_of_one_name_cannot_be_written(tmp_path: Path) -> None:
    raw = _with_manifest("a", "a/b") + header("v1/a", 0) + header("v1/a/b", 0) + bytes(2 * BLOCK)
    with pytest.raises(BundleError):
        bundle.unpack(sealed(tmp_path / "bad.tar.gz", raw), tmp_path / "into", None)


SMALL = Limits(files_max=3, file_bytes_max=5000, total_bytes_max=9000, ratio_max=20, free_bytes=30_000)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({f"f{n}": b"" for n in range(4)}, "a bundle has at most 3"),
        ({"a": b"x" * 5001}, "more than a bundle may hold"),
        ({"a": b"x" * 4500, "b": b"x" * 4500}, "more than a bundle may hold"),
    ],
)
def test_too_many_or_too_large_files_are_refused(tmp_path: Path, files: dict[str, Source], why: str) -> None:
    assert why in refused(made(tmp_path, files), tmp_path / "into", SMALL)


def test_a_bomb_is_refused_before_it_has_gone_off(tmp_path: Path) -> None:
    size = 1 << 24
    limits = Limits(free_bytes=1 << 20)
    path = tmp_path / "bomb.tar.gz"
    with path.open("wb") as stream:
        writer = Writer(stream)
        encoded = msgspec.json.encode(Manifest(1, "v1", MADE, None, (Sum("a", size, "0" * 64),)))
        writer.begin("v1/manifest.json", len(encoded))
        writer.put(encoded)
        writer.begin("v1/a", size)
        for _ in range(size >> 20):
            writer.put(bytes(1 << 20))
        writer.close()
    assert refused(path, tmp_path / "into", limits) == "a: is a bomb: more than 200 bytes come out of each."
    assert (tmp_path / "into" / "a").stat().st_size < size // 2


def test_a_bomb_behind_the_end_is_never_looked_into(tmp_path: Path) -> None:
    raw = _with_manifest() + bytes(2 * BLOCK) + bytes(1 << 24)
    said = refused(sealed(tmp_path / "bad.tar.gz", raw), tmp_path / "into")
    assert said == "bad.tar.gz: the end of the archive is not as it was written."


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04" + bytes(500), b"\x1f\x8b", bytes(5000)])
def test_what_is_no_bundle_at_all_is_said_so(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    assert refused(tmp_path / "x", tmp_path / "into") == "x: is no bundle of ours: it is no tar.gz, or was cut off."


def test_what_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"nope cannot be read: No such file or directory\."):
        bundle.unpack(tmp_path / "nope", tmp_path / "into", None)


@given(st.binary(min_size=SEAL_BYTES, max_size=3000))
def test_any_bytes_behind_a_right_seal_are_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("any")
    refused(sealed(folder / "x", data), folder / "into")


# --- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "../v1", "a/b", "v 1", ".v1", "v1.", "-v1", "x" * 61, "v1\n"])
def test_a_release_that_cannot_be_a_file_is_refused(name: str) -> None:
    with pytest.raises(BundleError, match="cannot be a release"):
        bundle.check_release(name)


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig", "../a", "a b", "x" * 101, f"{'d/' * 130}a"])
def test_a_file_that_could_not_be_unpacked_is_not_packed(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError):
        made(tmp_path, {name: b""})
    assert list(tmp_path.iterdir()) == []


def test_links_are_not_followed_into_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    with pytest.raises(BundleError, match="is no plain file"):
        made(tmp_path, {"a": tmp_path / "link"})


def test_names_that_differ_in_case_only_are_not_packed(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="upper and lower case"):
        made(tmp_path, {"a": b"", "A": b""})


def test_a_bundle_that_is_there_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    before = made(tmp_path).read_bytes()
    with pytest.raises(BundleError):
        made(tmp_path, {"a": tmp_path / "nope"})
    assert (tmp_path / "v1.tar.gz").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["v1.tar.gz"]


@given(st.text(max_size=30))
def test_a_name_that_is_let_through_stays_below_its_folder(name: str) -> None:
    if name_problem(name) is None:
        below = Path("/base") / name
        assert below.is_relative_to("/base") and ".." not in below.parts and name == below.as_posix()[6:]
        assert io.BytesIO(header(name, 0)).read(BLOCK)[: len(name)] == name.encode()
