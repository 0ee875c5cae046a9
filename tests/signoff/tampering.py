"""Bundles as somebody else might make them, or change them."""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

from harness.signoff.archive import seal


def repacked(path: Path, change: Callable[[bytearray], object]) -> Path:
    """The bundle with something changed behind the compression, and a seal that fits."""
    raw = bytearray(zlib.decompress(path.read_bytes(), 31))
    change(raw)
    return sealed(path.with_name("bad.tar.gz"), bytes(raw))


def sealed(path: Path, raw: bytes) -> Path:
    packed = gzip.compress(raw, 1, mtime=0)
    path.write_bytes(packed + seal(hashlib.sha256(packed).hexdigest()))
    return path


def spots(path: Path) -> dict[str, tuple[int, int]]:
    """Where each file's bytes are behind the compression: (from, to)."""
    with tarfile.open(path) as archive:
        return {
            member.name.partition("/")[2]: (member.offset_data, member.offset_data + member.size) for member in archive
        }
