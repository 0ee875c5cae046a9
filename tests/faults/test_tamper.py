"""A link that lies, in primitives; and what the record must show before it was seen."""

from dataclasses import replace

import pytest

from harness.cluster import Cluster, Link, Node
from harness.faults.tamper import Tampering
from harness.primitives import Tamper
from harness.recording.events import FaultHealed, Read
from harness.recording.evidence import Evidence, InForce, Window

CLUSTER = Cluster(
    "two",
    (
        Node("gateway", "gateway", "gateway", "gateway", ports=(8080,)),
        Node("n1", "n1", "node", "n1", ports=(80, 81)),
    ),
)
BENT = Tampering(name="bent", at_s=5.0, for_s=10.0, link=Link("gateway", "n1"), how="flip")
IN_FORCE = InForce(Window(0, 10), 0.0, 0.0, healed=True)


def test_a_link_that_lies_is_one_proxy_in_its_source() -> None:
    fault = replace(BENT, how="replace", every=3, find="yes", put="no", stream="upstream")
    assert fault.compile(CLUSTER, (), seed=7) == (
        Tamper("gateway", "n1", 80, "replace", "upstream", 3, 1.0, "yes", "no", 7),
    )
    assert fault.touches(CLUSTER) == {("gateway", "n1")}
    assert fault.claims(CLUSTER) == replace(fault, link=Link("gateway", "n1", 81)).claims(CLUSTER)
    assert fault.describe() == "a text replaced in one chunk in 3 of requests on gateway -> n1"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (BENT, []),
        (replace(BENT, every=10), []),
        (replace(BENT, how="replace", find="yes"), []),
        (replace(BENT, how="forge", put="no"), []),
        (
            replace(BENT, every=2, share=0.5),
            [("every", "and 'share' are two ways to say how often: write one of them")],
        ),
        (
            replace(BENT, for_s=0.5),
            [("for", "is 0.5 s: write at least 1s, or no echo of ours would be back by then")],
        ),
        (replace(BENT, every=0), [("every", "is 0: write one from 1 to 100, so that a witness meets it")]),
        (
            replace(BENT, share=0.001),
            [("share", "is 0.100%: write one from 1% to 100%, so that a witness meets it")],
        ),
        (replace(BENT, how="replace"), [("find", "is missing: 'how: replace' needs it")]),
        (replace(BENT, how="forge"), [("put", "is missing: 'how: forge' needs it")]),
        (replace(BENT, find="yes"), [("find", "is of no use to 'how: flip': take it out")]),
        (
            replace(BENT, how="replace", find="yes", put="yes"),
            [("put", "is the same as 'find': nothing would change")],
        ),
        (
            replace(BENT, link=Link("n1", "n1")),
            [("link", "is 'n1 -> n1', from a node to itself: a node's own loopback is never touched")],
        ),
    ],
)
def test_what_is_wrong_with_a_link_that_lies_is_told(fault: Tampering, said: list[tuple[str, str]]) -> None:
    assert list(fault.check(CLUSTER)) == said


def evidence(before: float, during: float | None, changed: float) -> Evidence:
    reads = [Read(1, "gateway", "bent", "before", "changed_share", before, 1)]
    if during is not None:
        reads.append(Read(5, "gateway", "bent", "during", "changed_share", during, 5))
    reads.append(Read(11, "gateway", "bent", "after", "changed_share", 0.0, 11))
    reads.append(Read(11, "gateway", "bent", "after", "changed", changed, 11))
    healed = FaultHealed(9, "bent", "gateway", 9, 9, "schedule", 40, 4000, 0)
    return Evidence((*reads, healed), {}, ())


@pytest.mark.parametrize(
    ("before", "during", "changed", "seen", "exercised"),
    [
        (0.0, 1.0, 12.0, True, True),
        (0.0, 0.04, 0.0, True, False),
        (0.0, 0.0, 12.0, False, True),
        (0.1, 1.0, 12.0, False, True),
        (0.0, None, 0.0, False, False),
    ],
)
def test_a_lie_is_seen_in_our_echoes_and_met_in_the_systems_own_chunks(
    before: float, during: float | None, changed: float, seen: bool, exercised: bool
) -> None:
    found = BENT.sighting(evidence(before, during, changed), CLUSTER, IN_FORCE)
    assert (found.seen, found.exercised) == (seen, exercised)
    assert found.witness.endswith("gone: no echo comes back changed")
    assert f"{changed:,.0f} of 40 chunks (4,000 bytes)" in found.witness
