"""A wrong wall clock: its words, its primitives, and what of it is believed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cluster import Cluster, Node
from harness.faults.base import Sighting
from harness.faults.clock_skew import DRIFT, OFFSET, ClockSkew
from harness.primitives import Clock
from harness.recording.events import AnyEvent, Counted, FaultFired, FaultHealed, Read
from harness.recording.evidence import Evidence
from harness.wire import Counters, PortCount

CLUSTER = Cluster("two", tuple(Node(name, name, "node", name, ports=(80,)) for name in ("n1", "n2")))
JUMP = ClockSkew(name="wrong", at_s=5.0, for_s=20.0, nodes=("n1",), offset_s=-30.0)
DRIFTS = replace(JUMP, offset_s=0.0, drift=0.01)
START_NS, END_NS = 100_000_000_000, 120_000_000_000


@pytest.mark.parametrize(
    ("word", "value"), [("30s", 30.0), ("+30s", 30.0), ("-30s", -30.0), ("-250ms", -0.25), ("-1h", -3600.0)]
)
def test_an_offset_is_a_duration_with_a_sign(word: str, value: float) -> None:
    assert OFFSET.read(word) == value


@pytest.mark.parametrize(("word", "value"), [("10ms/s", 0.01), ("-500us/s", -0.0005), ("+1s/s", 1.0)])
def test_a_drift_is_what_is_gained_in_a_second(word: str, value: float) -> None:
    assert DRIFT.read(word) == pytest.approx(value)


@pytest.mark.parametrize("word", ["30", "--30s", "- 30s", "30d", "", "s", "1e3s", "٣s"])
def test_an_offset_that_is_none_says_how_to_write_one(word: str) -> None:
    with pytest.raises(ValueError) as error:
        OFFSET.read(word)
    assert str(error.value) == (
        f"is '{word}': write how far ahead the clock is, such as 30s, or how far behind, such as -250ms"
    )


@pytest.mark.parametrize("word", ["1%", "10ms", "10ms/m", "10/s"])
def test_a_drift_that_is_none_says_how_to_write_one(word: str) -> None:
    with pytest.raises(ValueError) as error:
        DRIFT.read(word)
    assert str(error.value) == (
        f"is '{word}': write what the clock gains in a second, such as 10ms/s, or loses, such as -10ms/s"
    )


@given(st.floats(-3600, 3600), st.floats(-1, 1))
def test_a_wrong_clock_is_one_primitive_for_each_node_and_holds_their_clocks_alone(
    offset_s: float, drift: float
) -> None:
    fault = replace(JUMP, nodes=("n1", "n2"), offset_s=offset_s, drift=drift)
    assert fault.compile(CLUSTER, ()) == (Clock("n1", offset_s, drift), Clock("n2", offset_s, drift))
    assert fault.claims(CLUSTER) == {("clock", "n1"), ("clock", "n2")}
    assert not fault.touches(CLUSTER)
    assert not fault.stops(CLUSTER)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (JUMP, "wall clock of n1 -30 s"),
        (DRIFTS, "wall clock of n1 +10 ms a second"),
        (replace(JUMP, drift=-0.0005, nodes=("n1", "n2")), "wall clock of n1, n2 -30 s and -0.5 ms a second"),
    ],
)
def test_a_wrong_clock_is_told_in_a_few_words(fault: ClockSkew, said: str) -> None:
    assert fault.describe() == said


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (JUMP, []),
        (DRIFTS, []),
        (replace(JUMP, offset_s=365 * 86_400.0, drift=-1.0), []),
        (replace(JUMP, nodes=()), [("nodes", "is empty: name at least one node")]),
        (replace(JUMP, nodes=("n11",)), [("nodes", "names 'n11': there is no n11; did you mean 'n1'?")]),
        (
            replace(JUMP, offset_s=-4e7),
            [("offset", "is -40,000,000 s: write one from -8760h to 8760h (a year)")],
        ),
        (
            replace(JUMP, drift=1.5),
            [("drift", "is 1.5 s a second: write one from -1s/s (the clock stands still) to 1s/s")],
        ),
        (
            replace(JUMP, offset_s=0.0),
            [("offset", "is 0 ms and there is no drift: write one of at least 10ms, or a drift")],
        ),
        (
            replace(JUMP, offset_s=0.0, drift=0.0001),
            [("drift", "makes it wrong by 2 ms in 20 s, too little to be seen: 10 ms is the least")],
        ),
    ],
)
def test_what_is_wrong_with_a_wrong_clock_is_told(fault: ClockSkew, said: list[tuple[str, str]]) -> None:
    assert list(fault.check(CLUSTER)) == said


def test_a_drift_that_takes_back_all_of_a_small_offset_is_fine() -> None:
    assert list(replace(JUMP, offset_s=0.2, drift=-0.01).check(CLUSTER)) == []


# --- what of it is believed -------------------------------------------------------------------------------------------


def looks(
    fault: ClockSkew,
    *,
    wrong_s: float = 0.0,
    before_s: float = 0.0,
    after_s: float | None = 0.0,
    during: int = 5,
    processes: float = 3,
    packets: int = 40,
    node: str = "n1",
) -> list[AnyEvent]:
    """A record of one node; ``wrong_s``: what its last reading is off by."""
    events: list[AnyEvent] = [
        FaultFired(START_NS, fault.name, node, START_NS - 200_000, START_NS),
        FaultHealed(END_NS, fault.name, node, END_NS, END_NS, "schedule", 0, 0, 0),
        Read(0, node, fault.name, "before", "offset_s", before_s, START_NS - 1),
    ]
    for number in range(during):
        at_ns = START_NS + 4_000_000_000 * number + 10_000_000
        value = fault.offset_s + fault.drift * (at_ns - START_NS) / 1e9 + (wrong_s if number == during - 1 else 0)
        figures = {"offset_s": value, "processes": processes, "processes_all": 3.0}
        events += [Read(0, node, fault.name, "during", name, figure, at_ns) for name, figure in figures.items()]
    if after_s is not None:
        events.append(Read(0, node, fault.name, "after", "offset_s", after_s, END_NS + 1))
    for at_ns, count in ((START_NS + 1, 100), (END_NS - 1, 100 + packets)):
        counters = Counters(at_ns, 0, (), (), (PortCount(80, count, 0),))
        events.append(Counted(at_ns, node, counters))
    return events


def sighting(fault: ClockSkew, *events: AnyEvent) -> Sighting:
    evidence = Evidence(events, {}, ())
    in_force = evidence.in_force(fault.name)
    assert in_force is not None
    return fault.sighting(evidence, CLUSTER, in_force)


@pytest.mark.parametrize("fault", [JUMP, DRIFTS, replace(JUMP, drift=-0.5)])
def test_a_clock_that_reads_as_it_should_was_seen(fault: ClockSkew) -> None:
    found = sighting(fault, *looks(fault))
    assert (found.seen, found.exercised) == (True, True)


def test_the_witness_says_what_it_read() -> None:
    assert sighting(JUMP, *looks(JUMP)).witness == (
        "5 of 5 readings through the node's own stub right, -30.000 s at the last; 1 of 1 nodes had it in every "
        "process; 40 packets came for them; gone: +0.000 s"
    )


@pytest.mark.parametrize(
    "told",
    [
        {"wrong_s": 0.1},
        {"wrong_s": 30.0},
        {"before_s": -30.0},
        {"during": 0},
        {"processes": 2},
        {"processes": 0},
    ],
)
def test_a_clock_that_does_not_is_not_called_seen(told: dict[str, float]) -> None:
    assert not sighting(JUMP, *looks(JUMP, **told)).seen  # type: ignore[arg-type]  # one of them counts


def test_a_drift_that_was_only_looked_at_when_it_began_was_not_seen() -> None:
    assert not sighting(DRIFTS, *looks(DRIFTS, during=1)).seen
    assert sighting(DRIFTS, *looks(DRIFTS, during=2)).seen


def test_two_nodes_are_seen_when_both_are() -> None:
    both = replace(JUMP, nodes=("n1", "n2"))
    assert sighting(both, *looks(both), *looks(both, node="n2")).seen
    assert not sighting(both, *looks(both), *looks(both, node="n2", wrong_s=1.0)).seen
    assert not sighting(both, *looks(both)).seen


def test_a_clock_that_nobody_asked_was_not_exercised() -> None:
    assert not sighting(JUMP, *looks(JUMP, packets=0)).exercised


def test_what_was_not_looked_at_afterwards_is_not_called_gone() -> None:
    assert sighting(JUMP, *looks(JUMP, after_s=None)).witness.endswith("gone: not seen")
    assert sighting(JUMP, *looks(JUMP, after_s=-30.0)).witness.endswith("gone: -30.000 s")
