"""The negative control: while a fault is in force, every link it does not name stays as it was."""

from collections.abc import Iterator
from statistics import median

from harness.cluster import Cluster
from harness.faults import Fault
from harness.recording.events import Probed
from harness.recording.evidence import Evidence, InForce, Window
from harness.scenario import Scenario
from harness.units import show_s

CHANGE_FLOOR_S = 0.020  # a change of a round trip below this is the machine's noise
CHANGE_SHARE = 0.2  # of the fault's own strength
LOST_SHARE = 0.02  # a busy machine loses an echo now and then ...
LOST_MAX = 1  # ... and one alone says nothing
JUDGED_MIN = 3  # answered echoes, for their median to say more than one slow one would
WATCHED_MIN = 5  # echoes that should have been sent, of which half are wanted


def harmed(fault: Fault, in_force: InForce, scenario: Scenario, evidence: Evidence) -> tuple[str, ...]:
    """What changed on links that no fault named meanwhile, a phrase for each link, sorted; empty: nothing did."""
    window = in_force.window
    touched = _touched(window, scenario, evidence)
    allowed_s = max(CHANGE_FLOOR_S, CHANGE_SHARE * fault.strength_s())
    shaken = _shaken(window, scenario, evidence)
    pairs = (pair for pair in evidence.pairs() if pair not in touched and not shaken & {*pair})
    changes = ((pair, _change(pair, window, allowed_s, evidence)) for pair in pairs)
    return tuple(f"{source} -> {target} {change}" for (source, target), change in changes if change)


def _touched(window: Window, scenario: Scenario, evidence: Evidence) -> frozenset[tuple[str, str]]:
    """The pairs that some fault in force during any of ``window`` names."""
    return frozenset().union(*(f.touches(c) for f, c in _in_force(window, scenario, evidence)))


def _shaken(window: Window, scenario: Scenario, evidence: Evidence) -> frozenset[str]:
    return frozenset().union(*(f.shakes(c) for f, c in _in_force(window, scenario, evidence)))


def _in_force(window: Window, scenario: Scenario, evidence: Evidence) -> Iterator[tuple[Fault, Cluster]]:
    began = evidence.began
    for fault in scenario.faults if began else ():
        spell = evidence.in_force(fault.name)
        if began and spell and spell.window.start_ns <= window.end_ns and window.start_ns <= spell.window.end_ns:
            yield fault, began.cluster


def _change(pair: tuple[str, str], window: Window, allowed_s: float, evidence: Evidence) -> str | None:
    warmup = evidence.phases.get("warmup", Window(0, 0))
    before = evidence.probes_between(*pair, warmup)
    during = evidence.probes_between(*pair, window)
    due = len(before) * window.length_s / warmup.length_s if warmup.length_s else 0.0
    if due >= WATCHED_MIN and len(during) < due / 2:
        return f"was not watched ({len(during)} of {due:.0f} echoes were sent)"
    lost = sum(probe.rtt_s is None for probe in during)
    if lost > LOST_MAX and lost > LOST_SHARE * len(during):
        return f"lost {lost} of {len(during)} echoes"
    was, became = _answered(before), _answered(during)
    if was and len(became) >= JUDGED_MIN and median(became) - median(was) > allowed_s:
        return f"became {show_s(median(became) - median(was))} slower (at most {show_s(allowed_s)})"
    return None


def _answered(probes: tuple[Probed, ...]) -> list[float]:
    return [probe.rtt_s for probe in probes if probe.rtt_s is not None]
