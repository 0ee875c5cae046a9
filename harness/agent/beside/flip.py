"""Bits of a file in a volume, flipped, and flipped back where nobody has written since."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import msgspec

from harness.agent.beside.volumes import in_volume
from harness.agent.beside.work import Witness, Work
from harness.errors import AgentError
from harness.primitives import Flip

_HASHED_BYTES = 64 << 20  # larger ones take too long to read each time


class Flipped(msgspec.Struct, frozen=True):
    """(where, the byte that was there, the byte we leave there) in that file."""

    path: str
    inode: int
    bytes: tuple[tuple[int, int, int], ...]


class FlipBits(Work[Flip, Flipped]):
    memory = Flipped

    def plan(self) -> Flipped:
        path = chosen(self.asked.path)
        status = in_volume(path)
        if status.st_size * 8 < self.asked.bits:
            raise AgentError(f"{path} has {status.st_size} bytes, too few for {self.asked.bits} flipped bits")
        masks = places(self.asked.seed, status.st_size, self.asked.bits)
        with _opened(path, os.O_RDONLY) as file:
            old = {where: _byte(file, where) for where in masks}
        flips = ((where, byte, byte ^ masks[where]) for where, byte in old.items() if byte is not None)
        return Flipped(str(path), status.st_ino, tuple(flips))

    def apply(self, memory: Flipped, lease_s: float) -> None:
        self._put(memory, lambda flip: (flip[1], flip[2]))

    def undo(self, memory: Flipped) -> None:
        """A file that is gone, or another one under its name, has nothing of ours in it."""
        self._put(memory, lambda flip: (flip[2], flip[1]))

    def left(self, memory: Flipped) -> Sequence[str]:
        count = flipped(memory)
        return [f"{count} bytes of {memory.path} are still as we left them"] if count else ()

    @staticmethod
    def _put(memory: Flipped, turn: Callable[[tuple[int, int, int]], tuple[int, int]]) -> None:
        try:
            with _opened(Path(memory.path), os.O_RDWR) as file:
                if os.fstat(file).st_ino != memory.inode:
                    return
                for flip in memory.bytes:
                    found, wanted = turn(flip)
                    if _byte(file, flip[0]) == found:
                        os.pwrite(file, bytes((wanted,)), flip[0])
                os.fsync(file)
        except FileNotFoundError:
            return
        except OSError as error:
            raise AgentError(f"{memory.path} cannot be written: {error.strerror}") from error


class FlippedBits(Witness[Flip]):
    """Read by a file of our own: how many of the bytes are as the keeper left them, and does the sum differ.

    ``differs``: the file's SHA-256 is not what it was when the fault was armed (it also differs when the node writes).
    """

    def __init__(self, primitive: Flip) -> None:
        super().__init__(primitive)
        self._told: Flipped | None = None
        self._path: Path | None = None
        with suppress(AgentError):
            self._path = chosen(primitive.path)
        self._before = _sum(self._path)

    def told(self, memory: bytes) -> None:
        self._told = msgspec.json.decode(memory, type=Flipped)

    def readings(self) -> Mapping[str, float]:
        now = _sum(self._path)
        read = {} if now is None or self._before is None else {"differs": float(now != self._before)}
        return {**read, "flipped_bytes": float(flipped(self._told) if self._told else 0)}


def chosen(pattern: str) -> Path:
    """The largest regular file the pattern matches; the first by name of several as large."""
    path = Path(pattern)
    if not any(character in pattern for character in "*?["):
        found = [path]
    else:
        found = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    files = [file for file in found if file.is_file() and not file.is_symlink()]
    if not files:
        raise AgentError(f"no file matches {pattern} there: write the path as the node sees it, in a volume")
    return max(files, key=lambda file: file.stat().st_size)


def places(seed: int, size_bytes: int, bits: int) -> dict[int, int]:
    """Which bits of which byte: the seed and the file's size say."""
    masks: dict[int, int] = {}
    for bit in sorted(Random(seed).sample(range(size_bytes * 8), bits)):
        masks[bit // 8] = masks.get(bit // 8, 0) | 1 << bit % 8
    return masks


def flipped(memory: Flipped) -> int:
    """How many bytes of that file are now as they were left by the flip."""
    try:
        with _opened(Path(memory.path), os.O_RDONLY) as file:
            if os.fstat(file).st_ino != memory.inode:
                return 0
            return sum(_byte(file, where) == new for where, _, new in memory.bytes)
    except OSError:
        return 0


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    file = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        yield file
    finally:
        os.close(file)


def _byte(file: int, where: int) -> int | None:
    """None behind the end."""
    data = os.pread(file, 1, where)
    return data[0] if data else None


def _sum(path: Path | None) -> str | None:
    """None if it is gone or large."""
    with suppress(OSError):
        if path is not None and path.stat().st_size <= _HASHED_BYTES:
            return hashlib.sha256(path.read_bytes()).hexdigest()
    return None
