"""``python -m bench [--rows a,b] [--full] [--run runs/latest] [--out bench.json]``; ``rows.SPECS`` says what of."""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import harness
from bench import generators, linearizability, million, passing, peer, precision, runs, schedules
from bench.clock_skew import clock_skew
from bench.idle_cluster import IDLE, bound, idle_cluster, images, labels
from bench.noise import Noise, noise
from bench.rows import SPECS, Measured, encode, render, rows
from bench.yard import yard
from harness.clock import wall
from harness.drivers import provision
from harness.errors import INTERRUPTED, HarnessError
from harness.report.console import console
from harness.report.terminal import COLUMNS_MAX
from harness.runner import alive
from harness.units import show_s

_UNFINISHED = 4
_CUTS = ("in-force", "in-force-median", "beside-pause", "skew", "skew-median", "skew-threads", "fresh")
_ON_IDLE_CLUSTER = (*_CUTS, "send-error", "unfaulted", "queue", "stream", "arm")
_SPEEDS, _STALLS, _RECOVERIES = (
    ("request-wrk", "request-aiohttp"),
    ("stall", "stall-dropped"),
    ("recovery", "recovery-rate"),
)
_IN_YARD = ("send-error-2000", "record", *_SPEEDS, *_STALLS, *_RECOVERIES)
_READY_NOTE = "both until the gateway had every node's right answer; ours starts sidecars, load and Prometheus too"
_DOWN_NOTE = "plain down lets programs end (the gateway by SIGUSR1); ours heals, saves the logs and removes"


@dataclass(frozen=True, slots=True)
class Effort:
    """``repeats`` of whole clusters, ``cuts`` of partitions, ``loads`` of ``load_s`` seconds each.

    ``rounds`` of everything that is measured in turns; ``jumps`` of a clock.
    """

    repeats: int
    cuts: int
    loads: int
    load_s: float
    rounds: int
    jumps: int


QUICK, FULL = Effort(3, 50, 2, 5.0, 3, 20), Effort(5, 200, 5, 10.0, 9, 50)


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is removed
    effort = FULL if options.full else QUICK
    about = {"harness": harness.__version__, "wall": wall().isoformat(timespec="seconds"), **_machine()}
    with tempfile.TemporaryDirectory(prefix="chaos-harness-bench-") as name:
        # Held like a run's: `harness heal` leaves ours alone while we live, and removes it if we die.
        lock = alive.hold(Path(name))
        try:
            measured = _measure(effort, options, Path(name))
        finally:
            alive.release(lock)
    found = rows(measured)
    options.out.write_text(encode(found, {**about, "mode": "full" if options.full else "quick"}))
    out = console(sys.stdout)
    for line in render(found, min(out.width, COLUMNS_MAX)):
        out.print(line, soft_wrap=True)
    out.print(f"\nwritten to {options.out}; load of the machine {about['load']}: idle is what the goals are for")
    wanted = _wanted(options)
    asked = [
        row for row in found if row.spec.key in wanted and (row.spec.key != "whole" or options.full or options.run)
    ]
    return _UNFINISHED if any(row.outcome == "not measured" for row in asked) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="How quick the harness is.")
    parser.add_argument("--full", action="store_true", help="more of everything, and a whole partition run (8 min)")
    parser.add_argument("--run", type=Path, help="take the whole partition run from this record, such as runs/latest")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    parser.add_argument("--rows", help="only these and what is measured with them, such as send-error-2000,judge")
    options = parser.parse_args()
    if unknown := sorted(_wanted(options) - {spec.key for spec in SPECS}):
        parser.error(f"--rows: {unknown[0]} is none; write {', '.join(spec.key for spec in SPECS)}")
    return options


def _wanted(options: argparse.Namespace) -> set[str]:
    return set(options.rows.split(",")) if options.rows else {spec.key for spec in SPECS}


def _machine() -> dict[str, object]:
    facts = provision.ensure_engine(_say)
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return {"engine": facts.server, "kernel": facts.kernel, "cores": os.cpu_count(), "load": load}


def _say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()


def _measure(effort: Effort, options: argparse.Namespace, folder: Path) -> dict[str, Measured]:
    """Every part of which a row is wanted, even if one before it failed: its rows then say why."""
    parts: tuple[Part, ...] = (
        (("ready", "down", "first-request"), lambda: _clusters(effort.repeats, folder)),
        (_ON_IDLE_CLUSTER, lambda: _precision(effort, folder, _wanted(options))),
        (("plan",), lambda: schedules.planned(bound().cluster, effort.rounds)),
        (("clock-bites", "clock-call"), lambda: _clock(effort, folder)),
        (_IN_YARD, lambda: _generators(effort, folder, _wanted(options))),
        (("linear-distinct", "linear-hot", "linear-cas"), lambda: _linear(effort)),
        (("judge", "judge-linear"), lambda: _judged(effort)),
        (("whole",), lambda: _whole(options, folder)),
    )
    return _those(parts, _wanted(options))


Part = tuple[tuple[str, ...], Callable[[], Mapping[str, Measured]]]


