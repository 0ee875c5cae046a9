"""A process of its own that outlives the harness: it heals and removes a run whose harness is gone or silent.

The harness holds the other end of its standard input and sends a byte twice a second. The end of input without the
word DONE means that the harness died; silence means that it is frozen. Either way ``harness heal RUN`` does the rest.
"""

import os
import select
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

SILENCE_S = 10.0  # longer than the agents' lease: the links are healed by then, and what is left is to clean up
_TAKE_OVER_S = 60.0
_BEAT, _DONE = b".", b"D"


class Guardian:
    """The harness's hold on its guardian."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                list(command), stdin=subprocess.PIPE, stdout=file, stderr=file, start_new_session=True
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
