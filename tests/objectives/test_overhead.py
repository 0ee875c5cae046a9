"""What the harness adds to the nodes' networks, by what their agents counted."""

from harness.objectives import Finding
from harness.recording.events import AnyEvent, Counted
from harness.wire import Counters
from tests.objectives.test_words import written
from tests.recording.builder import CLUSTER, Story, at


def counted(node: str, second: float, network: int | None, own: int | None) -> AnyEvent:
    return Counted(at(second), node, Counters(at(second), 0, (), (), (), network, own))


def told(own_per_s: int = 50, other_per_s: int = 1000, odd: str = "") -> tuple[AnyEvent, ...]:
    """Every second of 60; the node ``odd`` has three times as much of ours."""
    return tuple(
        counted(node, second, 9_000 + second * (other_per_s + own), 700 + second * own)
        for node in CLUSTER.names()
        for own in (own_per_s * (3 if node == odd else 1),)
        for second in range(60)
    )


def measured(bound: str, events: tuple[AnyEvent, ...], **words: str) -> Finding:
    return written("overhead", name="it", overhead=bound, **words).measure(Story(more=events).evidence())


def test_overhead_is_our_own_bytes_by_all_others_and_the_worst_pod_decides() -> None:
    assert measured("<= 10%", told(odd="n2"), in_="faults") == Finding(
        objective="it",
        outcome="violated",
        measured=0.15,
        error=None,
        bound="<= 10%",
        unit="share",
        reason="at n2 4.35 kB were the harness's own, beside 29 kB of the system",
        source="packets of our own ports, and all that the pods' networks carried, counted in faults",
        details=(("gateway", "5 %"), ("n1", "5 %"), ("n2", "15 %"), ("n3", "5 %")),
    )
    found = [measured("<= 10%", told(odd="n2"), nodes=names).outcome for names in ("n1 n3", "gateway", "node")]
    assert found == ["held", "held", "violated"]


def test_what_was_not_counted_twice_is_no_figure() -> None:
    for events in ((), told()[:1], (counted("gateway", 1, None, None), counted("gateway", 2, None, None))):
        found = measured("<= 10%", events)
        assert (found.outcome, found.measured, found.reason) == (
            "inconclusive",
            None,
            "what the network of gateway carried was not counted twice",
        )


def test_a_share_of_nothing_is_no_figure() -> None:
    found = measured("<= 10%", told(other_per_s=0), nodes="n1")
    assert (found.outcome, found.reason) == (
        "inconclusive",
        "the network of n1 carried nothing but the harness's own",
    )
