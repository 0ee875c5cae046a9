"""Names that lie, in primitives; and what the record must show before they were seen."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import pytest

from harness.cluster import Cluster, Node
from harness.faults.dns import Dns
from harness.primitives import Resolve
from harness.recording.events import AnyEvent, FaultHealed, Read
from harness.recording.evidence import Evidence, InForce, Window

CLUSTER = Cluster(
    "three",
    (
        Node("gateway", "gateway", "gateway", "gateway", ports=(8080,)),
        Node("n1", "n1", "node", "n1", ports=(80,)),
        Node("beside", "beside", "node", "n1"),
    ),
)
LIES = Dns(name="lies", at_s=5.0, for_s=10.0, nodes=("gateway",), names=("n1",))
IN_FORCE = InForce(Window(0, 10), 0.0, 0.0, healed=True)
TRUE = {"heard": 1.0, "answered": 1.0, "nxdomain": 0.0, "servfail": 0.0, "wrong_address": 0.0, "lookup_s": 0.001}


def test_names_lie_once_in_every_pod_of_the_nodes() -> None:
    fault = replace(LIES, nodes=("n1", "beside", "gateway"))
    assert fault.compile(CLUSTER, ()) == (Resolve("n1", ("n1",), "nxdomain"), Resolve("gateway", ("n1",), "nxdomain"))
    assert fault.claims(CLUSTER) == {("dns", "n1"), ("dns", "gateway")}
    assert fault.touches(CLUSTER) == frozenset()
    assert LIES.describe() == "gateway asking for n1: nxdomain"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (LIES, []),
        (replace(LIES, answer="address", address="127.0.0.1"), []),
        (replace(LIES, answer="delay", delay_s=2.0), []),
        (
            replace(LIES, answer="delay", delay_s=2.0, for_s=2.5),
            [("for", "is 2.5 s: write at least 3s, or no question of ours would be over by then")],
        ),
        (replace(LIES, nodes=()), [("nodes", "is empty: name who hears it")]),
        (
            replace(LIES, nodes=("n3",)),
            [("nodes", "names 'n3': there is no n3 (there are gateway, n1, beside)")],
        ),
        (
            replace(LIES, answer="address"),
            [("address", "is missing: 'answer: address' needs the wrong address to give")],
        ),
        (
            replace(LIES, answer="address", address="n2"),
            [("address", "is 'n2': write an IPv4 address, such as 127.0.0.1")],
        ),
        (
            replace(LIES, address="127.0.0.1"),
            [("address", "is of no use to 'answer: nxdomain': take it out, or write 'answer: address'")],
        ),
        (replace(LIES, answer="delay"), [("delay", "is 0 s: write one from 1ms to 30s")]),
        (
            replace(LIES, delay_s=1.0),
            [("delay", "is of no use to 'answer: nxdomain': take it out, or write 'answer: delay'")],
        ),
    ],
)
def test_what_is_wrong_with_names_that_lie_is_told(fault: Dns, said: list[tuple[str, str]]) -> None:
    assert list(fault.check(CLUSTER)) == said


def test_an_address_that_may_be_somebodys_is_refused() -> None:
    public = ".".join(["8"] * 4)
    (problem,) = replace(LIES, answer="address", address=public).check(CLUSTER)
    assert problem == ("address", f"is '{public}', which may be somebody's: write a private or loopback one")


def evidence(during: Mapping[str, float], *, before: Mapping[str, float] = TRUE, met: int = 3) -> Evidence:
    def reads(when: Literal["before", "during", "after"], seen: Mapping[str, float]) -> list[Read]:
        return [Read(5, "gateway", "lies", when, name, value, 5) for name, value in seen.items()]

    healed = FaultHealed(9, "lies", "gateway", 9, 9, "schedule", met, 20 * met, 0)
    events: tuple[AnyEvent, ...] = (*reads("before", before), *reads("during", during), *reads("after", TRUE), healed)
    return Evidence(events, {}, ())


@pytest.mark.parametrize(
    ("fault", "during"),
    [
        (LIES, {"heard": 1.0, "nxdomain": 1.0}),
        (replace(LIES, answer="servfail"), {"heard": 1.0, "servfail": 1.0}),
        (replace(LIES, answer="address", address="127.0.0.9"), {"answered": 1.0, "wrong_address": 1.0}),
        (replace(LIES, answer="delay", delay_s=0.5), {"answered": 1.0, "lookup_s": 0.502}),
        (replace(LIES, answer="silence"), {"heard": 0.0, "answered": 0.0}),
    ],
)
def test_a_lie_is_seen_when_our_own_question_met_it_and_only_then(fault: Dns, during: Mapping[str, float]) -> None:
    seen = fault.sighting(evidence(during), CLUSTER, IN_FORCE)
    assert (seen.seen, seen.exercised) == (True, True)
    assert seen.witness.endswith("gone: 1 of 1 hear the truth again")
    assert not fault.sighting(evidence(TRUE), CLUSTER, IN_FORCE).seen
    assert not fault.sighting(evidence({}), CLUSTER, IN_FORCE).seen
    assert not fault.sighting(evidence(during, before={"answered": 0.0}), CLUSTER, IN_FORCE).seen
    assert not fault.sighting(evidence(during, met=0), CLUSTER, IN_FORCE).exercised


def test_one_node_that_heard_the_truth_is_enough_to_doubt_it() -> None:
    both = replace(LIES, nodes=("gateway", "n1"))
    assert not both.sighting(evidence({"nxdomain": 1.0}), CLUSTER, IN_FORCE).seen
