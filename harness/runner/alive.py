"""A run is alive while its lock is held; what belongs to no live run is residue."""

import fcntl
import os
from pathlib import Path

from harness.errors import RecordingError

_LOCK = "lock"


def hold(folder: Path) -> int:
    """Take the run's lock; it is let go when this process ends, however it ends. Returns the open file."""
    try:
        file = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise RecordingError(f"{folder / _LOCK} cannot be locked: {error.strerror}.") from error
    return file


def is_alive(folder: Path) -> bool:
    """True while some process holds the run's lock."""
    try:
        file = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def release(lock: int) -> None:
    os.close(lock)
