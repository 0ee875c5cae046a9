"""A lock between processes, held as long as a file is open: it ends with its holder, however the holder ends."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import EngineError


@contextmanager
def locked(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock at `path`, and say so while another process has it. Raises EngineError if it cannot be made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as error:
        raise EngineError(f"The lock {path} cannot be made: {error.strerror}; make its folder writable.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another run that prepares the same (it holds {path})")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