def _those(parts: Iterable[Part], wanted: Collection[str]) -> dict[str, Measured]:
    measured: dict[str, Measured] = {}
    for keys, measure in parts:
        if not set(keys).isdisjoint(wanted):
            measured |= _attempt(keys, measure)
    return measured


def _attempt(keys: tuple[str, ...], measure: Callable[[], Mapping[str, Measured]]) -> Mapping[str, Measured]:
    assert set(keys) <= {spec.key for spec in SPECS}
    try:
        return measure()
    except HarnessError as error:
        _say(str(error))
        return dict.fromkeys(keys, Measured(note=str(error)))


def _linear(effort: Effort) -> dict[str, Measured]:
    _say("histories, by zones and by search, beside Porcupine")
    return linearizability.against(effort.rounds)


def _judged(effort: Effort) -> dict[str, Measured]:
    _say("records of up to a million operations, judged and reported")
    return million.judged(effort.rounds)


def _clusters(repeats: int, folder: Path) -> dict[str, Measured]:
    """Ours and the peer's in turn, so that a busy minute of the machine meets both."""
    config = bound().config
    text = peer.plain(config, images(config), labels(folder))
    ours, theirs = [], []
    for number in range(1, repeats + 1):
        _say(f"cluster up and down, {number} of {repeats}: ours, then plain docker compose")
        ours.append(runs.play(str(IDLE), folder))
        theirs.append(peer.measure(text))
    ready = tuple(played.ready_s for played in ours if played.ready_s is not None)
    down = tuple(played.down_s for played in ours if played.down_s is not None)
    return {
        "ready": Measured(ready, tuple(found.up_s for found in theirs), _READY_NOTE),
        "down": Measured(down, tuple(found.down_s for found in theirs), _DOWN_NOTE),
        "first-request": Measured(tuple(played.first_request_s for played in ours)),
    }


def _precision(effort: Effort, folder: Path, wanted: Collection[str]) -> dict[str, Measured]:
    """One cluster for all; what harms an agent most comes last."""
    with idle_cluster(folder, _say) as cluster:
        parts: tuple[Part, ...] = (
            (_CUTS, lambda: _said(f"{effort.cuts} partitions", lambda: precision.partitions(cluster, effort.cuts))),
            (
                ("send-error",),
                lambda: _said(
                    f"{effort.loads} loads of 500/s",
                    lambda: precision.send_errors(cluster, effort.loads, effort.load_s),
                ),
            ),
            (
                ("unfaulted", "queue"),
                lambda: _said(
                    "requests past armed faults, and through the packet queue",
                    lambda: passing.requests(cluster, effort.rounds),
                ),
            ),
            (("stream",), lambda: _said("a stream at 100 ms", lambda: passing.stream(cluster, min(effort.rounds, 5)))),
            (
                ("arm",),
                lambda: _said("a hundred faults at one agent", lambda: schedules.armed(cluster, effort.rounds)),
            ),
        )
        return _those(parts, wanted)


def _generators(effort: Effort, folder: Path, wanted: Collection[str]) -> dict[str, Measured]:
    rounds = effort.rounds
    with yard(folder) as place:
        parts: tuple[Part, ...] = (
            (("record",), lambda: _said("one operation recorded", lambda: generators.records(place, rounds))),
            (_SPEEDS, lambda: _said("requests on one core", lambda: generators.speeds(place, rounds))),
            (
                ("send-error-2000",),
                lambda: _said("loads of 2,000/s", lambda: generators.send_errors(place, rounds)),
            ),
            (_STALLS, lambda: _said("a known stall", lambda: generators.stalls(place, min(rounds, 5)))),
            (_RECOVERIES, lambda: _said("a known outage", lambda: generators.recoveries(place, rounds))),
        )
        return _those(parts, wanted)


def _said(text: str, measure: Callable[[], Mapping[str, Measured]]) -> dict[str, Measured]:
    """Measured, with how late a bare timer was on this machine at that time."""
    _say(text)
    with noise() as meanwhile:
        found = measure()
    return _beside(meanwhile, found)


def _clock(effort: Effort, folder: Path) -> dict[str, Measured]:
    _say(f"a clock that jumps, {effort.jumps} times")
    return clock_skew(images(bound().config)["sidecar"], labels(folder), effort.jumps)


def _beside(meanwhile: Noise, found: Mapping[str, Measured]) -> dict[str, Measured]:
    """The same, each with how late a bare timer was on this machine at that time."""
    late_s = meanwhile.p99_s()
    said = f"a bare timer meanwhile: p99 {show_s(late_s)} late" if late_s is not None else ""
    return {key: replace(one, note=f"{one.note}; {said}") for key, one in found.items()}


def _whole(options: argparse.Namespace, folder: Path) -> dict[str, Measured]:
    if options.run is not None:
        played = runs.recorded(options.run)
        note = f"from {options.run} ({played.outcome}); first request after {played.first_request_s:.1f} s of record"
    elif options.full:
        _say("a whole partition run")
        played = runs.play("partition", folder)
        note = f"{played.outcome}; first request {played.first_request_s:.1f} s after the command"
    else:
        return {"whole": Measured(note="run with --full, or give a record with --run runs/latest")}
    return {"whole": Measured((played.whole_s,), note=note)}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except HarnessError as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
