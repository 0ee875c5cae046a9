"""What one traffic met after a fault began or ended, and the milestones of a recovery that can be read from it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isinf

import numpy as np

from harness.clock import to_ns
from harness.columns import Mask, Operations
from harness.objectives.when import Moment
from harness.operations import Operation, Outcome
from harness.recording.evidence import Evidence, InForce, Window
from harness.stats import P95, first_well, latencies, quantile, samples_needed, send_error_p99_s
from harness.units import show_s

LATE_TIMES_BASELINE = 2.0  # how many times the warm-up's p95 is still well ...
LATE_FLOOR_S = 0.050  # ... and what is well whatever the warm-up was: below it a p95 is the machine's noise
TAG_CHARACTERS = 10  # as many of a node's name as an operation's record has room for
_TOGETHER, _FEW = 10, 3  # of so many operations in a row so many are no chance any more
TURNS = 5  # a node that answered nothing in so many of its usual turns does not serve; in fewer it may be chance
_NEAR_NS = to_ns(5.0)  # around the moment, where the rate of the load is that moment's
_NEEDED = samples_needed(P95)


@dataclass(frozen=True, slots=True)
class Milestone:
    """One step of a recovery. ``after_s``: counted from the moment that was asked about; ``error_s`` its plus or minus.

    Without a figure ``why`` says the reason; with one, what there is to know of it, or "". ``least_s``: it was not
    reached within so long, and that is a fact; None: it was, or nobody can tell.
    """

    after_s: float | None
    error_s: float | None = None
    why: str = ""
    least_s: float | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """What is counted from: ``begin_ns``, which is known to ``bracket_s``."""

    spell: InForce
    begin_ns: int
    bracket_s: float


@dataclass(frozen=True, slots=True)
class Baseline:
    """``slow_s``: the longest p95 that is well, and the longest wait that nobody calls late.

    ``harmed``: how many of the ``samples`` of the warm-up failed or were later than that, before any fault.
    """

    slow_s: float
    harmed: int
    samples: int


@dataclass(frozen=True, slots=True)
class Aftermath:
    """``operations``: all of one traffic. ``error_s``: how far off ``begin_ns`` and every due time may be.

    ``baseline``: or the sentence that says why there is none.
    """

    traffic: str
    moment: Moment
    operations: Operations
    spell: InForce
    begin_ns: int
    end_ns: int
    error_s: float
    gap_s: float
    baseline: Baseline | str

    def since_s(self, at_ns: int) -> float:
        return (at_ns - self.begin_ns) / 1e9

    def later(self) -> Operations:
        """What fell due since."""
        return self.operations[self.operations.due_before(self.begin_ns) :]

    @property
    def length_s(self) -> float:
        return max(0.0, self.since_s(self.end_ns))


def aftermath(evidence: Evidence, traffic: str, moment: Moment) -> Aftermath | str:
    """What followed the moment; or the sentence that says why nothing can be counted from it."""
    return evidence.once(("aftermath", traffic, moment), lambda: _aftermath(evidence, traffic, moment))


def start_of(evidence: Evidence, moment: Moment) -> Start | str:
    """The moment as it was; or the sentence that says why it never was."""
    spell = evidence.spell(moment.fault or "")
    if spell is None or not evidence.phases:
        return f"{moment.fault} never came into force, so there is no instant to count from"
    if moment.healed and not spell.healed:
        return f"{moment.fault} was never seen to be gone, so there is no instant to count from"
    if moment.healed:
        return Start(spell, spell.window.end_ns, spell.end_error_s)
    return Start(spell, spell.window.start_ns, spell.start_error_s)


def generator_late_s(evidence: Evidence, traffic: str) -> float | None:
    """How late the load generator was with this traffic (p99); None: it sent nothing."""
    return evidence.once(("generator late", traffic), lambda: send_error_p99_s(evidence.of_traffic(traffic)))


def _aftermath(evidence: Evidence, traffic: str, moment: Moment) -> Aftermath | str:
    start = start_of(evidence, moment)
    if isinstance(start, str):
        return start
    everything = evidence.of_traffic(traffic)
    if len(everything) < 2:
        return f"{len(everything)} operations of {traffic} were recorded: too few to see anything in them"
    gap_s = _gap_s(evidence.due_in(traffic, Window(start.begin_ns - _NEAR_NS, start.begin_ns + _NEAR_NS)) or everything)
    return Aftermath(
        traffic=traffic,
        moment=moment,
        operations=everything,
        spell=start.spell,
        begin_ns=start.begin_ns,
        end_ns=evidence.phases["all"].end_ns,
        error_s=start.bracket_s + gap_s + (generator_late_s(evidence, traffic) or 0.0) + evidence.clock_error_s(),
        gap_s=gap_s,
        baseline=_baseline(evidence.due_in(traffic, evidence.phases.get("warmup", Window(0, 0)))),
    )


def _gap_s(operations: Sequence[Operation]) -> float:
    """Between two operations, on an average."""
    return (operations[-1].due_ns - operations[0].due_ns) / max(1, len(operations) - 1) / 1e9


def _baseline(warmup: Sequence[Operation]) -> Baseline | str:
    if len(warmup) < _NEEDED:
        return f"the warm-up's p95 takes {_NEEDED} operations; {len(warmup)} fell due in it"
    waited = latencies(warmup)
    p95_s = quantile(waited, P95)
    if isinf(p95_s):
        return "more than 5 % of the warm-up had no answer, so there is no baseline to be restored to"
    slow_s = max(LATE_TIMES_BASELINE * p95_s, LATE_FLOOR_S)
    return Baseline(slow_s, sum(wait_s > slow_s for wait_s in waited), len(waited))


def noticed(after: Aftermath) -> Operation | str:
    """The first operation, by due time, that failed or was late; or why there is none, or none that says anything.

    Where the warm-up had some as bad, so many operations later one more is to be expected. It says something only if
    it comes sooner than that, or with others of its kind.
    """
    known, later = after.baseline, after.later()
    chance = ""
    harmed = _harmed(later, known)
    for place in np.flatnonzero(harmed).tolist():
        if isinstance(known, str) or known.harmed * (place + 1) < known.samples:
            return later[place]
        if np.count_nonzero(harmed[place : place + _TOGETHER]) >= _FEW:
            return later[place]
        chance = chance or f"{_as_bad(known)}: the first since, after {place:,} others, may be chance"
    if isinstance(known, str):
        return f"no operation failed; what is late cannot be told: {known}"
    return chance or "no operation failed or was late"


def detected(after: Aftermath, *, witnessed: bool = False) -> Milestone:
    """When users began to notice.

    That nobody did is a fact only of a fault that was witnessed and is over, where what is late is known and nothing
    bad came at all: then it took longer than the fault was in force. Else it is no figure, and breaks no bound.
    """
    found, known = noticed(after), after.baseline
    if isinstance(found, str):
        if not witnessed or not after.spell.healed or isinstance(known, str) or _harmed(after.later(), known).any():
            return Milestone(None, why=found)
        lasted_s = min(after.spell.window.length_s, after.length_s)
        why = f"{found} in the {show_s(lasted_s)} in which {after.moment.fault} was in force, nor after it"
        return Milestone(None, after.error_s, why, lasted_s)
    why = "" if isinstance(known, str) or not known.harmed else _as_bad(known)
    return Milestone(after.since_s(found.due_ns), after.error_s, why)


def _harmed(operations: Operations, known: Baseline | str) -> Mask:
    """Which failed or were late. One that was never sent says nothing about the system."""
    failed = ~(operations.ok | operations.ended(Outcome.CAPPED))
    return failed if isinstance(known, str) else failed | (operations.ok & (operations.latency_ns / 1e9 > known.slow_s))


def _as_bad(known: Baseline) -> str:
    return f"{known.harmed:,} of {known.samples:,} operations of the warm-up failed or were as late"


def restored(after: Aftermath, hold_s: float, well_s: float | None = None) -> Milestone:
    """The start of the first window of ``hold_s`` in which the service was well: with a p95 of at most ``well_s``."""
    known, hold_ns = after.baseline, to_ns(hold_s)
    if isinstance(known, str):
        return Milestone(None, why=known)
    found = first_well(after.operations, after.begin_ns, after.end_ns, hold_ns, well_s or known.slow_s)
    if after.begin_ns + hold_ns > after.end_ns:
        left = f"the recording ends {show_s(after.length_s)} after {after.moment}"
        return Milestone(None, why=f"{left}: too short for a hold of {show_s(hold_s)}; lengthen the recovery")
    if found.found_ns is None:
        return _never("service was not back", after, after.since_s(found.tried_ns))
    if found.samples < _NEEDED:
        why = f"a hold of {show_s(hold_s)} has {found.samples} operations; its p95 takes {_NEEDED}: "
        return Milestone(None, why=f"{why}lengthen the hold or raise the rate")
    return Milestone(after.since_s(found.found_ns), after.error_s)


def failed_over(after: Aftermath, hit: Collection[str], others: Collection[str]) -> Milestone:
    """When a good answer came from a node that was not hit, to a question that fell due since users began to notice.

    Where nobody noticed, to one that fell due since the fault was in force. ``others``: the nodes of the same kind that
    were not hit; without any there is nobody to take over.
    """
    before = _answered(after.operations, after.spell.window.start_ns)
    tags = {tag(node) for node in hit}
    if not before:
        return Milestone(None, why=_untagged(after))
    if not tags & set(before):
        return Milestone(None, why=f"no node that {after.moment.fault} hit had answered before, so none was replaced")
    if not others:
        return Milestone(None, why=f"{after.moment.fault} hit every node of its kind, so there was none to take over")
    first = noticed(after)
    from_ns = after.begin_ns if isinstance(first, str) else first.due_ns
    came = _first_answers(after.operations[after.operations.due_before(from_ns) :])
    elsewhere = [done_ns for node, done_ns in came.items() if node not in tags]
    if not elsewhere:
        return _never("no other node answered", after, after.length_s)
    return Milestone(after.since_s(min(elsewhere)), after.error_s)


def repaired(after: Aftermath) -> Milestone:
    """When the last of the nodes that had answered before the fault answered again, by the answers' own tags."""
    start_ns = after.spell.window.start_ns
    before = _answered(after.operations, start_ns)
    if not before:
        return Milestone(None, why=_untagged(after))
    came = _first_answers(after.later())
    seen_s = (start_ns - after.operations[0].due_ns) / 1e9
    turn_s = {node: seen_s / count for node, count in before.items()}  # how long between two answers of a node
    missing = sorted(set(before) - set(came))
    if missing and after.length_s >= TURNS * max(turn_s[node] for node in missing):
        return _never(f"{', '.join(missing)} gave no answer", after, after.length_s)
    if missing:
        rare = f"{', '.join(missing)} answered nothing since, and so rarely before that this may be chance"
        return Milestone(None, why=f"{rare}; lengthen the recovery or raise the rate")
    last = max(before, key=lambda node: (came[node], node))
    error_s = after.error_s - after.gap_s + max(after.gap_s, turn_s[last])
    why = f"{last} was the last of {len(before)}" if len(before) > 1 else ""
    return Milestone(after.since_s(came[last]), error_s, why)


def tag(node: str) -> str:
    """What an answer's record says of a node with this name."""
    return node[:TAG_CHARACTERS]


def _answered(operations: Operations, until_ns: int) -> Mapping[str, int]:
    """How many good answers each node gave to what fell due before."""
    return operations[: operations.due_before(until_ns)].served()


def _first_answers(operations: Operations) -> Mapping[str, int]:
    """When the first good answer of each node came."""
    good = operations.part(operations.ok)
    first_ns = np.full(len(good.names), good.done_ns.max(initial=0))
    np.minimum.at(first_ns, good.node, good.done_ns)
    came_ns = dict(zip(good.names, first_ns.tolist(), strict=True))
    return {node: came_ns[node] for node in good.served()}


def _untagged(after: Aftermath) -> str:
    return f"the answers of {after.traffic} before {after.moment.fault} do not say which node gave them"


def _never(what: str, after: Aftermath, least_s: float) -> Milestone:
    why = f"{what} within {show_s(least_s)} after {after.moment}, when the recording ends"
    return Milestone(None, after.error_s, why, least_s)
