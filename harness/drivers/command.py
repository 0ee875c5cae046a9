"""One way to run another program to its end and read what it said."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that ended, was not found (code 127), or was stopped because it took too long (code 124)."""

    argv: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def reason(self) -> str:
        """The last line the program wrote, on standard error if it wrote there."""
        lines = [line.strip() for line in (self.err.strip() or self.out.strip()).splitlines() if line.strip()]
        return lines[-1] if lines else f"exit code {self.code} and no message"


def run(
    argv: Sequence[str], *, timeout_s: float, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Finished:
    """Run `argv` without a terminal and without input; `env` is added to our own environment. Never raises OSError."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            env={**os.environ, **(env or {})},
            cwd=cwd,
        )
    except subprocess.TimeoutExpired:
        return Finished(tuple(argv), 124, "", f"{argv[0]}: no end within {timeout_s:g} s")
    except OSError as error:
        return Finished(tuple(argv), 127, "", f"{argv[0]}: {error.strerror}")
    return Finished(tuple(argv), done.returncode, done.stdout, done.stderr)
