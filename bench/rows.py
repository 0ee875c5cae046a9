"""The table of the bench: what each row measures, what was measured, and whether that is good enough. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from rich.text import Text

from harness.report.terminal import Row as Line
from harness.report.terminal import table
from harness.stats import P99, quantile
from harness.units import show_s

Outcome = Literal["met", "missed", "not measured"]
_COLOURS: Mapping[Outcome, str] = {"met": "green", "missed": "red", "not measured": "yellow"}


@dataclass(frozen=True, slots=True)
class Spec:
    """One row. ``goal``: a ratio to ``peer`` where there is one, else in ``unit``.

    ``figure``: what of the samples counts. A quantile of few samples is their largest, and the row's note says so.
    """

    key: str
    title: str
    figure: Literal["median", "p99"]
    goal: float
    peer: str = ""
    unit: Literal["s", "operations"] = "s"


SPECS = (
    Spec("ready", "ready", "median", 1.5, peer="docker compose up --wait"),
    Spec("down", "down", "median", 1.5, peer="docker compose down"),
    Spec("in-force", "partition: planned to in force", "p99", 0.005),
    Spec("in-force-median", "partition: planned to in force", "median", 0.001),
    Spec("beside-pause", "partition: planned to in force", "median", 0.1, peer="docker pause"),
    Spec("skew", "partition: first to last of 3 nodes", "p99", 0.003),
    Spec("skew-median", "partition: first to last of 3 nodes", "median", 0.0005),
    Spec("skew-threads", "partition: first to last of 3 nodes", "median", 0.1, peer="docker pause in threads"),
    Spec("fresh", "partition: heal to first fresh answer", "p99", 0.1),
    Spec("plan", "one fault of 100: file to moves", "median", 1.5, peer="one of 10"),
    Spec("arm", "one fault of 100: armed by an agent", "median", 1.5, peer="one of 10"),
    Spec("unfaulted", "request, faults armed elsewhere", "median", 1.1, peer="nothing armed"),
    Spec("queue", "packet queue at no delay: added", "median", 0.0001),
    Spec("stream", "100 Mbit over TCP at 100 ms delay", "median", 1.0),
    Spec("clock-bites", "clock skew: order to first wrong call", "median", 0.010),
    Spec("clock-call", "clock skew: added to a call", "median", 15e-9),
    Spec("send-error", "load: send-time error p99 at 500/s", "median", 0.002),
    Spec("send-error-2000", "load: send-time error p99 at 2,000/s", "median", 0.5, peer="the better of k6 and hey"),
    Spec("stall", "p99 under a known stall of 2 s: error", "median", 0.038),
    Spec("stall-dropped", "a known stall of 2 s: dropped", "median", 0.0, unit="operations"),
    Spec("request-wrk", "load: one request, on one core", "median", 2.0, peer="wrk"),
    Spec("request-aiohttp", "load: one request, on one core", "median", 0.125, peer="aiohttp"),
    Spec("record", "load: one operation recorded", "median", 0.15, peer="hdrhistogram"),
    Spec("recovery", "known outage of 2 s: error", "median", 0.010),
    Spec("recovery-rate", "known outage of 2 s: error", "median", 0.01, peer="rate() at 1 s scrapes"),
    Spec("linear-distinct", "linearizable: distinct values", "median", 0.1, peer="Porcupine"),
    Spec("linear-hot", "linearizable: one hot key", "median", 0.001, peer="Porcupine"),
    Spec("linear-cas", "linearizable: compare-and-set", "median", 4.0, peer="Porcupine"),
    Spec("judge", "1,000,000 operations judged, reported", "median", 5.0),
    Spec("judge-linear", "one of 1,000,000 judged, reported", "median", 1.5, peer="one of 100,000"),
    Spec("first-request", "command to first request", "median", 12.0),
    Spec("whole", "whole partition run", "median", 80.0),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds, one per repetition, ours and the peer's. ``note``: how, or why there are none."""

    ours_s: tuple[float, ...] = ()
    peer_s: tuple[float, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    spec: Spec
    measured: Measured = field(default_factory=Measured)

    @property
    def ours_s(self) -> float | None:
        return _figure(self.spec, self.measured.ours_s)

    @property
    def peer_s(self) -> float | None:
        return _figure(self.spec, self.measured.peer_s)

    @property
    def ratio(self) -> float | None:
        """Ours to the peer's; without a peer, ours to the goal."""
        base_s = self.peer_s if self.spec.peer else self.spec.goal
        return self.ours_s / base_s if self.ours_s is not None and base_s else None

    @property
    def outcome(self) -> Outcome:
        if self.ours_s is None or (self.spec.peer and self.ratio is None):
            return "not measured"
        found = self.ratio if self.spec.peer else self.ours_s
        return "met" if found is not None and found <= self.spec.goal else "missed"


def _show(seconds: float, unit: str = "s") -> str:
    """As a report does; with finer units below a millisecond."""
    if unit != "s":
        return f"{seconds:,.0f}"
    for below, finer in ((1e-6, "ns"), (1e-3, "us")):
        if abs(seconds) < below and seconds:
            return f"{seconds / below * 1000:.3g} {finer}"
    return show_s(seconds)


def _figure(spec: Spec, samples_s: Sequence[float]) -> float | None:
    if not samples_s:
        return None
    return median(samples_s) if spec.figure == "median" else quantile(sorted(samples_s), P99)


def rows(measured: Mapping[str, Measured]) -> tuple[Row, ...]:
    """Every row there is, measured or not, in the order of the table."""
    return tuple(Row(spec, measured.get(spec.key, Measured(note="it was not asked for"))) for spec in SPECS)


def render(found: Sequence[Row], columns: int) -> Iterator[Text]:
    """Lines for a person: a row each, its spread below it."""
    header = ("what", "ours", "peer", "ratio", "goal", "outcome")
    yield from table(header, [_line(row) for row in found], columns, shrinks=0)


def _line(row: Row) -> Line:
    spec = row.spec
    ours = f"{spec.figure} {_show(row.ours_s, spec.unit)}" if row.ours_s is not None else "-"
    peer = f"{spec.figure} {_show(row.peer_s)}" if row.peer_s is not None else "-"
    goal = f"≤ {spec.goal:g} x peer" if spec.peer else f"≤ {_show(spec.goal, spec.unit)}"
    cells = (spec.title, ours, peer, f"{row.ratio:.2f}" if row.ratio is not None else "-", goal, row.outcome)
    notes = [
        _spread("ours", row.measured.ours_s, spec),
        _spread(spec.peer, row.measured.peer_s, spec),
        row.measured.note,
    ]
    return Line(cells, _COLOURS[row.outcome], "; ".join(filter(None, notes)))


def _spread(who: str, samples_s: Sequence[float], spec: Spec) -> str:
    """Nothing where one sample is all there is."""
    if not samples_s:
        return ""
    if len(samples_s) == 1:
        return f"{who} once"
    low, middle, high = (_show(figure(samples_s), spec.unit) for figure in (min, median, max))
    return f"{who} {low} to {high}, median {middle} of {len(samples_s)}"


def encode(found: Sequence[Row], about: Mapping[str, object]) -> str:
    """The text of ``bench.json``: everything in seconds (but for a ``goal_unit`` that says else), every sample kept."""
    table_ = [
        {
            "key": row.spec.key,
            "title": row.spec.title,
            "figure": row.spec.figure,
            "ours_s": row.ours_s,
            "peer": row.spec.peer or None,
            "peer_s": row.peer_s,
            "ratio": row.ratio,
            "goal": row.spec.goal,
            "goal_unit": "ratio" if row.spec.peer else row.spec.unit,
            "outcome": row.outcome,
            "note": row.measured.note,
            "ours_samples_s": list(row.measured.ours_s),
            "peer_samples_s": list(row.measured.peer_s),
        }
        for row in found
    ]
    return json.dumps({"schema": 1, **about, "rows": table_}, indent=2, ensure_ascii=False) + "\n"
