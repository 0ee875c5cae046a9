"""One file with everything somebody needs to check a release later: written here, taken apart and checked here."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from harness.errors import BundleError, ChangedError
from harness.signoff.archive import CHUNK, Broken, Limits, Reader, Writer, header, name_problem
from harness.signoff.keys import SIGNATURE_BYTES, PublicKey, SigningKey

SCHEMA = 1
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
LIMITS = Limits()
_MANIFEST_BYTES_MAX = 32 << 20
_RELEASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,59}", re.ASCII)

Source = bytes | Path


class Sum(msgspec.Struct, frozen=True):
    name: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """``key``: fingerprint of the key it is signed with; None: it is not signed. ``files``: by name, in order."""

    schema: int
    release: str
    made: str
    key: str | None
    files: tuple[Sum, ...]


def check_release(name: str) -> str:
    """``name``, which becomes a file's and a folder's. Raises ``BundleError``."""
    if not _RELEASE.fullmatch(name) or name_problem(name):
        raise BundleError(f"'{name}' cannot be a release: write letters, digits and ._+-, such as v1.2.3.")
    return name


def write(path: Path, release: str, made: str, files: Mapping[str, Source], key: SigningKey | None) -> Manifest:
    """The bundle of these files (name -> bytes, or where they are). The same files make the same bytes.

    ``made``: ISO 8601, UTC. Raises ``BundleError``; nothing is left at ``path`` then.
    """
    check_release(release)
    if len({name.lower() for name in files}) < len(files):
        raise BundleError("two files of the bundle differ in upper and lower case only: rename one.")
    sums = tuple(_sum(name, files[name]) for name in sorted(files))
    manifest = Manifest(SCHEMA, release, made, key.fingerprint if key else None, sums)
    encoded = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    fresh = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as stream:
            writer = Writer(stream)
            _put(writer, f"{release}/{MANIFEST}", encoded)
            if key:
                _put(writer, f"{release}/{SIGNATURE}", key.sign(encoded))
            for one in sums:
                _put_file(writer, release, one, files[one.name])
            writer.close()
        fresh.replace(path)
    except OSError as error:
        raise BundleError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        fresh.unlink(missing_ok=True)
    return manifest


def _sum(name: str, source: Source) -> Sum:
    if name in (MANIFEST, SIGNATURE):
        raise BundleError(f"{name} is made with the bundle: no other file may be called so.")
    if problem := name_problem(name):
        raise BundleError(f"'{name}' cannot be in a bundle: it {problem}.")
    digest, size = hashlib.sha256(), 0
    for data in _pieces(source):
        digest.update(data)
        size += len(data)
    return Sum(name, size, digest.hexdigest())


def _pieces(source: Source) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    try:
        if source.is_symlink() or not source.is_file():
            raise BundleError(f"{source} is no plain file: a bundle has only those.")
        with source.open("rb") as stream:
            while data := stream.read(CHUNK):
                yield data
    except OSError as error:
        raise BundleError(f"{source} cannot be read: {error.strerror}.") from error


def _put(writer: Writer, name: str, data: bytes) -> None:
    writer.begin(name, len(data))
    writer.put(data)


def _put_file(writer: Writer, release: str, one: Sum, source: Source) -> None:
    name = f"{release}/{one.name}"
    try:
        header(name, one.bytes)
    except ValueError as error:
        raise BundleError(f"{one.name} cannot be in a bundle: its name is too long.") from error
    writer.begin(name, one.bytes)
    digest = hashlib.sha256()
    for data in _pieces(source):
        digest.update(data)
        writer.put(data)
    if digest.hexdigest() != one.sha256:
        raise BundleError(f"{one.name} changed while it was being packed: is a run still writing?")


def unpack(
    path: Path,
    into: Path,
    key: PublicKey | None,
    limits: Limits = LIMITS,
    tell: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Check sums and signature, and write the files below ``into``, each only if the manifest has it.

    ``ChangedError`` names the first file that is not as it was; ``BundleError``: it cannot be read at all. What was
    written before an error is not to be trusted. ``tell`` hears what of the signature was checked.
    """
    try:
        with path.open("rb") as stream, _named(path.name):
            return _unpacked(stream, path.name, into, key, limits, tell)
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}.") from error


