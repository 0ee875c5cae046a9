"""The picture of a run as plain geometry: x in percent of the run's length, y in pixels. Pure; drawn by the page."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from harness.columns import Operations
from harness.judge.verdict import Verdict
from harness.operations import Outcome
from harness.recording.evidence import Evidence, Window
from harness.report import figures
from harness.report.lanes import Lane, lanes
from harness.report.marks import Mark, marks
from harness.report.needs import Need, needs
from harness.report.phases import Step, steps
from harness.scenario import Scenario

DOTS_PX, RATE_PX, FAILURES_PX = 220, 84, 64
_MARGIN_PX = 8  # above the slowest and below the quickest
_LABEL_PX = 18  # above the bars, for the words that say how high they are
SIZES = {"dots": DOTS_PX, "rate": RATE_PX, "failures": FAILURES_PX, "strip": 24}  # for the page
BINS_MAX = 120
_COLUMNS = 2000  # places a dot can have in x; two runs of the eye at 1000 px
_FINE = 0.05  # how far apart two shapes must be to be two, in percent of the run
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
    steps: tuple[Step, ...]
    times: tuple[Tick, ...]
    panels: tuple[Panel, ...]
    lanes: tuple[Lane, ...]
    needs: tuple[Need, ...]


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
        steps=steps(verdict, run),
        times=tuple(_times(run)),
        panels=tuple(
            _panel(name, ops, run, scale, bin_s) for name in evidence.operations if (ops := evidence.of_traffic(name))
        ),
        lanes=lanes(evidence, run, max(bin_s, 0.5)),
        needs=needs(evidence, run),
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


def _panel(name: str, operations: Operations, run: Window, scale: _Scale, bin_s: float) -> Panel:
    low, high = _decades(operations)
    good = operations.part(operations.ok)
    bad = [(kind, operations.part(operations.ended(kind))) for kind in operations.counts() if kind is not Outcome.OK]
    bins = _binned(operations, run, bin_s)
    counts = [ops.counts() for ops in bins]
    rates, failure_rates = _bars(counts, bin_s, run)
    return Panel(
        traffic=name,
        ok=len(good),
        dots=_dots(good, scale, low, high),
        failures=tuple(
            Failures(_key(kind), len(ops), _shapes(ops, scale, low, high, _SHAPES_MAX // len(bad))) for kind, ops in bad
        ),
        latencies=tuple(
            Tick(_y(10.0**power, low, high), f"{10**power:g} s" if power >= 0 else f"{10 ** (power + 3):g} ms")
            for power in range(low, high + 1)
        ),
        rates=rates,
        rate_max=figures.rate(max(map(len, bins)) / bin_s),
        failure_rates=failure_rates,
        failure_rate_max=figures.rate(max(map(_failed, counts)) / bin_s),
        bins=tuple(
            _said(ops, count, number * bin_s, bin_s)
            for number, (ops, count) in enumerate(zip(bins, counts, strict=True))
        ),
    )


def _binned(operations: Operations, run: Window, bin_s: float) -> list[Operations]:
    """The run in stretches of ``bin_s``: what fell due in each. ``operations`` are ordered by due time."""
    count = max(1, math.ceil(round(run.length_s / bin_s, 6)))
    starts_ns = [run.start_ns + round(number * bin_s * 1e9) for number in range(count + 1)]
    edges = [operations.due_before(start_ns) for start_ns in starts_ns]
    return [operations[first:last] for first, last in pairwise(edges)]


def _failed(counts: Mapping[Outcome, int]) -> int:
    return sum(count for kind, count in counts.items() if kind is not Outcome.OK)


def _decades(operations: Operations) -> tuple[int, int]:
    """Powers of ten between which every latency lies, in seconds; at least two decades, so that noise looks small."""
    seen_s = operations.latency_ns / 1e9
    low = math.floor(math.log10(max(1e-5, seen_s.min())))
    return low, max(low + 2, math.ceil(math.log10(max(1e-5, seen_s.max()))))


def _ruler(low: int, high: int) -> tuple[float, float, float]:
    """``top, step, least``: a latency of ``s`` seconds stands at ``top - step * log10(max(s, least))`` pixels."""
    step = (DOTS_PX - 2 * _MARGIN_PX) / (high - low)
    return DOTS_PX - _MARGIN_PX + step * low, step, 10.0**low


def _y(latency_s: float, low: int, high: int) -> float:
    top, step, least = _ruler(low, high)
    return round(top - step * math.log10(max(latency_s, least)), 1)


def _heights(operations: Operations, low: int, high: int) -> NDArray[np.float64]:
    """As ``_y``, unrounded. The logarithm is Python's, which is the same to the last bit on every machine."""
    top, step, least = _ruler(low, high)
    waited_s = np.maximum(operations.latency_ns / 1e9, least)
    return top - step * np.fromiter(map(math.log10, waited_s.tolist()), np.float64, len(operations))


