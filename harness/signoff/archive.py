"""A tar.gz in which there is one way only to write anything, so that a byte that was changed anywhere is found.

Why tar.gz and not zip: it is read in one pass, a file is described in one place only (a zip has two, and readers
differ in which they believe), and every machine can open it. What we write of tar is its plain files with short names:
a header is accepted only if it is, byte for byte, the one we would have written for that name and size, which leaves
no room for links, devices, long names, owners or dates. Compression hides bytes that mean nothing (padding, the
header's date): a second, empty gzip member at the end carries the SHA-256 of all that stands before it.
"""

import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

BLOCK = 512
CHUNK = 1 << 16
_ENDS = bytes(2 * BLOCK)
_LEVEL = 6
_GZIP = 31  # zlib's number for a gzip member
_SEAL_HEAD = b"\x1f\x8b\x08\x10\x00\x00\x00\x00\x00\x03sha256 of all before: "
_SEAL_TAIL = b"\x00\x03\x00" + bytes(8)  # end of the comment, nothing compressed, its sum and length
SEAL_BYTES = len(_SEAL_HEAD) + 64 + len(_SEAL_TAIL)
_KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.DIRTYPE: "a folder",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a bundle may unpack to. ``ratio_max``: bytes out for one byte in, once more than ``free_bytes`` came out."""

    files_max: int = 20_000
    file_bytes_max: int = 1 << 30
    total_bytes_max: int = 8 << 30
    ratio_max: int = 200
    free_bytes: int = 16 << 20


class Broken(Exception):
    """What is wrong with an archive, as the end of a sentence that begins with the name of a file."""


def name_problem(name: str) -> str | None:
    """Why a name is refused, as half a sentence; None where it may be written below a folder, on any machine."""
    parts = name.split("/")
    if name.startswith("/") or ":" in parts[0] or "\\" in name:
        return "is an absolute name"
    if any(part in ("", ".", "..") for part in parts):
        return "leads out of its folder"
    if not name.isascii() or not all(c.isalnum() or c in "._+-@=,/" for c in name):
        return "has a character other than letters, digits and ._+-@=,"
    if any(part.endswith(".") for part in parts):
        return "has a part that ends with a dot"
    return None


def header(name: str, size_bytes: int) -> bytes:
    """The one header a file of that name and size has. Raises ``ValueError`` where ustar has no room for it."""
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.type = size_bytes, 0o644, tarfile.REGTYPE
    return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


class Writer:
    """Files in, one after the other; ``close`` ends it with the seal."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._sum = hashlib.sha256()
        self._padding = 0

    def begin(self, name: str, size_bytes: int) -> None:
        self._put(bytes(self._padding) + header(name, size_bytes))
        self._padding = -size_bytes % BLOCK

    def put(self, data: bytes) -> None:
        self._put(data)

    def close(self) -> None:
        self._put(bytes(self._padding) + _ENDS)
        self._raw(self._deflate.flush())
        self._stream.write(seal(self._sum.hexdigest()))

    def _put(self, data: bytes) -> None:
        self._raw(self._deflate.compress(data))

    def _raw(self, data: bytes) -> None:
        self._sum.update(data)
        self._stream.write(data)


def seal(digest: str) -> bytes:
    return _SEAL_HEAD + digest.encode() + _SEAL_TAIL


class Reader:
    """Files out, in the order of the archive. Every method raises ``Broken``; ``stream`` must be seekable."""

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self._limits = limits
        self._bytes = _Inflated(stream, limits)
        self._files = 0
        self._total_bytes = 0

    def files(self) -> Iterator[tuple[str, int]]:
        """(name, size); what ``content`` gives of one must be taken before the next is asked for."""
        names: set[str] = set()
        while (block := self._bytes.take(BLOCK)) != bytes(BLOCK):
            name, size = _parsed(block)
            self._files += 1
            self._total_bytes += size
            if name.lower() in names:
                raise Broken(f"is in the archive twice ('{name}')")
            names.add(name.lower())
            if self._files > self._limits.files_max:
                raise Broken(f"is file number {self._files:,}: a bundle has at most {self._limits.files_max:,}")
            if size > self._limits.file_bytes_max or self._total_bytes > self._limits.total_bytes_max:
                raise Broken(f"would make {max(size, self._total_bytes):,} bytes, which is more than a bundle may hold")
            yield name, size
        if self._bytes.take(BLOCK) != bytes(BLOCK):
            raise Broken("the end of the archive is not as it was written")
        self._bytes.end()

    def content(self, size_bytes: int) -> Iterator[bytes]:
        """The bytes of the file that ``files`` gave last, in pieces."""
        left = size_bytes
        while left:
            data = self._bytes.take(min(left, CHUNK))
            left -= len(data)
            yield data
        if any(self._bytes.take(-size_bytes % BLOCK)):
            raise Broken("has something written behind its end")


