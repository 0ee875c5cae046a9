"""From a scenario to its moves: what happens when, in seconds since the warm-up began. Pure; and the same as a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from textwrap import wrap
from typing import Literal

from harness.cluster import Cluster
from harness.faults import Fault
from harness.objectives import Bound, Objective
from harness.primitives import AnyPrimitive
from harness.scenario import Scenario
from harness.units import show_planned_s
from harness.words import words_of

Phase = Literal["warmup", "faults", "recovery", "end"]


@dataclass(frozen=True, slots=True)
class PhaseStart:
    at_s: float
    phase: Phase


@dataclass(frozen=True, slots=True)
class Inject:
    """``primitives``: the changes that the fault is made of on this cluster."""

    at_s: float
    fault: Fault
    primitives: tuple[AnyPrimitive, ...]


@dataclass(frozen=True, slots=True)
class Heal:
    at_s: float
    fault: Fault


Move = PhaseStart | Inject | Heal


def moves(scenario: Scenario, cluster: Cluster, without_faults: bool = False) -> tuple[Move, ...]:
    """Every move, in order. At one instant heals come first, then a phase, then injects; else the file's order."""
    phases = scenario.phases
    starts: list[tuple[float, Phase]] = [
        (0.0, "warmup"),
        (phases.warmup_s, "faults"),
        (phases.warmup_s + phases.faults_s, "recovery"),
        (phases.total_s, "end"),
    ]
    found: list[Move] = [PhaseStart(_exact(at_s), phase) for at_s, phase in starts]
    proxied = scenario.proxied(cluster)
    for fault in () if without_faults else scenario.faults:
        at_s = phases.warmup_s + fault.at_s
        found.append(Inject(_exact(at_s), fault, fault.compile(cluster, proxied, sub_seed(scenario.seed, fault.name))))
        found.append(Heal(_exact(at_s + fault.for_s), fault))
    return tuple(sorted(found, key=lambda move: (move.at_s, _RANK[type(move)])))


_RANK: dict[type[Move], int] = {Heal: 0, PhaseStart: 1, Inject: 2}


def sub_seed(seed: int, name: str) -> int:
    """The seed of one fault's draws: from its own name, so that leaving another fault out does not move them."""
    return int.from_bytes(sha256(f"{seed}/{name}".encode()).digest()[:6], "big")


def _exact(seconds: float) -> float:
    """Sums of decimal fractions without the dust of binary ones, to the nanosecond."""
    return round(seconds, 9)


# --- the page that `harness plan` prints ------------------------------------------------------------------------------

Row = tuple[str, ...]
_WIDTH = 100


