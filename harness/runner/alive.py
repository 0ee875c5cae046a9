"""A run is alive while its lock is held; what belongs to no live run, and was not kept on purpose, is residue."""

import fcntl
import os
from pathlib import Path
from typing import Literal

from harness.errors import RecordingError
from harness.recording import events
from harness.recording.folder import JOURNAL

_LOCK = "lock"

# ``kept``: healed, and left up because its user said so. ``unknown``: no record of a run is there, so that nobody
# can say whether it lives: it is another machine's, or no run at all, or its record was deleted.
State = Literal["alive", "kept", "dead", "unknown"]


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


def state(record: Path) -> State:
    """How a run stands whose containers, networks or volumes are on an engine."""
    if not any((record / name).is_file() for name in (_LOCK, JOURNAL)):
        return "unknown"
    if is_alive(record):
        return "alive"
    return "kept" if _was_kept(record) else "dead"


def _was_kept(record: Path) -> bool:
    """A journal that cannot be read says nothing of keeping."""
    try:
        lines = (record / JOURNAL).read_bytes().splitlines()
    except OSError:
        return False
    for line in reversed(lines):
        try:
            event = events.decode(line, JOURNAL)
        except RecordingError:
            continue  # cut off in the middle when the run died
        if isinstance(event, events.TornDown):
            return event.kept
    return False


def release(lock: int) -> None:
    os.close(lock)
