"""Where text goes: a terminal with its width and colours, or plain text 120 columns wide."""

import io
import os
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from rich.console import Console

PLAIN_COLUMNS = 120


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Whoever read has left (``| head``): the rest goes nowhere. rich would end the process, and its exit code."""
        with suppress(OSError), Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), self.file.fileno())


def console(stream: TextIO, *, plain: bool = False) -> Console:
    """A console on ``stream``; without a terminal (or if ``plain``) no colours, no cursor, a fixed width."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")  # a locale without '±' must not cost a verdict
    if plain or not stream.isatty():
        return _Console(file=stream, width=PLAIN_COLUMNS, color_system=None, force_terminal=False, highlight=False)
    return _Console(file=stream, highlight=False)