def _parsed(block: bytes) -> tuple[str, int]:
    """Name and size of a header, if it is one of ours."""
    try:
        info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.HeaderError, ValueError) as error:
        raise Broken("has a header that was changed") from error
    shown = info.name[:100].encode("unicode_escape").decode("ascii")
    if info.type != tarfile.REGTYPE:
        raise Broken(f"has '{shown}' in its place, which is {_KINDS.get(info.type, 'no plain file')}")
    if problem := name_problem(info.name):
        raise Broken(f"has '{shown}' in its place, which {problem}")
    if info.size < 0 or header(info.name, info.size) != block:
        raise Broken(f"has a header that was changed ('{shown}')")
    return info.name, info.size


class _Inflated:
    """The bytes behind the compression, as many as are asked for; and the sum of those before it."""

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        size_bytes = stream.seek(0, 2)
        stream.seek(0)
        if size_bytes <= SEAL_BYTES or stream.read(2) != _SEAL_HEAD[:2]:
            raise Broken("is no bundle of ours: it is no tar.gz, or was cut off")
        stream.seek(0)
        self._stream = stream
        self._limits = limits
        self._left_bytes = size_bytes - SEAL_BYTES
        self._sum = hashlib.sha256()
        self._inflate = zlib.decompressobj(_GZIP)
        self._input = b""
        self._output = bytearray()
        self._in_bytes = self._out_bytes = 0
        self._broken = False

    def take(self, size_bytes: int) -> bytes:
        """Exactly as many bytes."""
        while len(self._output) < size_bytes:
            if self._broken or self._inflate.eof or not self._more():
                raise Broken("is damaged, or was cut off here")
        data = bytes(self._output[:size_bytes])
        del self._output[:size_bytes]
        return data

    def end(self) -> None:
        """Nothing may follow but the seal, and the seal must fit."""
        while not (self._output or self._broken or self._inflate.eof) and self._more():
            pass
        if self._output or self._broken or not self._inflate.eof or self._inflate.unused_data or self._left_bytes:
            raise Broken("the end of the archive is not as it was written")
        if self._stream.read() != seal(self._sum.hexdigest()):
            raise Broken("the archive's own bytes were changed, though no file in it was")

    def _more(self) -> bool:
        """Inflate a little more; False: there is nothing left to inflate."""
        data = self._input or self._read()
        if not data:
            return False
        before = self._inflate.copy()
        try:
            found = self._inflate.decompress(data, CHUNK)
            self._input = self._inflate.unconsumed_tail
        except zlib.error:
            self._broken, found = True, _salvaged(before, data)
        self._output += found
        self._out_bytes += len(found)
        if self._out_bytes > self._limits.free_bytes + self._limits.ratio_max * self._in_bytes:
            raise Broken(f"is a bomb: more than {self._limits.ratio_max} bytes come out of each")
        return True

    def _read(self) -> bytes:
        data = self._stream.read(min(CHUNK, self._left_bytes))
        self._left_bytes -= len(data)
        self._in_bytes += len(data)
        self._sum.update(data)
        return data


def _salvaged(inflate: "zlib._Decompress", data: bytes) -> bytes:
    """What comes out before the damage, so that it is laid to the right file."""
    found = bytearray()
    step = len(data)
    while step:
        before = inflate.copy()
        try:
            found += inflate.decompress(data[:step])
            data = data[step:]
            step = min(step, len(data))
        except zlib.error:
            inflate = before
            step //= 2
    return bytes(found)
