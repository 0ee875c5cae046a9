"""What each node used as the run went on: memory as a line, CPU as an area; both on one scale for all nodes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.recording.events import Used, UseUnseen
from harness.recording.evidence import Evidence, Window
from harness.units import show_bytes

NEED_PX = 40
WIDE = 2000  # units of x in the paths below
_LABEL_PX = 15  # above the highest, for the words
_APART_S = 3.0  # looks farther apart than this are not joined: nobody knows what was in between
_CPUS_LEAST = 0.1  # a node that idles is drawn as one


@dataclass(frozen=True, slots=True)
class Need:
    """``memory``, ``cpu``: SVG path data, ``WIDE`` by ``NEED_PX``. ``said``: the figures in words."""

    node: str
    memory: str
    cpu: str
    said: str


def needs(evidence: Evidence, run: Window) -> tuple[Need, ...]:
    """Nodes in the cluster's order; those that nobody looked at are left out."""
    of: dict[str, list[Used]] = {node: [] for node in (evidence.began.cluster.names() if evidence.began else ())}
    for event in evidence.of(Used):
        if run.holds(event.at_ns):
            of.setdefault(event.node, []).append(event)
    missed = Counter(event.node for event in evidence.of(UseUnseen) if not event.down and run.holds(event.at_ns))
    spent = {node: list(_spent(used)) for node, used in of.items()}
    memory_max = max((event.memory_bytes for used in of.values() for event in used), default=0) or 1
    cpus_max = max((cpus for spans in spent.values() for _, _, cpus in spans), default=0.0)
    cpus_max = max(cpus_max, _CPUS_LEAST)
    return tuple(
        Need(
            node,
            _line(used, memory_max, run),
            _area(spent[node], cpus_max, run),
            _said(used, spent[node]) + (f" · {missed[node]:,} looks failed" if missed[node] else ""),
        )
        for node, used in of.items()
        if used
    )


def _spent(used: Sequence[Used]) -> Iterator[tuple[int, int, float]]:
    """(from, to, CPUs kept busy in between), for looks that belong together."""
    for before, now in pairwise(used):
        length_s = (now.at_ns - before.at_ns) / 1e9
        if 0 < length_s <= _APART_S and now.cpu_s >= before.cpu_s:
            yield before.at_ns, now.at_ns, (now.cpu_s - before.cpu_s) / length_s


def _line(used: Sequence[Used], most: float, run: Window) -> str:
    parts: list[str] = []
    last_ns: int | None = None
    for event in used:
        joined = last_ns is not None and (event.at_ns - last_ns) / 1e9 <= _APART_S
        parts.append(f"{'L' if joined else 'M'}{_x(event.at_ns, run)} {_y(event.memory_bytes / most)}")
        last_ns = event.at_ns
    return "".join(parts)


def _area(spans: Sequence[tuple[int, int, float]], most: float, run: Window) -> str:
    return "".join(
        f"M{_x(from_ns, run)} {NEED_PX}V{_y(cpus / most)}H{_x(to_ns, run)}V{NEED_PX}Z" for from_ns, to_ns, cpus in spans
    )


def _x(at_ns: int, run: Window) -> int:
    return round((at_ns - run.start_ns) / 1e9 / run.length_s * WIDE)


def _y(share: float) -> float:
    return round(NEED_PX - share * (NEED_PX - _LABEL_PX), 1)


def _said(used: Sequence[Used], spans: Sequence[tuple[int, int, float]]) -> str:
    """The most memory, the mean of CPU, and the most descriptors where somebody counted them."""
    said = [f"{show_bytes(max(event.memory_bytes for event in used))} at most"]
    busy_s = sum(cpus * (to_ns - from_ns) for from_ns, to_ns, cpus in spans)
    if length_ns := sum(to_ns - from_ns for from_ns, to_ns, _ in spans):
        said.append(f"{busy_s / length_ns:.2g} CPUs")
    if counted := [event.descriptors for event in used if event.descriptors is not None]:
        said.append(f"{max(counted):,} descriptors")
    return " · ".join(said)
