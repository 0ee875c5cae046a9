"""``python -m harness.agent.beside.probe``: a witness that must go where the node is, in a process of its own.

It hears what to try once, then answers each empty line by a line: ``write-into MOUNT`` goes into the node's mounts and
says the number of the error it meets there (0: none); ``timed-write FOLDER BYTES DOOR...`` goes into the node's control
group and says how many seconds one direct write takes (empty: it could not). It has one thread, so it may fork.
"""

import mmap
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from harness.agent.beside.cgroups import enter
from harness.agent.beside.mounting import in_mounts_of
from harness.agent.beside.processes import FIRST
from harness.agent.beside.volumes import nameless_file
from harness.agent.mortal import be_mortal
from harness.errors import AgentError

_LEASE_S = 30.0  # longest that one look may take


def write_into(path: str) -> str:
    def attempt() -> None:
        # A file without a name leaves nothing behind; a mount that is one file is only opened.
        os.close(nameless_file(Path(path)) if Path(path).is_dir() else os.open(path, os.O_WRONLY))

    return str(in_mounts_of(FIRST, Path("/proc"), attempt))


def timed_write(folder: Path, size_bytes: int, doors: Sequence[Path]) -> str:
    """A child enters the group, and it alone."""
    told, tells = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if not pid:
        try:
            with suppress(OSError, AgentError):
                be_mortal(_LEASE_S, parent)
                enter(tuple(doors))
                took_s = _direct_write(folder, size_bytes)
                os.write(tells, f"{took_s:.6f}".encode())
        finally:
            os._exit(0)
    os.close(tells)
    text = os.read(told, 64).decode()
    os.close(told)
    os.waitpid(pid, 0)
    return text


def _direct_write(folder: Path, size_bytes: int) -> float:
    data = mmap.mmap(-1, size_bytes)  # direct writes want memory that begins with a page
    file = os.open(f"/proc/self/fd/{nameless_file(folder)}", os.O_RDWR | os.O_DIRECT | os.O_DSYNC)
    begin = time.monotonic()
    os.write(file, data)
    return time.monotonic() - begin


def main() -> None:
    what, path, *rest = sys.stdin.readline().rstrip("\n").split("\t")
    look: Callable[[], str]
    if what == "write-into":
        look = lambda: write_into(path)  # noqa: E731
    else:
        look = lambda: timed_write(Path(path), int(rest[0]), [Path(door) for door in rest[1:]])  # noqa: E731
    for _ in sys.stdin:
        sys.stdout.write(f"{look()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
