"""Nodes that cannot reach each other: packets end at the receiver, as they do on a broken network."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from harness.cluster import EVERYONE, LINK_PATTERN, Cluster, Link
from harness.faults.base import Sighting, link_problems, node_problems
from harness.faults.pattern import ANSWERED, Patterned, Turns, answered_within, inner, sent_in, turns_of
from harness.faults.reach import PACKETS, others_problems, pairs, round_trips
from harness.faults.shapes import GROUPS, SHAPES, Groups, pairs_of_groups, pairs_of_shape
from harness.primitives import AnyPrimitive, Cut
from harness.recording.evidence import Evidence, InForce, Window
from harness.words import NODE, Reader, choice, word

LINK = Reader("link", "gateway -> n1", Link.parse, pattern=LINK_PATTERN.pattern)
STYLE = choice("drop", "reject")
_LEFT_OVER_S = 0.005  # an answer so near to the end of a spell may have come before the agent had looked at its clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition(Patterned):
    """``nodes`` cut off from ``from`` (every port), ``groups`` or halves cut off from each other, or single ``links``.

    ``drop``: silence, connections stall and go on after the heal. ``reject``: resets and unreachables at once.
    """

    kind: ClassVar[str] = "partition"
    about: ClassVar[str] = "nodes cannot reach each other: packets are dropped or rejected"
    works: ClassVar[str] = (
        "Rules of nftables in the network namespace of the nodes' pods, before everything else: packets end at "
        "whoever receives them, as on a broken wire; with style reject whoever is asked for a connection refuses it, "
        "and established connections are reset in both pods. The rules are there beforehand and refer to empty sets; "
        "to begin is to put addresses into the sets."
    )
    bites: ClassVar[str] = (
        "Within 1 ms of its instant in the kernel, on all nodes within 1 ms of each other: median 0.9 ms (99 of "
        "100 within 1.6 ms) after the planned instant until the sets were read back, 0.4 ms (1.0 ms) between the "
        "first and the last of three nodes, over 200 cuts of 'make bench'. A program notices silence only by its "
        "own time-outs."
    )
    witness: ClassVar[str] = (
        "In force: every echo on every pair that is cut, sent over ordinary connections several times a second, "
        "stays without an answer (and is answered between two spells, with on and off); a cut shorter than the "
        "gap between two echoes shows by the rules' own counters alone. Exercised: the rules counted packets of "
        "the system. Gone: echoes on each of these links are answered again. Every other pair is its negative "
        "control."
    )
    page: ClassVar[str] = (
        "The node's own process runs on; the client and Prometheus reach it unless the client is named. A cut "
        "link means connections in that direction: packets to the target's port, and their answers. With packets "
        "in or out only one way is lost: TCP stalls all the same, for its acknowledgements are lost, while UDP "
        "still goes the other way. Of a bridge the node in the middle of the list sees both halves. Two nodes of "
        "one pod cannot be kept apart. With on and off, a spell shorter than a program's retransmission (0.2 s, "
        "then doubling) is mostly just a delay to TCP."
    )
    replaces: ClassVar[str] = (
        "docker network disconnect (which takes the address away), Pumba's netem and iptables with 100% loss, "
        "Chaos Mesh's NetworkChaos (partition), ChaosBlade's network drop, Jepsen's partition nemeses."
    )
    limits: ClassVar[Mapping[str, str]] = {
        "on": "at least 100ms, and less than 'for'",
        "off": "at least 100ms",
        "shape": "halves of at least 2 nodes, a bridge of 3, a ring of 4",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "style": "drop"}

    nodes: tuple[str, ...] = field(default=(), metadata=word("nodes", NODE, "who is cut off", many=True))
    others: tuple[str, ...] = field(
        default=(EVERYONE,), metadata=word("from", NODE, "from whom; everyone: all other nodes", many=True)
    )
    links: tuple[Link, ...] = field(default=(), metadata=word("links", LINK, "or which connections", many=True))
    groups: Groups = field(default=(), metadata=word("groups", GROUPS, "or groups that see only themselves"))
    shape: str | None = field(
        default=None, metadata=word("shape", choice(*SHAPES), "or how 'nodes' (or all of them) fall apart")
    )
    style: str = field(default="drop", metadata=word("style", STYLE, "silence, or an answer that says no"))
    packets: str = field(default="both", metadata=word("packets", PACKETS, "which packets of 'nodes' are lost"))

    @property
    def via(self) -> str:
        return "nftables"

    # --- is it sound? -------------------------------------------------------------------------------------------------

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from self.pattern_problems()
        ways = [key for key, said in (("links", self.links), ("groups", self.groups), ("shape", self.shape)) if said]
        if len(ways) + bool(self.nodes and not self.shape) != 1:
            yield "nodes", "or 'links', 'groups' or 'shape': a partition needs exactly one of them"
        yield from self._names(cluster)
        if ways and self.others != (EVERYONE,):
            ends = "which have both their ends" if ways[0] == "links" else "which says who is apart from whom"
            yield "from", f"says nothing about '{ways[0]}', {ends}: take it out"
        else:
            yield from others_problems(self.others, cluster)
        for both in sorted(set(self.nodes) & set(self.others)):
            yield "from", f"names '{both}', which is also one of 'nodes': a node cannot be cut off from itself"
        if ways and self.packets != "both":
            yield "packets", f"is '{self.packets}', and that means packets of 'nodes' alone: take it out"
        if not ways and self.nodes and set(self.nodes) >= set(cluster.names()) and self.others == (EVERYONE,):
            yield "nodes", "names every node: nobody is left to cut them off from"

    def _names(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from node_problems("nodes", self.nodes, cluster, client=True)
        for link in self.links:
            yield from link_problems("links", link, cluster)
        grouped = [name for group in self.groups for name in group]
        yield from node_problems("groups", dict.fromkeys(grouped), cluster, client=True)
        for twice in sorted({name for name in grouped if grouped.count(name) > 1}):
            yield "groups", f"names '{twice}' twice: a node is in one group"
        shaped = self.nodes or cluster.names()
        if self.shape and len(shaped) < SHAPES[self.shape]:
            yield "shape", f"is '{self.shape}' of {len(shaped)} nodes: it takes at least {SHAPES[self.shape]}"

    # --- what it is made of -------------------------------------------------------------------------------------------

    def _pairs(self, cluster: Cluster) -> tuple[tuple[str, str], ...]:
        """Pods that are kept apart, each pair once; two nodes of one pod cannot be."""
        if self.groups:
            named = pairs_of_groups(self.groups)
        elif self.shape:
            named = pairs_of_shape(self.shape, self.nodes or cluster.names())
        else:
            return pairs(self.nodes, self.others, cluster)
        pods = ((cluster.pod_of(a), cluster.pod_of(b)) for a, b in named)
        found: dict[frozenset[str], tuple[str, str]] = {}
        for a, b in pods:
            if a != b:
                found.setdefault(frozenset((a, b)), (a, b))
        return tuple(found.values())

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        cuts: list[Cut] = []
        for a, b in self._pairs(cluster):
            cuts += self._way(b, a) if self.packets != "out" else []
            cuts += self._way(a, b) if self.packets != "in" else []
            # A proxied connection ends at the proxy in its source's namespace: only the source can make it a time-out.
            for link in proxied:
                if {cluster.pod_of(link.source), cluster.pod_of(link.target)} == {a, b} and self.style == "drop":
                    cuts.append(self._cut(link.source, link.target, "out", link))
        for link in map(cluster.resolve, self.links):
            cuts += self._way(link.source, link.target, link)
            cuts += self._way(link.target, link.source, link)
            if link in proxied and self.style == "drop":
                cuts.append(self._cut(link.source, link.target, "out", link))
        return tuple(dict.fromkeys(cuts))

    def _way(self, sender: str, receiver: str, link: Link | None = None) -> list[Cut]:
        """One direction of packets.

        Silence is held at the receiver, as on a wire (a drop in the sender's output is an EPERM no network gives); a
        rejection has to answer both sides, so it stands at the sender too. (Who asks for a connection is refused by
        the receiver alone, where attempts are counted.)
        """
        at_sender = [self._cut(sender, receiver, "out", link)] if self.style == "reject" else []
        return [self._cut(receiver, sender, "in", link), *at_sender]

    def _cut(self, node: str, peer: str, hook: Literal["in", "out"], link: Link | None = None) -> Cut:
        """``link``: only its connections, whose port its target owns."""
        style: Literal["drop", "reject"] = "reject" if self.style == "reject" else "drop"
        if link is None:
            return Cut(node, peer, hook, style)
        return Cut(node, peer, hook, style, link.port, "node" if node == link.target else "peer")

    # --- for a person -------------------------------------------------------------------------------------------------

    def describe(self) -> str:
        return f"{self._who()} ({self.style}){self.rhythm()}"

    def _who(self) -> str:
        if self.links:
            return f"{', '.join(map(str, self.links))} cut"
        if self.groups:
            return f"{' | '.join(' '.join(group) for group in self.groups)} cut off from each other"
        names = ", ".join(self.nodes) or "all nodes"
        if self.shape == "ring":
            return f"{names} in a ring: each sees its neighbours only"
        if self.shape:
            return f"{names} in two halves{', with the middle one as a bridge' if self.shape == 'bridge' else ''}"
        ways = {"both": "cut off from", "in": "hears nothing of", "out": "is not heard by"}
        return f"{names} {ways[self.packets]} {', '.join(self.others)}"

    def undo(self) -> str:
        return "the rules' sets are emptied; the kernel forgets their elements by itself 2 s later"

    # --- was it there? ------------------------------------------------------------------------------------------------

    def touches(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return round_trips(self._pairs(cluster), self.links, cluster)

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        until_ns = in_force.window.end_ns - round(in_force.end_error_s * 1e9)
        found = turns_of(self.name, evidence, Window(in_force.window.start_ns, until_ns))
        pairs = self.touches(cluster)
        sent, lost = _lost(evidence, pairs, found)
        passed, answered = _answered(evidence, pairs, found)
        healed = evidence.healed(self.name)
        packets = sum(event.packets for event in healed)
        gone = _first_answers(evidence, pairs, in_force)
        verb = "dropped" if self.style == "drop" else "rejected"
        words = f"{found.says()}{verb} {packets:,} packets; {lost} of {sent} echoes lost"
        words += f"; {answered} of {passed} answered in between" if found.off else ""
        # A cut shorter than the gap between two echoes is witnessed by what its own rules counted.
        met = bool(sent) or any(event.packets or event.echoes for event in healed)
        came_back = not self.pattern() or (passed > 0 and answered >= ANSWERED * passed)
        return Sighting(met and lost == sent and came_back, packets > 0, f"{words}; {gone}")


def _lost(evidence: Evidence, pairs: Collection[tuple[str, str]], found: Turns) -> tuple[int, int]:
    """How many echoes were sent while it was on, and of how many no answer came meanwhile.

    One sent late in a spell may be answered after it: only an answer meanwhile contradicts the fault.
    """
    sent = lost = 0
    for window in inner(found.on, start_s=0.0, end_s=_LEFT_OVER_S) if found.off else found.on:
        probes = sent_in((window,), pairs, evidence)
        sent += len(probes)
        lost += sum(not answered_within(probe, window.end_ns) for probe in probes)
    return sent, lost


def _answered(evidence: Evidence, pairs: Collection[tuple[str, str]], found: Turns) -> tuple[int, int]:
    """How many echoes were sent well between two spells, and how many of them were answered."""
    probes = sent_in(inner(found.off), pairs, evidence)
    return len(probes), sum(probe.rtt_s is not None for probe in probes)


def _first_answers(evidence: Evidence, pairs: Collection[tuple[str, str]], in_force: InForce) -> str:
    after = Window(in_force.window.end_ns, in_force.window.end_ns + 5_000_000_000)
    back = [any(p.rtt_s is not None for p in evidence.probes_between(*pair, after)) for pair in sorted(pairs)]
    return f"gone: {sum(back)} of {len(back)} links answer again"
