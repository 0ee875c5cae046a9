"""How many clusters a machine bears at once: whoever starts one more than that waits for another's end.

A slot is a lock on a file, so that it is free as soon as its holder ends, however it ends; every process of this
machine counts (pytest-xdist's workers, other people's tests).
"""

import fcntl
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from harness.errors import EngineError

_MEMORY_EACH_BYTES = 2 << 30
_AGAIN_S = 0.2
_COUNT = "CHAOS_HARNESS_CLUSTERS"


def bearable(environment: dict[str, str] | None = None) -> int:
    """One for each core and each 2 GiB of memory, whichever is less; CHAOS_HARNESS_CLUSTERS says otherwise."""
    said = (environment if environment is not None else dict(os.environ)).get(_COUNT, "")
    if said.isdecimal() and int(said):
        return int(said)
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(os.cpu_count() or 1, memory_bytes // _MEMORY_EACH_BYTES))


class Slots:
    """Those of one process. One that has a slot gets more clusters at once: two such would wait for each other."""

    def __init__(self, count: int | None = None, folder: Path | None = None) -> None:
        self._count = count or bearable()
        self._folder = folder or Path(tempfile.gettempdir()) / "chaos-harness-slots"
        self._held = 0
        self._file: int | None = None

    def take(self, say: Callable[[str], None], timeout_s: float = 3600.0) -> None:
        """Wait for one. Raises ``EngineError`` where none is free for an hour."""
        deadline_s, told = time.monotonic() + timeout_s, False
        while self._file is None:
            self._file = next((file for n in range(self._count) if (file := self._lock(n)) is not None), None)
            if self._file is None and not told:
                say(f"waiting: {self._count} clusters run on this machine, which is what it bears ({_COUNT} says more)")
                told = True
            if self._file is None and time.monotonic() > deadline_s:
                raise EngineError(f"{self._count} clusters have been running on this machine for {timeout_s:.0f} s.")
            if self._file is None:
                time.sleep(_AGAIN_S)
        self._held += 1

    def release(self) -> None:
        self._held -= 1
        if not self._held and self._file is not None:
            os.close(self._file)
            self._file = None

    def _lock(self, number: int) -> int | None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with suppress(OSError):  # another user's: it is open to all already
                self._folder.chmod(0o1777)
            file = os.open(self._folder / f"slot-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise EngineError(f"{self._folder} cannot be written ({error.strerror}): set TMPDIR to another.") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return None
        return file
