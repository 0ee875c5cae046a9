"""What every fault is: a name, a time, a way to say it in primitives, and a way to know that it was really there."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import ClassVar

from harness.cluster import CLIENT, Cluster, Link
from harness.primitives import AnyPrimitive
from harness.recording.evidence import Evidence, InForce
from harness.targets import Target
from harness.words import DURATION, NAME, word

NOTICEABLE_S = 0.020  # a change of a link's round trip below this is the machine's noise, not a fault


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the record shows of one fault. ``seen``: it was in force; ``exercised``: the system's own traffic met it."""

    seen: bool
    exercised: bool
    witness: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(ABC):
    """One thing to break, where, when, for how long.

    ``kind`` is its word in a scenario, ``about`` what happens, in a line. The rest is its page in docs/faults.md, in
    plain sentences: ``works`` the mechanism; ``bites`` how soon after its instant it is in force, and of which kind
    that figure is; ``witness`` what is measured to say in force, exercised and gone; ``page`` what it does not do, and
    traps; ``replaces`` what people use for it today. ``limits``: what the values of its words may be, by key, for
    numbers as 'from A to B'. ``example``: its own words, by key, as a scenario has them. ``via``: the mechanism in a
    word.
    """

    kind: ClassVar[str]
    about: ClassVar[str]
    works: ClassVar[str]
    bites: ClassVar[str]
    witness: ClassVar[str]
    page: ClassVar[str]
    replaces: ClassVar[str]
    limits: ClassVar[Mapping[str, str]] = {}
    example: ClassVar[Mapping[str, str | tuple[str, ...]]]
    ends_itself: ClassVar[bool] = False  # it may be over before its time: a restart that is done

    name: str = field(metadata=word("name", NAME, "what reports, logs, rules and toxics call it"))
    at_s: float = field(metadata=word("at", DURATION, "when, from the start of the faults phase"))
    for_s: float = field(metadata=word("for", DURATION, "how long"))
    targets: tuple[Target, ...] = ()  # what words that are no node's name stood for; set where they are bound

    @property
    @abstractmethod
    def via(self) -> str:
        """The mechanism: 'nftables', 'Toxiproxy', 'the engine'."""

    @abstractmethod
    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        """What is wrong with it on this cluster: (key, half a sentence that says what to do)."""

    @abstractmethod
    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        """The changes it is made of. ``proxied``: links that run through Toxiproxy in this scenario, with ports.

        ``seed``: for every draw of this fault; it comes from the scenario's seed and the fault's own name.
        """

    @abstractmethod
    def describe(self) -> str:
        """For a person: '200 ms on gateway -> n1'."""

    @abstractmethod
    def undo(self) -> str:
        """For a person: how it is healed."""

    def proxies(self, cluster: Cluster) -> frozenset[Link]:
        """Links it needs Toxiproxy on, ports filled in."""
        return frozenset()

    def touches(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        """Pairs (source, target) whose round trip it changes; every other pair is its negative control."""
        return frozenset()

    def stops(self, cluster: Cluster) -> frozenset[str]:
        """Nodes whose process it ends: no other fault may act on them meanwhile."""
        return frozenset()

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        """What it must hold alone while it lasts, as (what, where), such as ("clock", "n1"): no other fault may."""
        return frozenset()

    def shakes(self, cluster: Cluster) -> frozenset[str]:
        """Pods whose round trips may change without being named (a starved CPU): they are no negative control."""
        return frozenset()

    def pattern(self) -> tuple[float, float] | None:
        """(on, off) in seconds where it comes and goes while it lasts; None: it is there all the time."""
        return None

    def needs(self) -> tuple[str, ...]:
        """Mechanisms beyond the ordinary ones that it cannot do without, by the names ``harness doctor`` tries."""
        return ()

    def strength_s(self) -> float:
        """By how much it slows what it touches, in seconds; 0 where that is not its nature."""
        return 0.0

    @abstractmethod
    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        """Read the record: was it there, and did the system meet it?"""


def node_problems(
    key: str, names: Collection[str], cluster: Cluster, *, client: bool = False
) -> Iterator[tuple[str, str]]:
    """One complaint for each name that no pod of this cluster has."""
    for name in names:
        if client and name == "client":
            continue
        if unknown := cluster.unknown(name):
            yield key, f"names '{name}': {unknown}"


def some_nodes(names: Collection[str], cluster: Cluster) -> Iterator[tuple[str, str]]:
    """As ``node_problems``, for 'nodes' that must be there."""
    if not names:
        yield "nodes", "is empty: name at least one node"
    yield from node_problems("nodes", names, cluster)


def pods_of(link: Link, cluster: Cluster) -> tuple[str, str]:
    """The pods at a link's ends: what is probed, and where its packets can be met."""
    return cluster.pod_of(link.source), cluster.pod_of(link.target)


def link_problems(key: str, link: Link, cluster: Cluster) -> Iterator[tuple[str, str]]:
    """What is wrong with a link on this cluster; its source may be the client."""
    ends = [cluster.unknown(name) for name in (link.source, link.target) if name != CLIENT or name == link.target]
    if any(ends):
        yield from ((key, f"is '{link}': {unknown}") for unknown in ends if unknown)
    elif link.source == link.target:
        yield key, f"is '{link}', from a node to itself: a node's own loopback is never touched"
    elif len(set(pods_of(link, cluster))) == 1:
        yield key, f"is '{link}', and both live in one pod: they meet on its loopback, which is never touched"
    elif cluster.resolve(link).port is None:
        yield key, f"is '{link}': {link.target} declares no port; write '{link}:PORT'"
    else:
        yield from port_problems(key, link, cluster)


def port_problems(key: str, link: Link, cluster: Cluster) -> Iterator[tuple[str, str]]:
    """A link to a port that its target does not serve; where nothing is declared, every port may be meant."""
    ports = cluster.node(link.target).open_ports()
    if link.port is not None and ports and link.port not in ports:
        yield key, f"is '{link}': {link.target} serves no port {link.port} (it has {', '.join(map(str, ports))})"


def volume_problems(key: str, path: str, names: Collection[str], cluster: Cluster) -> Iterator[tuple[str, str]]:
    """One complaint for each node in which no declared volume is mounted at ``path`` or above it."""
    for node in (cluster.node(name) for name in names if cluster.has(name)):
        if not any(PurePosixPath(path).is_relative_to(volume) for volume in node.volumes):
            known = f"it has {', '.join(node.volumes)}" if node.volumes else "it has none"
            yield key, f"is '{path}', which is in no volume of {node.name} ({known}): declare one in the compose file"