def plan_text(scenario: Scenario, cluster: Cluster, notes: Sequence[str] = ()) -> str:
    """What would happen, to read before it does. ``notes``: what the loader found worth knowing."""
    blocks = [
        _head(scenario, cluster),
        _block("timeline, in seconds since warm-up began", _timeline(scenario, cluster)),
        _block("load", _load(scenario)),
        *(_block(f"fault {move.fault.name}", _fault(move, cluster)) for move in _injects(scenario, cluster)),
        _block("reach", _reach(scenario, cluster)),
        _block("objectives", [(o.name, _asks(o)) for o in scenario.objectives]),
        _block("with --no-faults", _placebo(scenario)),
        _block("worth knowing", [row for note in notes for row in _listed("*", wrap(note, _WIDTH), per_line=1)]),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _injects(scenario: Scenario, cluster: Cluster) -> tuple[Inject, ...]:
    return tuple(move for move in moves(scenario, cluster) if isinstance(move, Inject))


def _head(scenario: Scenario, cluster: Cluster) -> str:
    first = f"{scenario.name} · {scenario.cluster} · {len(cluster.nodes)} nodes · seed {scenario.seed}"
    lines = [first, *wrap(scenario.about, _WIDTH)]
    if scenario.variables:
        lines.append("with " + ", ".join(f"{name}={value}" for name, value in scenario.variables))
    if scenario.expected is not None:
        lines.append("expected to be violated on exactly: " + ", ".join(scenario.expected))
    return "\n".join(lines)


def _block(title: str, rows: Sequence[Row]) -> str:
    """A title over rows whose columns are aligned; the last column is as long as it likes."""
    if not rows:
        return ""
    columns = max(map(len, rows)) - 1
    widths = [max(len(row[i]) for row in rows if len(row) > i + 1) for i in range(columns)]
    lines = ["  ".join([*(cell.ljust(widths[i]) for i, cell in enumerate(row[:-1])), row[-1]]) for row in rows]
    return "\n".join([title, *(f"  {line}".rstrip() for line in lines)])


def _timeline(scenario: Scenario, cluster: Cluster) -> list[Row]:
    found = moves(scenario, cluster)
    width = len(f"{found[-1].at_s:.3f}")
    return [(f"{move.at_s:.3f}".rjust(width), *_move(move, scenario)) for move in found]


def _move(move: Move, scenario: Scenario) -> Row:
    if isinstance(move, Inject):
        return "inject", move.fault.name, move.fault.describe()
    if isinstance(move, Heal):
        return "heal", move.fault.name, f"after {show_planned_s(move.fault.for_s)}"
    phases = scenario.phases
    length_s = {"warmup": phases.warmup_s, "faults": phases.faults_s, "recovery": phases.recovery_s}.get(move.phase)
    return "phase", move.phase, "load stops" if length_s is None else f"for {show_planned_s(length_s)}"


def _load(scenario: Scenario) -> list[Row]:
    return [
        (
            load.name,
            f"{load.client} to {load.to}, {load.rate_per_s:g}/s ({_count(load.rate_per_s, scenario)} operations), "
            f"each within {show_planned_s(load.timeout_s)}, {load.connection} connections",
        )
        for load in scenario.traffic
    ]


def _count(rate_per_s: float, scenario: Scenario) -> str:
    return f"{int(rate_per_s * scenario.phases.total_s):,}"


def _fault(move: Inject, cluster: Cluster) -> list[Row]:
    fault = move.fault
    until_s = _exact(move.at_s + fault.for_s)
    return [
        ("what", f"{fault.kind}: {fault.describe()}"),
        ("how", f"{fault.via}, {move.at_s:.3f} to {until_s:.3f} s"),
        *_listed("links", [f"{source} -> {target}" for source, target in sorted(fault.touches(cluster))]),
        *_listed("stops", sorted(fault.stops(cluster))),
        *_listed("does", [primitive.says() for primitive in move.primitives], per_line=1),
        *_listed("undo", wrap(fault.undo(), _WIDTH), per_line=1),
        *_listed("lease", list(dict.fromkeys(p.lease(fault.for_s) for p in move.primitives)), per_line=1),
        *_listed("mind", wrap(fault.page, _WIDTH), per_line=1),
    ]


def _listed(title: str, texts: Sequence[str], per_line: int = 6) -> list[Row]:
    """One title, and as many lines as the texts need."""
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return [(title if i == 0 else "", line) for i, line in enumerate(lines)]


def _reach(scenario: Scenario, cluster: Cluster) -> list[Row]:
    """Who can be touched by a fault, and who must stay as it is."""
    links = {pair for fault in scenario.faults for pair in fault.touches(cluster)}
    stopped = {node for fault in scenario.faults for node in fault.stops(cluster)}
    touched = {name for pair in links for name in pair} | stopped
    proxied = [str(link) for link in sorted(scenario.proxied(cluster))]
    untouched = [name for name in cluster.names() if name not in touched]
    return [
        *_listed("touched", sorted(touched) or ["nobody"]),
        *_listed("untouched", untouched or ["nobody"]),
        *_listed("proxied", [*proxied, "through Toxiproxy all run long"] if proxied else ["no link"]),
    ]


def _asks(objective: Objective) -> str:
    """An objective in the words of its file: its figure first, what it needs last."""
    values = {key: getattr(objective, field.name) for key, field in words_of(type(objective)).items() if key != "name"}
    order = sorted(values, key=lambda key: (key != objective.key, key == "needs"))
    return ", ".join(f"{key} {_value(values[key])}" for key in order if values[key] is not None)


def _value(value: object) -> str:
    if isinstance(value, Bound):
        return value.text
    return show_planned_s(value) if isinstance(value, float) else str(value)


def _placebo(scenario: Scenario) -> list[Row]:
    if not scenario.faults:
        return []
    unasked = [objective.name for objective in scenario.objectives if objective.needs is not None]
    rows: list[Row] = [("same", "load, phases and windows; nothing is injected")]
    return [*rows, *_listed("not asked", unasked)]
