"""The node's clock, read from outside: a program of ours runs the very bytes that the node's process runs.

Before each reading the vDSO of the node's process, stub and parameters and all, is copied over the reader's own. What
the reader then says is what that process would read, whatever we believe we wrote into it.
"""

import contextlib
import os
import select
import subprocess
import sys
from pathlib import Path

from harness.agent.clock import memory, reader, trace
from harness.clock import to_s
from harness.errors import AgentError

_START_S = 5.0
_ANSWER_S = 0.1


class Witness:
    """``open`` starts the reader and waits until it is ready; ``close`` ends it."""

    def __init__(self) -> None:
        self._program: subprocess.Popen[bytes] | None = None
        self._base = 0

    def open(self) -> None:
        if self._program is not None:
            return
        command = [sys.executable, "-I", "-S", str(Path(reader.__file__))]
        try:
            self._program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        except OSError as error:
            raise AgentError(f"the program that reads the clock did not start: {error}") from error
        if self._answer(_START_S) is None:
            self.close()
            raise AgentError(f"the program that reads the clock was not ready within {_START_S:g} s")
        self._base, _ = memory.vdso_of(self._program.pid)

    def offset_s(self, image: bytes) -> float | None:
        """How far ahead of the true time a process with this vDSO reads its wall clock; None: there was no answer."""
        self.open()
        if self._program is None or self._program.stdin is None:
            return None
        try:
            trace.write(self._program.pid, (self._base, image))  # it waits for a line, so it is not in there
            self._program.stdin.write(b"\n")
            answer = self._answer(_ANSWER_S)
        except (OSError, AgentError):
            answer = None
        if answer is None:
            self.close()
        return answer

    def close(self) -> None:
        if self._program is None:
            return
        program, self._program = self._program, None
        program.kill()
        program.wait()
        for stream in (program.stdin, program.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _answer(self, within_s: float) -> float | None:
        if self._program is None or self._program.stdout is None:
            return None
        stdout = self._program.stdout.fileno()
        if not select.select([stdout], [], [], within_s)[0]:
            return None
        with contextlib.suppress(ValueError):
            return to_s(int(os.read(stdout, 64)))
        return None
