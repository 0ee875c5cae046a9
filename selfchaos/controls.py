"""``python -m selfchaos.controls [--runs 50] [--resume FILE] [--workers 2] [--table]``: are there false alarms?"""

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from math import ceil
from pathlib import Path
from statistics import median

import msgspec

from harness.clock import monotonic_ns
from harness.errors import INTERRUPTED
from harness.judge.verdict import decode
from harness.series.intervals import pass_rate
from harness.units import show_s
from selfchaos import progress

SCENARIO = Path(__file__).parent / "scenarios" / "control.yaml"
_SURE = 0.95
_TOGETHER = 2.0  # a two-sided interval leaves as much out on either side: its upper end alone is as sure as this
_RUN_MAX_S = 300.0


class Control(msgspec.Struct, frozen=True):
    """One run without faults. ``outcome``: of its verdict, or ``none``; ``reasons``: what it rests on."""

    number: int
    outcome: str
    run: str
    took_s: float
    reasons: tuple[str, ...] = ()


def append(file: Path, control: Control) -> None:
    progress.append(file, control)


def read(file: Path) -> list[Control]:
    return progress.read(file, Control)


def table(controls: Sequence[Control]) -> str:
    """Markdown: how they came out, each that did not hold with its reason, and what they prove together."""
    lines = ["| outcome | runs | each took |", "|---|---|---|"]
    for outcome in ("held", "violated", "inconclusive", "none"):
        took_s = [one.took_s for one in controls if one.outcome == outcome]
        lines.append(f"| {outcome} | {len(took_s)} | {f'{show_s(median(took_s))} (median)' if took_s else '-'} |")
    return "\n".join([*lines, "", *_reasons(controls), proof(controls), ""])


def proof(controls: Sequence[Control]) -> str:
    """What the runs that came to a word say of the rate of false alarms; those that did not say nothing of it."""
    counts = Counter(one.outcome for one in controls)
    alarms, decided = counts["violated"], counts["violated"] + counts["held"]
    if not decided:
        return "No run came to a word: nothing is known of false alarms."
    high = pass_rate(alarms, decided, 1 - _TOGETHER * (1 - _SURE)).high
    said = f"{alarms} of {decided} false alarms: proves a rate below {ceil(100 * high)} % (95 %)"
    left = len(controls) - decided
    return (
        f"{said}; {left} more came to no word and {'counts' if left == 1 else 'count'} for nothing."
        if left
        else f"{said}."
    )


def _reasons(controls: Iterable[Control]) -> Iterator[str]:
    for one in controls:
        if one.outcome != "held":
            yield f"* {one.number} {one.outcome} ({one.run or 'no record'}): {'; '.join(one.reasons)}"


def play(number: int, runs: Path) -> Control:
    """One run, on a cluster of its own, in a process of its own."""
    command = [sys.executable, "-m", "harness", "run", str(SCENARIO), "--no-faults", "--json", "--runs", str(runs)]
    began_ns = monotonic_ns()
    # In this process group: Ctrl-C reaches it as well, and it heals and takes down what it started.
    done = subprocess.run(command, capture_output=True, timeout=_RUN_MAX_S, check=False)
    took_s = round((monotonic_ns() - began_ns) / 1e9, 3)
    if done.returncode == INTERRUPTED:
        raise KeyboardInterrupt
    try:
        verdict = decode(done.stdout)
    except msgspec.MsgspecError:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return Control(number, "none", "", took_s, tuple(last))
    return Control(number, verdict.outcome, verdict.run, took_s, verdict.reasons)


def _play_all(numbers: Sequence[int], runs: Path, workers: int) -> Iterator[Control]:
    threads = ThreadPoolExecutor(workers)
    try:
        for done in as_completed([threads.submit(play, number, runs) for number in numbers]):
            yield done.result()
    finally:
        threads.shutdown(cancel_futures=True)  # interrupted: runs that have begun go to their end, no other begins


def main() -> int:
    options = _options()
    found = read(options.resume)
    if not options.table:
        known = {one.number for one in found}
        missing = [number for number in range(1, options.runs + 1) if number not in known]
        for control in _play_all(missing, options.resume.parent / "controls", options.workers):
            append(options.resume, control)
            found.append(control)
            why = "; ".join(control.reasons)
            sys.stderr.write(f"{control.number:>3} {control.outcome:<13} {show_s(control.took_s)}  {why}\n")
            sys.stderr.flush()
    sys.stdout.write(table(sorted(found, key=lambda one: one.number)))
    return int(any(one.outcome == "violated" for one in found))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m selfchaos.controls", description="Are there false alarms?")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--resume", type=Path, default=Path("runs/controls.jsonl"), help="its results are kept")
    parser.add_argument("--workers", type=int, default=2, help="runs at a time")
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