def _dots(good: Operations, scale: _Scale, low: int, high: int) -> tuple[str, str, str]:
    """Good answers by place: one there, two to four, more. A zero-length line with a round cap is a round dot."""
    across = _COLUMNS / scale.length_ns
    xs = ((good.due_ns - scale.start_ns) * across).astype(np.int64).tolist()
    places = Counter(zip(xs, _heights(good, low, high).astype(np.int64).tolist(), strict=True))
    paths: tuple[list[str], list[str], list[str]] = ([], [], [])
    for (x, y), count in places.items():
        paths[0 if count == 1 else 1 if count < 5 else 2].append(f"M{x} {y}h0")
    return "".join(paths[0]), "".join(paths[1]), "".join(paths[2])


def _shapes(operations: Operations, scale: _Scale, low: int, high: int, most: int) -> tuple[Shape, ...]:
    """Where they are; more than ``most`` places are made coarser until they are not."""
    xs = np.rint((operations.due_ns - scale.start_ns) * (100 / scale.length_ns / _FINE)).astype(np.int64)
    # x is in percent of a wide page and y in pixels: eight of these to one of those look square.
    ys = np.rint(_heights(operations, low, high) / (8 * _FINE)).astype(np.int64)
    fine = set(zip(xs.tolist(), ys.tolist(), strict=True))
    times, places = 1, fine
    while len(places) > most:
        times = max(times + 1, math.ceil(times * math.sqrt(len(places) / most)))
        places = {(x // times, y // times) for x, y in fine}
    middle = (times - 1) / 2  # of the places that became one
    return tuple(
        Shape(round(min(100.0, (x * times + middle) * _FINE), 2), round((y * times + middle) * _FINE * 8, 1))
        for x, y in sorted(places)
    )


def _bars(
    counts: Sequence[Mapping[Outcome, int]], bin_s: float, run: Window
) -> tuple[tuple[Bar, ...], tuple[Bar, ...]]:
    """Every operation by outcome, and the failures alone on a scale of their own."""
    most = max(1, *(sum(count.values()) for count in counts))
    failed = max(1, *map(_failed, counts))
    width = bin_s / run.length_s * 100
    # One bar ends exactly where the next begins, or a thin gap would stand between them on some screens.
    edges = [round(min(100.0, at * width), 3) for at in range(len(counts) + 1)]
    every, alone = list[Bar](), list[Bar]()
    for span, count in zip(pairwise(edges), counts, strict=True):
        every += _stack(count, span, most, RATE_PX)
        alone += _stack({kind: n for kind, n in count.items() if kind is not Outcome.OK}, span, failed, FAILURES_PX)
    return tuple(every), tuple(alone)


def _stack(count: Mapping[Outcome, int], span: tuple[float, float], most: int, height_px: int) -> Iterator[Bar]:
    x, width = span[0], round(span[1] - span[0], 3)
    top = float(height_px)
    for kind in sorted(count):
        height = count[kind] / most * (height_px - _LABEL_PX)
        top -= height
        yield Bar(x, width, round(top, 1), round(height, 1), _key(kind))


def _said(operations: Operations, counts: Mapping[Outcome, int], start_s: float, bin_s: float) -> str:
    """One bin in words."""
    head = f"{start_s:.2f}-{start_s + bin_s:.2f} s: "
    if not operations:
        return head + "nothing was due"
    waits_ns = operations.latency_ns[operations.ok].tolist()
    parts = [f"{len(operations)} due", f"{len(waits_ns)} ok"]
    if waits_ns:
        usual, slowest = (figures.figure(wait_ns / 1e9, "s") for wait_ns in (median(waits_ns), max(waits_ns)))
        parts.append(f"median {usual}, slowest {slowest}")
    parts += [f"{count} {_key(kind)}" for kind, count in sorted(counts.items()) if kind is not Outcome.OK]
    served = sorted(operations.served().items())
    parts += [f"{figures.line(node)} {count / len(waits_ns) * 100:.0f} %" for node, count in served]
    return head + " · ".join(parts)


def _key(kind: Outcome) -> str:
    return kind.name.lower().replace("_", "-")
