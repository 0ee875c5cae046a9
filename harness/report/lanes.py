"""One lane per node: whether echoes reached it, whether its container ran, and its share of the answers."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median

from harness.recording.events import Probed
from harness.recording.evidence import Evidence, Window

LANE_PX = 36
_SLOWER_S = 0.020  # a round trip that grew by less is the machine's noise
_UNSEEN_AFTER_S = 3.0  # no probe for so long, and nobody knows


@dataclass(frozen=True, slots=True)
class Stretch:
    """A state that lasted. ``key``: up, down, cut, partly, slow, unknown; ``about`` says it with times."""

    x: float
    width: float
    key: str
    name: str
    about: str


@dataclass(frozen=True, slots=True)
class Lane:
    """``shares``: (x, height in pixels) of the node's part of the right answers, bin by bin; empty: it tags none."""

    node: str
    states: tuple[Stretch, ...]
    shares: tuple[tuple[float, float], ...]
    share_width: float
    served: str


def lanes(evidence: Evidence, run: Window, bin_s: float) -> tuple[Lane, ...]:
    """Nodes in the cluster's order, or as the probes name them."""
    count = max(1, math.ceil(round(run.length_s / bin_s, 6)))
    cluster = evidence.began.cluster.names() if evidence.began else ()
    nodes = cluster or tuple(sorted({name for pair in evidence.pairs() for name in pair}))
    # The client's pod is probed too, but a node that only the client still reaches is cut off from its cluster.
    inside = {pair: bins for pair, bins in _probed(evidence, run, bin_s, count).items() if set(pair) <= set(nodes)}
    reach = _reach(nodes, inside, count)
    served = _served(evidence, run, bin_s, count)
    total = sum(sum(answers.values()) for answers in served)
    return tuple(
        Lane(
            node,
            tuple(_stretches(_states(node, evidence, run, bin_s, reach[node]), bin_s, run)),
            tuple(_shares(node, served)),
            round(bin_s / run.length_s * 100, 3),
            _part(sum(answers[node] for answers in served), total),
        )
        for node in nodes
    )


Pair = tuple[str, str]


def _probed(evidence: Evidence, run: Window, bin_s: float, count: int) -> Mapping[Pair, list[list[Probed]]]:
    found: dict[Pair, list[list[Probed]]] = {}
    for probe in evidence.probes:
        at = int((probe.sent_ns - run.start_ns) / 1e9 / bin_s)
        if probe.sent_ns >= run.start_ns and at < count:
            found.setdefault((probe.node, probe.peer), [[] for _ in range(count)])[at].append(probe)
    return found


def _reach(
    nodes: Sequence[str], probed: Mapping[Pair, list[list[Probed]]], count: int
) -> Mapping[str, list[tuple[str, str]]]:
    """For every node and bin a state and its name, from probes alone."""
    usual = {pair: _usual_s(bins) for pair, bins in probed.items()}
    reach: dict[str, list[tuple[str, str]]] = {node: [] for node in nodes}
    for at in range(count):
        seen = {pair: _link(bins[at], usual[pair]) for pair, bins in probed.items() if bins[at]}
        cut = {n for n in nodes if (own := [s for pair, s in seen.items() if n in pair]) and set(own) == {"cut"}}
        for node in nodes:
            reach[node].append(_node(node, {pair: state for pair, state in seen.items() if node in pair}, cut))
    return {node: _steady(states) for node, states in reach.items()}


def _steady(states: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """One late echo is a busy machine, two in a row are a slow link. A lost one is never explained away."""
    around = [("", ""), *states, ("", "")]
    return [
        ("up", "up") if key == "slow" and "slow" not in (before[0], after[0]) else (key, name)
        for before, (key, name), after in zip(around, states, around[2:], strict=False)
    ]


def _usual_s(bins: list[list[Probed]]) -> float:
    """A link's round trip when all is well: the median of its fastest half, which no single fault can fill."""
    seen = sorted(probe.rtt_s for probes in bins for probe in probes if probe.rtt_s is not None)
    return median(seen[: len(seen) // 2 + 1]) if seen else 0.0


def _link(probes: Sequence[Probed], usual_s: float) -> str:
    back = [probe.rtt_s for probe in probes if probe.rtt_s is not None]
    if not back:
        return "cut"
    return "slow" if median(back) > usual_s + _SLOWER_S else "up"


def _node(node: str, seen: Mapping[Pair, str], cut: set[str]) -> tuple[str, str]:
    if not seen:
        return "unknown", "not probed"
    if node in cut:
        return "cut", "cut off"
    # A node that nobody reaches has a lane of its own; the others need not say it again.
    others = {(peer, state) for pair, state in seen.items() for peer in pair if peer != node and peer not in cut}
    for state, key, words in (("cut", "partly", "no echo with"), ("slow", "slow", "slow with")):
        if named := sorted(peer for peer, found in others if found == state):
            return key, f"{words} {', '.join(named)}"
    return "up", "up"


def _states(
    node: str, evidence: Evidence, run: Window, bin_s: float, reach: list[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """The container's own state wins over what its sidecar's echo says; a short silence changes nothing."""
    changes = [event for event in evidence.container_changes(node, run) if event.action in ("die", "start")]
    known, silent = ("unknown", "not probed"), 0
    for at, state in enumerate(reach):
        silent = silent + 1 if state[0] == "unknown" else 0
        known = state if not silent or silent * bin_s > _UNSEEN_AFTER_S else known
        end_ns = run.start_ns + round((at + 1) * bin_s * 1e9)
        before = [event for event in changes if event.at_ns < end_ns]
        yield ("down", "down") if before and before[-1].action == "die" else known


def _stretches(states: Iterator[tuple[str, str]], bin_s: float, run: Window) -> Iterator[Stretch]:
    at = 0
    for (key, name), group in groupby(states):
        length = len(list(group))
        start_s, end_s = at * bin_s, min((at + length) * bin_s, run.length_s)
        about = f"{name}, {start_s:.1f}-{end_s:.1f} s (seen every {bin_s:g} s)"
        yield Stretch(
            round(start_s / run.length_s * 100, 3), round((end_s - start_s) / run.length_s * 100, 3), key, name, about
        )
        at += length


def _served(evidence: Evidence, run: Window, bin_s: float, count: int) -> list[Counter[str]]:
    """Right answers by the tag of the node that gave them, bin by bin of due time."""
    edges_ns = [run.start_ns + round(at * bin_s * 1e9) for at in range(count + 1)]
    bins: list[Counter[str]] = [Counter() for _ in range(count)]
    for operations in map(evidence.of_traffic, evidence.operations):
        edges = [operations.due_before(edge_ns) for edge_ns in edges_ns]
        for served, (first, last) in zip(bins, pairwise(edges), strict=True):
            served.update(operations[first:last].served())
    return bins


def _shares(node: str, served: list[Counter[str]]) -> Iterator[tuple[float, float]]:
    if not any(answers[node] for answers in served):
        return
    for at, answers in enumerate(served):
        if answers[node]:
            yield round(at / len(served) * 100, 3), round(answers[node] / answers.total() * (LANE_PX - 4), 1)


def _part(own: int, total: int) -> str:
    return f"served {own / total * 100:.0f} % of the answers" if own else ""
