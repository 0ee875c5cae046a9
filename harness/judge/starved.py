"""A machine that had nothing left: harm that it may have done, and not the system, proves nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from msgspec.structs import replace as changed

from harness.clock import to_ns
from harness.columns import Mask, Operations
from harness.objectives import Finding, Objective
from harness.operations import Outcome
from harness.recording.events import Shared
from harness.recording.evidence import Evidence, Window
from harness.units import show_s, show_share

# With less than this of its processor time idle a machine makes its programs wait for each other: at 85 % those of two
# processors wait two to three times as long as they compute, and the longest waits are many times that.
FULL = 0.15
TAKEN = 0.25  # of it in other hands: below that it was the cluster itself that used it up


def unstarved(objective: Objective, finding: Finding, evidence: Evidence) -> Finding:
    """A violation stands where it would be one even if all that was asked of a starved machine had been answered well.

    Only harm is doubted: a machine with nothing left makes everything worse and nothing better, so what held, held.
    What Prometheus saw cannot be seen again without those seconds (a health check may have waited in vain): doubted.
    """
    looks = _starved(evidence)
    if finding.outcome != "violated" or not looks:
        return finding
    excused = evidence.once(("excused",), lambda: _excused(evidence, [_window(look) for look in looks]))
    if not objective.by_prometheus and objective.measure(excused).outcome == "violated":
        return finding
    return changed(finding, outcome="inconclusive", reason=f"{_said(looks, evidence)}: {finding.reason}", doubted=True)


def _starved(evidence: Evidence) -> Sequence[Shared]:
    """Who took it does not matter where there was none before anything was broken: the fault found a machine that was
    too small for the cluster and its load."""

    def looks() -> tuple[Shared, ...]:
        small = _too_small(evidence)
        return tuple(look for look in evidence.of(Shared) if _is_full(look) and (small or _is_taken(look)))

    return evidence.once(("starved",), looks)


def _too_small(evidence: Evidence) -> bool:
    full, looks = _full_in_warmup(evidence)
    return looks > 0 and full >= looks / 2


def _full_in_warmup(evidence: Evidence) -> tuple[int, int]:
    """How many looks of the warm-up found it full, and how many there were."""
    warmup = evidence.phases.get("warmup", Window(0, 0))
    looks = [look for look in evidence.of(Shared) if warmup.holds(look.at_ns)]
    return sum(map(_is_full, looks)), len(looks)


def _is_full(look: Shared) -> bool:
    return look.idle_s < FULL * look.length_s * look.processors


def _is_taken(look: Shared) -> bool:
    return _others_s(look) > TAKEN * look.length_s * look.processors


def _others_s(look: Shared) -> float:
    """What neither was idle nor went to the cluster."""
    return max(0.0, look.length_s * look.processors - look.idle_s - look.ours_s)


def _window(look: Shared) -> Window:
    return Window(look.at_ns - to_ns(look.length_s), look.at_ns)


def _excused(evidence: Evidence, windows: Iterable[Window]) -> Evidence:
    """As if every operation that lived in these windows had been answered right, and at once, after the warm-up.

    What came back wrong stays wrong: no machine is so slow that it forges an answer.
    """
    warmup = evidence.phases.get("warmup", Window(0, 0))

    def of(traffic: str) -> Operations:
        operations = evidence.of_traffic(traffic)
        lived = np.zeros(len(operations), np.bool_)
        for window in windows:
            lived |= (operations.due_ns < window.end_ns) & (operations.done_ns >= window.start_ns)
        kept = operations.ended(Outcome.WRONG) | operations.ended(Outcome.CAPPED) | warmup.holding(operations.due_ns)
        return _answered(operations, lived & ~kept)

    operations = {traffic: of(traffic) for traffic in evidence.operations}
    return replace(evidence, operations=operations)


def _answered(operations: Operations, which: Mask) -> Operations:
    outcome = np.where(which, int(Outcome.OK), operations.outcome)
    sent_ns = np.where(which, operations.due_ns, operations.sent_ns)
    done_ns = np.where(which, operations.due_ns, operations.done_ns)
    return replace(operations, outcome=outcome, sent_ns=sent_ns, done_ns=done_ns)


def _said(looks: Sequence[Shared], evidence: Evidence) -> str:
    if _too_small(evidence):
        full, usual = _full_in_warmup(evidence)
        when = f"in {full} of {usual} seconds of the warm-up"
        return f"the machine had no processor time left {when} (lower the rate, or start fewer nodes)"
    whole_s = sum(look.length_s * look.processors for look in looks)
    others, stolen = sum(map(_others_s, looks)) / whole_s, sum(look.stolen_s for look in looks) / whole_s
    length = show_s(sum(look.length_s for look in looks))
    taken = f"{show_share(others)} of it went to others ({show_share(stolen)} was stolen by its host)"
    return f"for {length} the machine had no processor time left, and {taken}"
