"""Which two faults can be at one time, and which cannot."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from harness.cluster import Cluster, Link, Node
from harness.faults import Fault, Sighting
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.faults.overlap import act, clash
from harness.faults.partition import Partition
from harness.primitives import AnyPrimitive, Clock, Command
from harness.recording.evidence import Evidence, InForce
from harness.targets import aim, stand_ins

CLUSTER = Cluster(
    "c", tuple(Node(f"n{i}", "n", "node", f"n{i}", i, (80,), "81/metrics", "is_leader") for i in (1, 2, 3))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain(Fault):
    """A fault made of whatever a test says."""

    kind: ClassVar[str] = "plain"
    about: ClassVar[str] = "a test's"
    page: ClassVar[str] = "None."
    made_of: tuple[AnyPrimitive, ...] = ()
    own: frozenset[tuple[str, str]] = frozenset()

    @property
    def via(self) -> str:
        return "nothing"

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from ()

    def compile(self, cluster: Cluster, proxied: Collection[Link], seed: int = 0) -> tuple[AnyPrimitive, ...]:
        return self.made_of

    def describe(self) -> str:
        return "plain"

    def undo(self) -> str:
        return "none"

    def claims(self, cluster: Cluster) -> frozenset[tuple[str, str]]:
        return self.own

    def sighting(self, evidence: Evidence, cluster: Cluster, in_force: InForce) -> Sighting:
        return Sighting(False, False, "")


DEAD = Kill(name="dead", at_s=5, for_s=10, nodes=("n1",))
SLOW = Latency(name="slow", at_s=5, for_s=10, link=Link("n2", "n1"), delay_s=0.1)
CUT = Partition(name="cut", at_s=5, for_s=10, nodes=("n1",))
HELD = Plain(name="held", at_s=5, for_s=10, own=frozenset({("clock", "n1")}))
STEP = Plain(name="step", at_s=5, for_s=10, made_of=(Command("n1", ("drain",), ("undrain",)),))


def met(one: Fault, other: Fault) -> str | None:
    one, other = (aim(fault, CLUSTER, 1)[0] for fault in (one, other))
    first, second = (act(fault, stand_ins(fault, CLUSTER, 1), CLUSTER) for fault in (one, other))
    assert clash(first, second) == clash(second, first)
    return clash(first, second)


@pytest.mark.parametrize(
    ("one", "other", "where"),
    [
        (DEAD, replace(DEAD, name="again"), "the process of n1"),
        (DEAD, replace(DEAD, name="again", nodes=("n1", "n2")), "the process of n1"),
        (replace(DEAD, nodes=("n1", "n2")), replace(DEAD, nodes=("n1", "n2")), "the process of n1 and 1 more"),
        (HELD, replace(HELD, name="too", at_s=14.9), "the clock of n1"),
        (HELD, DEAD, "n1, which 'dead' stops"),
        (STEP, replace(DEAD, at_s=4), "n1, which 'dead' stops"),
        (STEP, replace(DEAD, at_s=10), "n1, which 'dead' stops"),
        (STEP, replace(DEAD, for_s=2), "n1, which 'dead' stops"),
        (replace(DEAD, nodes=("leader",)), HELD, "n1, which 'dead' stops"),
    ],
)
def test_what_cannot_be_both_is_told_where(one: Fault, other: Fault, where: str) -> None:
    assert met(one, other) == where


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SLOW, CUT),
        (SLOW, replace(SLOW, name="slower", delay_s=0.2)),
        (CUT, replace(CUT, name="more")),
        (CUT, DEAD),
        (SLOW, DEAD),
        (HELD, replace(HELD, own=frozenset({("clock", "n2")}))),
        (HELD, replace(HELD, at_s=15)),
        (HELD, STEP),
        (DEAD, replace(DEAD, nodes=("n2",))),
        (DEAD, replace(DEAD, at_s=15)),
        (STEP, replace(DEAD, at_s=6, for_s=8)),
        (replace(DEAD, nodes=("leader",)), replace(DEAD, nodes=("follower",))),
    ],
)
def test_what_can_be_both_is_let_be(one: Fault, other: Fault) -> None:
    assert met(one, other) is None


def test_whatever_works_on_a_node_needs_it_alive() -> None:
    skew = Plain(name="skew", at_s=5, for_s=10, made_of=(Clock("n1", 1.0, 0.0),))
    assert met(skew, DEAD) == "n1, which 'dead' stops"
