"""Agents of serf: whom each believes to be alive, and who hears a question."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from msgspec.structs import replace

from harness.cluster import Cluster
from harness.traffic.base import Traffic
from harness.wire import Load
from harness.words import NODE, TEXT, choice, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Serf(Traffic):
    """``ask: members``: an answer is right if every expected node is listed as alive, nobody as failed (unless
    ``failed: any``), and nobody who is no node of the cluster. ``ask: query``: if every expected node has heard the
    question within the time-out, whoever acknowledged it or is named in an answer to it.

    Both by serf's RPC. ``to`` may be a role: its agents are asked by turns, also those that do not answer.
    """

    client: ClassVar[str] = "serf"
    about: ClassVar[str] = "asks agents of serf whom they believe to be alive, or who hears a query"

    ask: str = field(
        default="members",
        metadata=word("ask", choice("members", "query"), "whom an agent lists, or who hears what is asked through it"),
    )
    expect: tuple[str, ...] = field(
        default=(),
        metadata=word(
            "expect", NODE, "nodes, or roles, that must be alive or hear it; else all that 'to' is", many=True
        ),
    )
    failed: str = field(
        default="none",
        metadata=word("failed", choice("none", "any"), "who else may be listed as failed: nobody, or anybody"),
    )
    called: str = field(default="beat", metadata=word("called", TEXT, "the name of the query"))

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from super(Serf, self).check(cluster)
        for name in self.expect:
            if not cluster.has(name) and not cluster.of_role(name):
                yield "expect", f"names '{name}': {cluster.unknown(name)}"
        if not re.fullmatch(r"[!-~]{1,64}", self.called):
            yield "called", f"is '{self.called}': write up to 64 letters without spaces"

    def _check_mix(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        if self.mix:
            yield "mix", "has no parts here: write a traffic for each question; leave it out"

    def hosts(self, cluster: Cluster) -> tuple[str, ...]:
        return cluster.chosen((self.to,))

    def load(
        self, cluster: Cluster, start_ns: int, end_ns: int, seed: int, *, warmup_s: float, faults_s: float
    ) -> Load:
        order = super(Serf, self).load(cluster, start_ns, end_ns, seed, warmup_s=warmup_s, faults_s=faults_s)
        expected = cluster.chosen(self.expect) if self.expect else self.hosts(cluster)
        names = (("expect", " ".join(expected)), ("known", " ".join(cluster.names())))
        return replace(order, options=(*order.options, *names))

    @property
    def of_users(self) -> bool:
        """Whom an agent lists we ask, and are often told what a cut must make of it; a query is the mesh's own work."""
        return self.ask == "query"

    def options(self) -> tuple[tuple[str, str], ...]:
        shared = (("ask", self.ask), ("timeout", f"{self.timeout_s:g}"))
        return (*shared, ("failed", self.failed) if self.ask == "members" else ("called", self.called))
