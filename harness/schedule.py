"""From a scenario to its moves: what happens when, in seconds since the warm-up began. Pure; and the same as a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Literal

from harness.cluster import Cluster
from harness.faults import Fault
from harness.objectives import Bound, Objective
from harness.primitives import AnyPrimitive
from harness.scenario import Scenario
from harness.seeds import sub_seed
from harness.targets import pending
from harness.traffic import Traffic
from harness.units import show_planned_s
from harness.words import words_of

Phase = Literal["warmup", "faults", "recovery", "end"]


@dataclass(frozen=True, slots=True)
class PhaseStart:
    at_s: float
    phase: Phase


@dataclass(frozen=True, slots=True)
class Inject:
    """``primitives``: the changes that the fault is made of on this cluster; none yet where it must be looked up."""

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
        changes = () if pending(fault) else fault.compile(cluster, proxied, sub_seed(scenario.seed, fault.name))
        found.append(Inject(_exact(at_s), fault, changes))
        found.append(Heal(_exact(at_s + fault.for_s), fault))
    return tuple(sorted(found, key=lambda move: (move.at_s, _RANK[type(move)])))


_RANK: dict[type[Move], int] = {Heal: 0, PhaseStart: 1, Inject: 2}


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
        _block("stopped and healed", _stops(scenario)),
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
        exactly = "at least" if scenario.broken else "exactly"
        lines.append(f"expected to be violated on {exactly}: " + ", ".join(scenario.expected))
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
            f"{load.client} to {load.to}, {load.says()} ({_count(load, scenario)}), "
            f"each within {show_planned_s(load.timeout_s)}, {load.connection} connections",
        )
        for load in scenario.traffic
    ]


def _count(load: Traffic, scenario: Scenario) -> str:
    phases = scenario.phases
    due = load.due(phases.warmup_s, phases.faults_s, phases.total_s)
    return "as many operations as are answered" if due is None else f"{int(due):,} operations"


def _fault(move: Inject, cluster: Cluster) -> list[Row]:
    fault = move.fault
    until_s = _exact(move.at_s + fault.for_s)
    return [
        ("what", f"{fault.kind}: {fault.describe()}"),
        ("how", f"{fault.via}, {move.at_s:.3f} to {until_s:.3f} s"),
        *_listed("whom", [str(target) for target in fault.targets], per_line=1),
        *(() if pending(fault) else _whom(fault, cluster)),
        *_listed("does", [primitive.says() for primitive in move.primitives], per_line=1),
        *_listed("undo", wrap(fault.undo(), _WIDTH), per_line=1),
        *_listed("lease", list(dict.fromkeys(p.lease(fault.for_s) for p in move.primitives)), per_line=1),
        *_listed("mind", wrap(fault.page, _WIDTH), per_line=1),
    ]


def _whom(fault: Fault, cluster: Cluster) -> list[Row]:
    return [
        *_listed("links", [f"{source} -> {target}" for source, target in sorted(fault.touches(cluster))]),
        *_listed("stops", sorted(fault.stops(cluster))),
    ]


def _listed(title: str, texts: Sequence[str], per_line: int = 6) -> list[Row]:
    """One title, and as many lines as the texts need."""
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return [(title if i == 0 else "", line) for i, line in enumerate(lines)]


@dataclass(frozen=True, slots=True)
class Reach:
    """Nodes that some fault can touch, whoever is drawn or looked up, and those that none can."""

    touched: tuple[str, ...]
    untouched: tuple[str, ...]


def reach(scenario: Scenario, cluster: Cluster) -> Reach:
    """The blast radius, by node; the client is in it where a fault names it. Containers of nobody else are ever in."""
    touched: set[str] = set()
    for fault in scenario.stand_ins(cluster):
        touched |= {name for pair in fault.touches(cluster) for name in pair}
        touched |= fault.stops(cluster) | fault.shakes(cluster)
        touched |= {primitive.node for primitive in fault.compile(cluster, fault.proxies(cluster))}
    return Reach(tuple(sorted(touched)), tuple(name for name in cluster.names() if name not in touched))


def reach_text(scenario: Scenario, cluster: Cluster) -> str:
    """The same in one sentence, for `check`."""
    found = reach(scenario, cluster)
    who = f"can touch {', '.join(found.touched)}" if found.touched else "touches nobody"
    rest = f", never {', '.join(found.untouched)}" if found.touched and found.untouched else ""
    return f"{who}{rest}; no container but the run's own"


def _reach(scenario: Scenario, cluster: Cluster) -> list[Row]:
    """Who can be touched by a fault, and who must stay as it is."""
    found = reach(scenario, cluster)
    proxied = [str(link) for link in sorted(scenario.proxied(cluster))]
    return [
        *_listed("touched", found.touched or ["nobody"]),
        *_listed("untouched", found.untouched or ["nobody"]),
        *_listed("proxied", [*proxied, "through Toxiproxy all run long"] if proxied else ["no link"]),
    ]


def _stops(scenario: Scenario) -> list[Row]:
    """What ends the run early. Its own time limit only where the file gives one: else it is there for us to fail by."""
    limit = [("after", show_planned_s(scenario.time_limit_s))] if scenario.time_limit_s is not None else []
    return [*(("when", condition.describe()) for condition in scenario.stop_when), *limit]


def _asks(objective: Objective) -> str:
    """An objective in the words of its file: its figure first, then of what, what it needs last."""
    values = {key: getattr(objective, field.name) for key, field in words_of(type(objective)).items() if key != "name"}
    order = sorted(values, key=lambda key: (key != objective.key, key != "of", key == "needs"))
    return ", ".join(f"{key} {_value(values[key])}" for key in order if values[key] is not None)


def _value(value: object) -> str:
    if isinstance(value, Bound):
        return value.text
    return show_planned_s(value) if isinstance(value, float) else str(value)


def _placebo(scenario: Scenario) -> list[Row]:
    if not scenario.faults:
        return []
    unasked = [objective.name for objective in scenario.objectives if not objective.asked_without_faults]
    rows: list[Row] = [("same", "load, phases and windows; nothing is injected")]
    return [*rows, *_listed("not asked", unasked)]
