"""Whole runs, as a person starts them: in a process of their own, timed from the command."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.clock import monotonic_ns, to_s
from harness.errors import NO_VERDICT, WRONG_INPUT, EngineError, RecordingError
from harness.judge.verdict import decode
from harness.recording.folder import VERDICT, read

_TIMEOUT_S = 300.0
_LEAVE_S = 60.0


@dataclass(frozen=True, slots=True)
class Played:
    """``ready_s``, ``down_s``: as the run's own verdict has them. The others count from the command."""

    ready_s: float | None
    down_s: float | None
    first_request_s: float
    whole_s: float
    outcome: str


def play(scenario: str, runs: Path) -> Played:
    """One ``harness run``. Raises ``EngineError`` if it came to no verdict."""
    began_ns = monotonic_ns()
    argv = [sys.executable, "-m", "harness", "run", scenario, "--runs", str(runs), "--json"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            out, said = process.communicate(timeout=_TIMEOUT_S)
        except BaseException:
            process.terminate()  # it takes its cluster down itself
            process.wait(_LEAVE_S)
            raise
    ended_ns = monotonic_ns()
    if process.returncode in (NO_VERDICT, WRONG_INPUT) or not out:
        last = (said.decode(errors="replace").strip() or "it said nothing").splitlines()[-1]
        raise EngineError(f"harness run {scenario} came to no verdict: {last}")
    verdict = decode(out)
    first_ns = first_sent_ns(runs / verdict.run)
    timing = verdict.timing
    return Played(
        timing.ready_s, timing.teardown_s, to_s(first_ns - began_ns), to_s(ended_ns - began_ns), verdict.outcome
    )


def first_sent_ns(folder: Path) -> int:
    """When the first operation of a recorded run was sent. Raises ``RecordingError`` if none was."""
    sent = [operation.sent_ns for operations in read(folder).operations.values() for operation in operations]
    if not sent:
        raise RecordingError(f"{folder}: nothing was sent, so there is no first request.")
    return min(sent)


def recorded(folder: Path) -> Played:
    """The same of an old run, from its record; the command itself began a little before the record does."""
    evidence, verdict = read(folder), decode((folder / VERDICT).read_bytes())
    if evidence.began is None or evidence.ended is None:
        raise RecordingError(f"{folder}: the journal has no beginning or no end: name the folder of a finished run.")
    began_ns, timing = evidence.began.at_ns, verdict.timing
    return Played(
        timing.ready_s,
        timing.teardown_s,
        to_s(first_sent_ns(folder) - began_ns),
        to_s(evidence.ended.at_ns - began_ns),
        verdict.outcome,
    )
