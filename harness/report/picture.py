"""The picture of a run as plain geometry: x in percent of the run's length, y in pixels. Pure; drawn by the page."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from harness.judge.verdict import Verdict
from harness.operations import Operation, Outcome
from harness.recording.evidence import Evidence, Window
from harness.report import figures
from harness.report.lanes import Lane, lanes
from harness.report.marks import Mark, marks
from harness.scenario import Scenario

DOTS_PX, RATE_PX, FAILURES_PX = 220, 84, 64
_LABEL_PX = 18  # above the bars, for the words that say how high they are
SIZES = {"dots": DOTS_PX, "rate": RATE_PX, "failures": FAILURES_PX, "strip": 24}  # for the page
BINS_MAX = 120
_COLUMNS = 2000  # places a dot can have in x; two runs of the eye at 1000 px
_SHAPES_MAX = 20_000  # shapes are heavier than dots; beyond this they share coarser places
_BIN_WIDTHS_S = (0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 600, 3600)
_LABEL_WIDTHS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200)
_LABELS_MAX = 7


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of time. ``planned``: where it should have been, as (x, width)."""

    name: str
    about: str
    x: float
    width: float
    planned: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid and what stands there; ``at`` is x in percent or y in pixels."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Shape:
    """One failure, or several of one class at one place."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Failures:
    """All operations of one class that is not ok: how many, where, and how many in each bin."""

    key: str
    count: int
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    width: float
    y: float
    height: float
    key: str = "ok"


@dataclass(frozen=True, slots=True)
class Panel:
    """One traffic. ``dots``: SVG path data of the good answers at three densities, 2,000 units wide.

    ``bins``: what is said of each stretch of time to whoever points at it.
    """

    traffic: str
    ok: int
    dots: tuple[str, str, str]
    failures: tuple[Failures, ...]
    latencies: tuple[Tick, ...]
    rates: tuple[Bar, ...]
    rate_max: str
    failure_rates: tuple[Bar, ...]
    failure_rate_max: str
    bins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """``bin_s``: how long a bin is."""

    length_s: float
    bin_s: float
    phases: tuple[Band, ...]
    faults: tuple[Band, ...]
    marks: tuple[Mark, ...]
    times: tuple[Tick, ...]
    panels: tuple[Panel, ...]
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class _Scale:
    """From instants to percent of the run."""

    start_ns: int
    length_ns: int

    def x(self, at_ns: int) -> float:
        return round(min(100.0, max(0.0, (at_ns - self.start_ns) / self.length_ns * 100)), 3)

    def band(self, name: str, about: str, window: Window, planned: tuple[float, float] | None = None) -> Band:
        x = self.x(window.start_ns)
        return Band(name, about, x, round(self.x(window.end_ns) - x, 3), planned)


def picture(scenario: Scenario, evidence: Evidence, verdict: Verdict) -> Picture | None:
    """None: the warm-up never began, so there is nothing to see."""
    run = evidence.phases.get("all")
    if run is None or run.length_s <= 0:
        return None
    scale = _Scale(run.start_ns, run.end_ns - run.start_ns)
    bin_s = _step(run.length_s, _BIN_WIDTHS_S, BINS_MAX)
    return Picture(
        length_s=run.length_s,
        bin_s=bin_s,
        phases=tuple(
            scale.band(figures.phase(name), f"{figures.phase(name)}, {window.length_s:.1f} s", window)
            for name, window in evidence.phases.items()
            if name != "all"
        ),
        faults=tuple(_faults(scale, run, evidence, verdict)),
        marks=marks(scenario, evidence, verdict, run),
        times=tuple(_times(run)),
        panels=tuple(_panel(name, ops, run, scale, bin_s) for name, ops in evidence.operations.items() if ops),
        lanes=lanes(evidence, run, max(bin_s, 0.5)),
    )


def _step(length_s: float, widths_s: Sequence[float], most: int) -> float:
    return next((width for width in widths_s if length_s / width <= most), length_s / most)


def _times(run: Window) -> Iterator[Tick]:
    step_s = _step(run.length_s, _LABEL_WIDTHS_S, _LABELS_MAX)
    for number in range(int(run.length_s / step_s) + 1):
        at_s = number * step_s
        # The last label would be cut in half by the edge.
        if at_s / run.length_s < 0.96:
            yield Tick(round(at_s / run.length_s * 100, 3), f"{at_s:g} s")


def _faults(scale: _Scale, run: Window, evidence: Evidence, verdict: Verdict) -> Iterator[Band]:
    for fault in verdict.faults:
        start, end = (scale.x(run.start_ns + round(at_s * 1e9)) for at_s in fault.planned_s)
        about = f"{fault.what}: planned {figures.planned(fault)}, in force {figures.in_force(fault)}"
        spell = evidence.in_force(fault.name)
        window = spell.window if spell else Window(run.start_ns, run.start_ns)
        yield scale.band(fault.name, figures.line(about), window, (start, round(end - start, 3)))


def _panel(name: str, operations: Sequence[Operation], run: Window, scale: _Scale, bin_s: float) -> Panel:
    low, high = _decades(operations)
    good = [op for op in operations if op.outcome is Outcome.OK]
    bad = Counter(op.outcome for op in operations if op.outcome is not Outcome.OK)
    bins = _binned(operations, run, bin_s)
    rates, failure_rates = _bars(bins, bin_s, run)
    return Panel(
        traffic=name,
        ok=len(good),
        dots=_dots(good, scale, low, high),
        failures=tuple(
            Failures(_key(kind), count, _shapes(operations, kind, scale, (low, high), _SHAPES_MAX // len(bad)))
            for kind, count in sorted(bad.items())
        ),
        latencies=tuple(
            Tick(_y(10.0**power, low, high), f"{10**power:g} s" if power >= 0 else f"{10 ** (power + 3):g} ms")
            for power in range(low, high + 1)
        ),
        rates=rates,
        rate_max=figures.rate(max(map(len, bins)) / bin_s),
        failure_rates=failure_rates,
        failure_rate_max=figures.rate(max(sum(op.outcome is not Outcome.OK for op in ops) for ops in bins) / bin_s),
        bins=tuple(_said(ops, number * bin_s, bin_s) for number, ops in enumerate(bins)),
    )


def _decades(operations: Sequence[Operation]) -> tuple[int, int]:
    """Powers of ten between which every latency lies, in seconds; at least two decades, so that noise looks small."""
    seen = [op.latency_s for op in operations]
    low = math.floor(math.log10(max(1e-5, min(seen))))
    return low, max(low + 2, math.ceil(math.log10(max(1e-5, *seen))))


def _y(latency_s: float, low: int, high: int) -> float:
    margin = 8
    share = (math.log10(max(latency_s, 10.0**low)) - low) / (high - low)
    return round(DOTS_PX - margin - min(1.0, share) * (DOTS_PX - 2 * margin), 1)


def _dots(good: Sequence[Operation], scale: _Scale, low: int, high: int) -> tuple[str, str, str]:
    """Good answers by place: one there, two to four, more. A zero-length line with a round cap is a round dot."""
    step = _COLUMNS / scale.length_ns
    places = Counter((int((op.due_ns - scale.start_ns) * step), int(_y(op.latency_s, low, high))) for op in good)
    paths: tuple[list[str], list[str], list[str]] = ([], [], [])
    for (x, y), count in places.items():
        paths[0 if count == 1 else 1 if count < 5 else 2].append(f"M{x} {y}h0")
    return "".join(paths[0]), "".join(paths[1]), "".join(paths[2])


def _shapes(
    operations: Sequence[Operation], kind: Outcome, scale: _Scale, decades: tuple[int, int], most: int
) -> tuple[Shape, ...]:
    """Where operations of one class are; more than ``most`` places are made coarser until they are not."""
    exact = [(scale.x(op.due_ns), _y(op.latency_s, *decades)) for op in operations if op.outcome is kind]
    # x is in percent of a wide page and y in pixels: eight of these to one of those look square.
    step, places = 0.05, {(round(x * 20), round(y * 2.5)) for x, y in exact}
    while len(places) > most:
        step *= max(1.6, math.sqrt(len(places) / most))  # as many places as there are, or fewer, share a coarser one
        places = {(round(x / step), round(y / step / 8)) for x, y in exact}
    return tuple(Shape(round(x * step, 2), round(y * step * 8, 1)) for x, y in sorted(places))


def _binned(operations: Sequence[Operation], run: Window, bin_s: float) -> list[list[Operation]]:
    bins: list[list[Operation]] = [[] for _ in range(max(1, math.ceil(round(run.length_s / bin_s, 6))))]
    for op in operations:
        at = int((op.due_ns - run.start_ns) / 1e9 / bin_s)
        if 0 <= at < len(bins):
            bins[at].append(op)
    return bins


def _bars(bins: list[list[Operation]], bin_s: float, run: Window) -> tuple[tuple[Bar, ...], tuple[Bar, ...]]:
    """Every operation by outcome, and the failures alone on a scale of their own."""
    counts = [Counter(op.outcome for op in ops) for ops in bins]
    most = max(1, *map(len, bins))
    failed = max(1, *(sum(count.values()) - count[Outcome.OK] for count in counts))
    width = bin_s / run.length_s * 100
    every = [bar for at, count in enumerate(counts) for bar in _stack(count, at * width, width, most, RATE_PX)]
    for count in counts:
        del count[Outcome.OK]
    alone = [bar for at, count in enumerate(counts) for bar in _stack(count, at * width, width, failed, FAILURES_PX)]
    return tuple(every), tuple(alone)


def _stack(count: Counter[Outcome], x: float, width: float, most: int, height_px: int) -> Iterator[Bar]:
    top = float(height_px)
    for kind in sorted(count):
        height = count[kind] / most * (height_px - _LABEL_PX)
        top -= height
        yield Bar(round(x, 3), round(min(width, 100 - x), 3), round(top, 1), round(height, 1), _key(kind))


def _said(operations: Sequence[Operation], start_s: float, bin_s: float) -> str:
    """One bin in words."""
    head = f"{start_s:.2f}-{start_s + bin_s:.2f} s: "
    if not operations:
        return head + "nothing was due"
    waits = [op.latency_s for op in operations if op.outcome is Outcome.OK]
    bad = Counter(op.outcome for op in operations if op.outcome is not Outcome.OK)
    parts = [f"{len(operations)} due", f"{len(waits)} ok"]
    if waits:
        parts.append(f"median {figures.figure(median(waits), 's')}, slowest {figures.figure(max(waits), 's')}")
    parts += [f"{count} {_key(kind)}" for kind, count in sorted(bad.items())]
    served = Counter(op.node for op in operations if op.node and op.outcome is Outcome.OK)
    parts += [f"{figures.line(node)} {count / len(waits) * 100:.0f} %" for node, count in sorted(served.items())]
    return head + " · ".join(parts)


def _key(kind: Outcome) -> str:
    return kind.name.lower().replace("_", "-")
