"""What the system claims of a node's health, held against what comes from that node."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

from harness.clock import to_ns
from harness.cluster import Cluster
from harness.objectives.aftermath import TURNS, tag
from harness.objectives.base import Bound, Finding, bound
from harness.objectives.courses import Course, course
from harness.objectives.over_window import OverWindow
from harness.recording.evidence import Evidence, Window
from harness.units import show_s
from harness.words import DURATION, NODE, TEXT, word

_BOUND = bound(DURATION)
_SILENT_S = 0.5  # shorter than that it may be the machine that stood still, and not the node
_UNKNOWN = 0.05  # of the window: where the claim was not known for longer, nothing is known of the lie
_ANSWERS_MIN = 5  # in the warm-up, for a node's usual turn to be known


@dataclass(frozen=True, slots=True)
class _Silence:
    """``spells``: when nothing came from the node. ``turn_s``: between two of its answers, as a rule."""

    spells: tuple[Window, ...]
    turn_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie(OverWindow):
    """Seconds in which the system claimed a node to be well and nothing came from it, or claimed it to be ill and it
    answered.

    What it claims is the course of ``health``; what comes from the node are right answers of the traffic with its tag.
    A node is silent where it let five of its usual turns pass, and half a second. So traffic through a gateway shows
    that a node is claimed to be well and is not (the lie that users pay for); that one is claimed to be ill and is well
    can only be seen in traffic that reaches it all the same, such as one straight to it. The error is how late
    Prometheus saw each change of the claim, a turn of the node for each edge of a silence, and what was not known.
    """

    key: ClassVar[str] = "lie"
    about: ClassVar[str] = "for how long the system claimed a node's health to be what it was not"
    unit: ClassVar[str] = "s"
    by_length: ClassVar[bool] = True
    by_prometheus: ClassVar[bool] = True
    example: ClassVar[Mapping[str, str]] = {
        "health": 'max(haproxy_server_status{proxy="be",server="n1",state="UP"})',
        "on": "n1",
    }

    health: str = field(metadata=word("health", TEXT, "PromQL that is not 0 while the system claims the node is well"))
    node: str = field(metadata=word("on", NODE, "the node of which it claims that"))
    bound: Bound = field(metadata=word("lie", _BOUND, "the longest time in all, such as '<= 3s'"))

    @property
    def source(self) -> str:
        return f"Prometheus, {self.health}; right answers of {self.traffic} by {self.node} in {self.window}"

    def check(self, traffic: Collection[str], faults: Collection[str]) -> Iterator[tuple[str, str]]:
        if not self.health.strip():
            yield "health", "is empty: write PromQL that is not 0 while the system claims the node is well"
        yield from super(Lie, self).check(traffic, faults)

    def check_on(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        if unknown := cluster.unknown(self.node):
            yield "on", f"names '{self.node}': {unknown}"

    def courses(self) -> tuple[str, ...]:
        return (self.health,)

    def within(self, evidence: Evidence, window: Window) -> Finding:
        said, silence = course(evidence, self.health), self._silence(evidence, window)
        if isinstance(said, str) or isinstance(silence, str):
            return self.finding("inconclusive", said if isinstance(said, str) else str(silence))
        known_s, unknown_s = said.known_s(window)
        if unknown_s > _UNKNOWN * (known_s + unknown_s) or not known_s:
            return self.finding("inconclusive", f"what it claimed of {self.node} is not known for {show_s(unknown_s)}")
        well, ill = _claims(said, window)
        lied_s = _shared_s(well, silence.spells)
        denied_s = sum(one.length_s for one in ill) - _shared_s(ill, silence.spells)
        changes = sum(window.holds(since_ns) for _, since_ns, _ in said.spells() if since_ns > said.start_ns)
        error_s = changes * (said.late_s / 2 + said.error_s) + 2 * len(silence.spells) * silence.turn_s + unknown_s
        value_s = lied_s + denied_s
        outcome = self.bound.outcome(value_s, error_s)
        reason = (
            f"{self.node} was claimed to be well for {show_s(lied_s)} in which nothing came from it, "
            f"and to be ill for {show_s(denied_s)} in which it answered (± {show_s(error_s)} in all)"
        )
        close = f": too close to '{self.bound.text}' to tell" if outcome == "inconclusive" else ""
        silent_s = sum(spell.length_s for spell in silence.spells)
        details = (
            ("silent", show_s(silent_s)),
            ("claimed well", show_s(sum(one.length_s for one in well))),
            ("claimed ill", show_s(sum(one.length_s for one in ill))),
        )
        return self.finding(outcome, reason + close, value_s, error=error_s, details=details)

    def _silence(self, evidence: Evidence, window: Window) -> _Silence | str:
        mine = tag(self.node)
        operations = evidence.of_traffic(self.traffic)
        place = operations.names.index(mine) if mine in operations.names else -1
        came = sorted(operations.done_ns[operations.ok & (operations.node == place)].tolist())
        warmup = evidence.phases.get("warmup", Window(0, 0))
        usual = sum(map(warmup.holds, came))
        if usual < _ANSWERS_MIN:
            why = f"{self.node} gave {usual} answers of {self.traffic} in the warm-up"
            return f"{why}: too few to tell when it fell silent"
        turn_s = warmup.length_s / usual
        longest_ns = to_ns(max(TURNS * turn_s, _SILENT_S))
        instants = (evidence.phases["all"].start_ns, *came, evidence.phases["all"].end_ns)
        gaps = (Window(*gap) for gap in pairwise(instants) if gap[1] - gap[0] > longest_ns)
        return _Silence(tuple(part for gap in gaps if (part := _common(gap, window)).length_s > 0), turn_s)


def _claims(said: Course, window: Window) -> tuple[list[Window], list[Window]]:
    """When it was claimed to be well, and when ill: each change half as long before it was seen as it may have been."""
    half_ns, last_ns = to_ns(said.late_s / 2), said.at_ns(len(said.values))
    found: tuple[list[Window], list[Window]] = ([], [])
    for value, since_ns, until_ns in said.spells():
        from_ns = since_ns - half_ns if since_ns > said.start_ns else since_ns
        part = _common(Window(from_ns, until_ns - half_ns if until_ns < last_ns else last_ns), window)
        if value is not None and part.length_s > 0:
            found[0 if value else 1].append(part)
    return found


def _shared_s(some: Sequence[Window], others: Sequence[Window]) -> float:
    return sum(max(0.0, _common(one, other).length_s) for one in some for other in others)


def _common(one: Window, other: Window) -> Window:
    """What they share; of a negative length where they share nothing."""
    return Window(max(one.start_ns, other.start_ns), min(one.end_ns, other.end_ns))
