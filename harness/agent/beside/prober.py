"""The agent's end of a probe: asks, and waits no longer than it may."""

import os
import select
import subprocess
import sys
from contextlib import suppress


class Prober:
    def __init__(self, *what: str) -> None:
        command = (sys.executable, "-m", "harness.agent.beside.probe")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, bufsize=0
        )
        self.waiting = False
        self._send("\t".join(what))

    def look(self, within_s: float) -> str | None:
        """What it saw; None while it is still looking, and when it is gone."""
        assert self._process.stdout is not None
        if not self.waiting:
            self._send("")
            self.waiting = True
        out = self._process.stdout.fileno()
        if not select.select([out], [], [], within_s)[0]:
            return None
        line = os.read(out, 256)  # one short line at a time
        self.waiting = False
        return line.decode().strip() if line else None

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.kill()
        self._process.wait()

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.write(f"{line}\n".encode())
