"""A node that gets too little CPU: by a quota, or because something beside it takes it."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster, Link
from harness.faults.base import Sighting
from harness.faults.inside import Inside, gone
from harness.primitives import AnyPrimitive, Bound, Hog
from harness.recording.evidence import Evidence, InForce
from harness.words import COUNT, Reader, choice, word

_NUMBER = re.compile(r"\d{1,3}(\.\d{1,3})?", re.ASCII)
_WORKERS_MAX = 64
_RUNS = 0.02  # of a CPU, which the loops have at least even in a group with a small quota


def _cpus(text: str) -> float:
    if _NUMBER.fullmatch(text):
        return float(text)
    raise ValueError(f"is '{text}': write a number of CPUs, such as 0.5")


CPUS = Reader("number of CPUs", "0.5", _cpus, pattern=_NUMBER.pattern, number=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu(Inside):
    """``how: limit``: ``nodes`` may use ``cpus``; ``how: hog``: ``workers`` busy loops share what they may use."""

    kind: ClassVar[str] = "cpu"
    about: ClassVar[str] = "a node gets too little CPU: by a quota, or by busy loops beside it"
    works: ClassVar[str] = (
        "how: limit: the engine sets the container's CPU quota, and the old one at the end. how: hog: busy loops "
        "of ours enter the node's own control group, where they compete with its threads for the group's share "
        "and quota."
    )
    bites: ClassVar[str] = (
        "limit: 10 to 20 ms after the engine was asked, until it had set it. hog: 5 ms, until the loops ran."
    )
    witness: ClassVar[str] = (
        "In force: with a limit the kernel held the group back (throttled time grows); with a hog every loop of ours "
        "is in the node's group, and they get CPU there. Exercised: packets came for the node, and it was held back "
        "or its own threads waited for a CPU (schedstat). Gone: the old quota is read back, or no loop of ours is in "
        "the group; the node's own use afterwards is not looked at."
    )
    page: ClassVar[str] = (
        "A program that asks how many CPUs there are is told the old number. Without a quota on the node busy "
        "loops also warm the host, and other containers keep their fair share only. A node that does nothing "
        "does not notice. On control groups of version 2 a worker's few MB of memory are charged to the node "
        "too."
    )
    replaces: ClassVar[str] = (
        "stress-ng --cpu, docker update --cpus, Pumba stress, Chaos Mesh's StressChaos, ChaosBlade's cpu fullload."
    )
    limits: ClassVar[Mapping[str, str]] = {
        "cpus": "from 0.01 to 64, only with how: limit",
        "workers": "from 1 to 64, only with how: hog",
    }
    example: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"nodes": ("n1",), "how": "limit", "cpus": "0.1"}

    manner: str = field(default="limit", metadata=word("how", choice("limit", "hog"), "by a quota, or by busy loops"))
    cpus: float | None = field(default=None, metadata=word("cpus", CPUS, "how many CPUs it may use"))
    workers: int | None = field(default=None, metadata=word("workers", COUNT, "how many busy loops"))

    @property
    def via(self) -> str:
        return "the engine" if self.manner == "limit" else "busy loops in the node's control group"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from self.unknown_nodes(cluster)
        if self.manner == "limit":
            if self.workers is not None:
                yield "workers", "is of no use to 'how: limit': take it out, or write 'how: hog'"
            if self.cpus is None:
                yield "cpus", "is missing: 'how: limit' needs the number of CPUs, such as 0.1"
            elif not 0.01 <= self.cpus <= 64:
                yield "cpus", f"is {self.cpus:g}: write a number from 0.01 to 64"
        else:
            if self.cpus is not None:
                yield "cpus", "is of no use to 'how: hog': take it out, or write 'how: limit'"
            if self.workers is None:
                yield "workers", "is missing: 'how: hog' needs the number of busy loops, such as 2"
            elif not 1 <= self.workers <= _WORKERS_MAX:
                yield "workers", f"is {self.workers}: write a number from 1 to {_WORKERS_MAX}"

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        if self.manner == "limit":
            return tuple(Bound(node, cpus=self.cpus) for node in self.nodes)
        return tuple(Hog(node, "cpu", self.workers or 1) for node in self.nodes)

    def describe(self) -> str:
        what = f"limited to {self.cpus:g} CPU" if self.cpus else f"beside {self.workers} busy loops"
        return f"{', '.join(self.nodes)} {what}"

    def undo(self) -> str:
        return "the old quota is set" if self.manner == "limit" else "the busy loops end"

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return self.alone("CPU")

    def shakes(self, cluster: Cluster) -> frozenset[str]:
        return frozenset(map(cluster.pod_of, self.nodes))

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        used = self._slopes(evidence, "cpu_s" if self.manner == "limit" else "cpu_used_s")
        if len(used) < len(self.nodes):
            nothing = "the node's control group was not read twice while it lasted: nothing was seen"
            return Sighting(False, False, nothing)
        held_back = self._slopes(evidence, "throttled_s")
        group = f"group used {sum(used.values()):.2f} CPU, held back {sum(held_back.values()):.2f} s/s"
        came, met = self.arrivals(evidence, cluster, in_force)
        if self.manner == "hog":
            return self._crowded(evidence, held_back, came, f"{group}; {met}")
        # Only a node that wanted more shows that there is a limit; one that idles has not met it.
        seen = all(held_back.get(node, 0.0) > 0 for node in self.nodes)
        back = "the engine has the old quota" if in_force.healed else "not seen"
        return Sighting(seen, came and seen, f"{group}; {met}; gone: {back}")

    def _crowded(self, evidence: Evidence, held_back: Mapping[str, float], came: bool, words: str) -> Sighting:
        """All our loops are in the node's group and run there, and the node's own threads wait for them."""
        loops, after = self.read(evidence, "loops", "during"), self.read(evidence, "loops", "after")
        took, waited = self._slopes(evidence, "loops_used_s"), self._slopes(evidence, "waited_s")
        there = [node for node in self.nodes if max(loops[node], default=0) == self.workers]
        seen = [node for node in there if took.get(node, 0.0) >= _RUNS]
        hungry = all(waited.get(node, 0.0) > 0 or held_back.get(node, 0.0) > 0 for node in self.nodes)
        ours = f"our loops took {sum(took.values()):.2f}, the node's own threads waited {sum(waited.values()):.2f} s/s"
        ended = gone(sum(read[-1] == 0 for read in after.values() if read), sum(map(bool, after.values())))
        return Sighting(len(seen) == len(self.nodes), came and hungry, f"{words}; {ours}; {ended}")

    def _slopes(self, evidence: Evidence, name: str) -> Mapping[str, float]:
        """Of the nodes where it was read twice in force."""
        slopes = {node: self.slope(evidence, name, node) for node in self.nodes}
        return {node: slope for node, slope in slopes.items() if slope is not None}