@contextmanager
def _named(name: str) -> Iterator[None]:
    """What is broken is said of the file that should stand there."""
    try:
        yield
    except Broken as broken:
        raise ChangedError(f"{name}: {broken}.") from broken


def _unpacked(
    stream: BinaryIO, name: str, into: Path, key: PublicKey | None, limits: Limits, tell: Callable[[str], None]
) -> Manifest:
    reader = Reader(stream, limits)
    files = reader.files()
    with _named(MANIFEST):
        first, size = next(files, ("nothing", 0))
        release, _, rest = first.partition("/")
        if rest != MANIFEST or size > _MANIFEST_BYTES_MAX:
            raise Broken(f"should stand first, and '{first}' does")
        encoded = b"".join(reader.content(size))
    manifest = _manifest(encoded, release)
    if manifest.key is not None:
        with _named(SIGNATURE):
            _take(files, f"{release}/{SIGNATURE}", SIGNATURE_BYTES)
            signature = b"".join(reader.content(SIGNATURE_BYTES))
        _check(manifest, encoded, signature, key, tell)
    elif key:
        raise ChangedError(f"{MANIFEST}: is not signed, and a key was given to check it with.")
    else:
        tell("not signed: whoever could change the file could change its sums as well")
    for one in manifest.files:
        with _named(one.name):
            _take(files, f"{release}/{one.name}", one.bytes)
            _extract(reader, one, into)
    # Whatever follows is in no manifest; ``files`` itself looks at the end and at the seal.
    more = next(files, None)
    if more is not None:
        raise ChangedError(f"{more[0].partition('/')[2]}: is in the archive and not in the manifest.")
    return manifest


def _take(files: Iterator[tuple[str, int]], name: str, size_bytes: int) -> None:
    found = next(files, None)
    if found is None:
        raise Broken("is missing")
    if found[0] != name:
        raise Broken(f"is missing: '{found[0]}' stands in its place")
    if found[1] != size_bytes:
        raise Broken(f"has {found[1]:,} bytes; the manifest says {size_bytes:,}")


def _manifest(encoded: bytes, release: str) -> Manifest:
    try:
        manifest = msgspec.json.decode(encoded, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ChangedError(f"{MANIFEST}: is no manifest ({error}).") from error
    names = [one.name for one in manifest.files]
    if manifest.schema != SCHEMA:
        raise BundleError(f"{MANIFEST}: is of schema {manifest.schema}, and this harness knows {SCHEMA}.")
    if manifest.release != release or names != sorted(set(names)) or any(map(name_problem, names)):
        raise ChangedError(f"{MANIFEST}: is not as we write it.")
    return manifest


def _check(
    manifest: Manifest, encoded: bytes, signature: bytes, key: PublicKey | None, tell: Callable[[str], None]
) -> None:
    if key is None:
        tell(f"signed with the key {manifest.key}, which was not checked: give it with --key")
        return
    if not key.signed(signature, encoded):
        other = f" (it says {manifest.key}, yours is {key.fingerprint})" if manifest.key != key.fingerprint else ""
        raise ChangedError(f"{MANIFEST}: the signature is not one of this key{other}.")
    tell(f"signed with the key {key.fingerprint}")


def _extract(reader: Reader, one: Sum, into: Path) -> None:
    file = into / one.name
    digest = hashlib.sha256()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as stream:
            for data in reader.content(one.bytes):
                digest.update(data)
                stream.write(data)
    except OSError as error:
        raise BundleError(f"{file} cannot be written: {error.strerror}.") from error
    if digest.hexdigest() != one.sha256:
        raise Broken("was changed: its SHA-256 is not that of the manifest")
