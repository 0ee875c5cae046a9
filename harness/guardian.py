"""A process of its own that outlives the harness: it heals and removes a run whose harness is gone or silent.

The harness holds the other end of its standard input and sends a byte twice a second. The end of input without the
word DONE means that the harness died; silence means that it is frozen. Either way the guardian does what
``harness heal RUN`` would do, at once: everything slow (imports, the connection) was done before.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from harness.errors import HarnessError

SILENCE_S = 10.0  # longer than the agents' lease: the links are healed by then, and what is left is to clean up
_TAKE_OVER_S = 60.0
_INSIST_S, _AGAIN_S = 180.0, 0.25  # an engine that is being restarted answers again after a while
_SETTLE_S = 2.0  # what the engine was still creating for the dead harness comes after everything was gone
_RUN = "CHAOS_HARNESS_RUN"  # in the environment of every program that a run's harness starts
_BEAT, _DONE = b".", b"D"


class Guardian:
    """The harness's hold on its guardian."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if name != _RUN},
            )

    def alive(self) -> None:
        """Tell it that we live; called twice a second."""
        self._send(_BEAT)

    def done(self) -> None:
        """Everything is healed and gone: it may end without doing anything."""
        self._send(_DONE)
        self._close()
        with suppress(subprocess.TimeoutExpired):  # slow to end: it has heard that there is nothing to do
            self._process.wait(timeout=10)

    def take_over(self) -> None:
        """We could not clean up ourselves: end without the word, and give it time to heal in our place."""
        self._close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_TAKE_OVER_S)

    def _send(self, word: bytes) -> None:
        try:
            os.write(self._input.fileno(), word)
        except (OSError, ValueError):
            return  # a guardian that is gone cannot guard; the leases of the agents still stand

    def _close(self) -> None:
        try:
            self._input.close()
        except OSError:
            return

    @property
    def _input(self) -> IO[bytes]:
        if self._process.stdin is None:
            raise ValueError("a guardian without an input cannot be told anything")
        return self._process.stdin


def spawn(project: str, record: Path, *, keep: bool) -> Guardian:
    """Start the guardian of one run, in a session of its own so that no signal for us reaches it."""
    command = [sys.executable, "-m", "harness", "guard", project, str(record), *(["--keep"] if keep else [])]
    return Guardian(command, record / "guardian.log")


def wait() -> bool:
    """The guardian's own side: True when the run must be healed, False when the harness said that it is done."""
    while True:
        ready, _, _ = select.select([0], [], [], SILENCE_S)
        heard = os.read(0, 4096) if ready else b""
        if _DONE in heard:
            return False
        if not heard:
            return True


def insist(heal: Callable[[], tuple[str, ...]], say: Callable[[str], None], *, settle: bool) -> tuple[str, ...]:
    """Heal until nothing is left, as long as that takes; what is left after minutes is returned, by name.

    ``settle``: go on looking for a moment after nothing was left.
    """
    deadline_s = time.monotonic() + _INSIST_S
    left: tuple[str, ...] = ()
    gone_s: float | None = None
    while time.monotonic() < deadline_s:
        try:
            left = heal()
        except Exception as error:  # the last one who can heal does not give up for a mistake of ours either
            said = str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"
            say(said)
            left = (said,)
        now_s = time.monotonic()
        gone_s = None if left else gone_s or now_s
        if gone_s and (not settle or now_s > gone_s + _SETTLE_S):
            return ()
        time.sleep(_AGAIN_S)
    return left


def mark_children(project: str) -> None:
    """From now on every program that this process starts carries the run's name, and ``end_children`` finds it."""
    os.environ[_RUN] = project


def unmark_children() -> None:
    """What this process starts from now on is its own business."""
    os.environ.pop(_RUN, None)


def end_children(project: str) -> None:
    """SIGKILL what a run's harness had started and left behind: a compose that goes on starting the dead run's nodes.

    Where there is no /proc nothing is found; what such a program starts meanwhile is found by its label.
    """
    mark = f"{_RUN}={project}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile, or is another user's
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
