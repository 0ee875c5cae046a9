"""What lies under a path of the node: is it a volume, on what, and how large."""

import os
from dataclasses import dataclass
from pathlib import Path

from harness.errors import AgentError

_PAGE = 4096
_WAY_OUT = "declare a volume there (driver local, driver_opts: type tmpfs, device tmpfs, o: size=64m)"


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of ``/proc/PID/mountinfo``."""

    path: str
    options: tuple[str, ...]
    kind: str


def mounts(proc: Path, pid: int) -> tuple[Mount, ...]:
    """What a process sees mounted, in order."""
    try:
        lines = (proc / f"{pid}/mountinfo").read_text().splitlines()
    except OSError as error:
        raise AgentError(f"the mounts of process {pid} cannot be read: {error.strerror}") from error
    found = []
    for line in lines:
        left, _, right = line.partition(" - ")
        fields = left.split()
        found.append(Mount(_plain(fields[4]), tuple(fields[5].split(",")), right.split()[0]))
    return tuple(found)


def _plain(text: str) -> str:
    """The kernel writes blanks and backslashes as octal numbers."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def in_volume(path: Path) -> os.stat_result:
    """Its status; refuses what is not in a volume of the node, for then it is our own container's."""
    try:
        status = path.stat()
    except OSError as error:
        raise AgentError(
            f"{path} cannot be seen from beside the node ({error.strerror}): name a path in a volume"
        ) from error
    if status.st_dev == Path("/").stat().st_dev:
        raise AgentError(f"{path} is in no volume of the node: {_WAY_OUT}")
    return status


def small_volume(path: Path, most_bytes: int) -> int:
    """The size of a volume that may be filled: not the host's own disk, and no larger than that."""
    device = in_volume(path).st_dev
    size = os.statvfs(path)
    total = size.f_blocks * size.f_frsize
    # Files that the engine itself puts into every container lie on the disk where it keeps everything.
    if device in {file.stat().st_dev for file in map(Path, ("/etc/hostname", "/etc/hosts")) if file.exists()}:
        raise AgentError(f"{path} is on the host's own disk, which is never filled: {_WAY_OUT}")
    if not total or total > most_bytes:
        raise AgentError(
            f"{path} has {total / 1e9:,.1f} GB, and none above {most_bytes / 1e9:g} GB is filled: {_WAY_OUT}"
        )
    return total


def nameless_file(path: Path) -> int:
    """A new file without a name under this directory, gone with its descriptor. ``OSError`` where it cannot be."""
    folder = path if path.is_dir() else path.parent
    return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)


def rounded_up(size_bytes: int) -> int:
    return -(-size_bytes // _PAGE) * _PAGE
