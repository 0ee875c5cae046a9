"""Records of many operations: how long ``harness judge`` takes to judge and to report them."""

import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from bench.rows import Measured
from harness.clock import monotonic_ns, to_s
from harness.drivers.command import run
from harness.errors import RecordingError
from harness.operations import Operation, Outcome, pack
from harness.recording.folder import SCENARIO, Recorder
from tests.recording.builder import ORIGIN_NS, Story

COUNTS = (10_000, 100_000, 1_000_000)
_SECONDS = 60
_LOST_S = (15.0, 16.5)  # one of three operations
_SCENARIO = """\
scenario: partition
about: One Ollama node is cut off from everyone for 20 s.
cluster: ollama
seed: 7
phases: {{warmup: 10s, faults: 30s, recovery: 20s}}
traffic:
  - {{name: chat, client: ollama-generate, to: gateway, rate: {rate}/s, timeout: 5s}}
faults:
  - {{fault: partition, name: lost-n1, at: 5s, for: 20s, nodes: [n1], from: everyone, style: drop}}
objectives:
  - {{name: answers, of: chat, success: ">= 99%", in: all}}
  - {{name: recovery, of: chat, after: lost-n1, restored: "<= 3s", hold: 5s}}
  - {{name: slow, of: chat, p99: "<= 6s", in: lost-n1}}
  - {{name: tail, of: chat, p95: "<= 250ms", in: recovery}}
  - {{name: truth, of: chat, wrong: "== 0", in: all}}
"""


# In a process of its own, as a person has it: the reading of the program itself is part of it.
_CONCLUDE = "import sys, pathlib; from harness.cli import results; results.conclude(pathlib.Path(sys.argv[1]))"
_LONGEST_S = 300.0


def judged(rounds: int) -> dict[str, Measured]:
    """From a record on disk to its verdict, report and summaries on disk."""
    took: dict[int, list[float]] = {count: [] for count in COUNTS}
    with tempfile.TemporaryDirectory(prefix="chaos-harness-bench-") as name:
        for count in COUNTS:
            write(Path(name) / str(count), count)
        for _ in range(rounds):
            for count in COUNTS:
                took[count].append(_conclude(Path(name) / str(count)))
    shown = ", ".join(f"{count:,} in {median(took_s):.2f} s" for count, took_s in took.items())
    each = {count: tuple(took_s / count for took_s in samples) for count, samples in took.items()}
    few, many = COUNTS[-2:]
    return {
        "judge": Measured(tuple(took[many]), note=shown),
        "judge-linear": Measured(each[many], each[few], "each in a process of its own, its start included"),
    }


def _conclude(folder: Path) -> float:
    began_ns = monotonic_ns()
    done = run((sys.executable, "-c", _CONCLUDE, str(folder)), timeout_s=_LONGEST_S)
    if not done.ok:
        raise RecordingError(f"{folder.name} operations could not be judged: {done.reason}")
    return to_s(monotonic_ns() - began_ns)


def write(folder: Path, count: int) -> None:
    """A record of a minute: latencies like a real system's, some lost while a node is cut off."""
    recorder = Recorder(folder)
    recorder.text(SCENARIO, _SCENARIO.format(rate=f"{count / _SECONDS:.2f}"))
    story = Story()
    for event in story.events():
        recorder.event(event)
    for probe in story.probes():
        recorder.probe(probe)
    recorder.operations("chat", pack(_operations(count)))
    recorder.close()


def _operations(count: int) -> list[Operation]:
    random = np.random.default_rng(7)
    due_ns = ORIGIN_NS + (np.arange(count) * (_SECONDS * 1e9 / count)).astype(np.int64)
    sent_ns = due_ns + random.exponential(50e3, count).astype(np.int64)
    done_ns = sent_ns + random.lognormal(np.log(4e6), 0.5, count).astype(np.int64)
    lost_ns = [ORIGIN_NS + round(at_s * 1e9) for at_s in _LOST_S]
    lost = (due_ns >= lost_ns[0]) & (due_ns < lost_ns[1]) & (random.random(count) < 1 / 3)
    done_ns[lost] = due_ns[lost] + 5_000_000_000
    rows = zip(due_ns.tolist(), sent_ns.tolist(), done_ns.tolist(), lost.tolist(), strict=True)
    return [
        Operation(due, sent, done, 0, Outcome.TIMED_OUT, 0, "")
        if gone
        else Operation(due, sent, done, 180, Outcome.OK, 2, f"n{1 + number % 3}")
        for number, (due, sent, done, gone) in enumerate(rows)
    ]
