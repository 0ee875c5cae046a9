"""What Toxiproxy does to the streams of a link: toxics, limits of the words, and what shows each of them."""

from dataclasses import replace

import pytest

from harness.cluster import Link
from harness.faults.streams import BlackHole, Reset, Slicer, SlowClose, StreamCut, StreamFault
from harness.primitives import Toxic
from tests.faults.records import CLUSTER, Echo, sighting, told

LINK = Link("gateway", "n1")
HOLE = BlackHole(name="f", at_s=5, for_s=10, link=LINK)
RESET = Reset(name="f", at_s=5, for_s=10, link=LINK)
LATE = SlowClose(name="f", at_s=5, for_s=10, link=LINK, delay_s=0.5)
SLICES = Slicer(name="f", at_s=5, for_s=10, link=LINK, size_bytes=50, pause_s=0.01)
CUT = StreamCut(name="f", at_s=5, for_s=10, link=LINK, after_bytes=5000)
ALL: list[StreamFault] = [HOLE, RESET, LATE, SLICES, CUT]


def failing(error: str, until_s: float = 20.0) -> Echo:
    """Echoes from gateway to n1 fail from 10 s on."""
    return lambda pair, sent_s: error if pair == ("gateway", "n1") and 10 <= sent_s < until_s else 0.001


@pytest.mark.parametrize(
    ("fault", "streams", "kind", "values"),
    [
        (HOLE, ("upstream", "downstream"), "timeout", (("timeout", 0),)),
        (replace(HOLE, close_after_s=1.5), ("upstream", "downstream"), "timeout", (("timeout", 1500),)),
        (replace(RESET, after_s=0.2), ("downstream",), "reset_peer", (("timeout", 200),)),
        (LATE, ("downstream",), "slow_close", (("delay", 500),)),
        (SLICES, ("downstream",), "slicer", (("average_size", 50), ("size_variation", 0), ("delay", 10_000))),
        (CUT, ("downstream",), "limit_data", (("bytes", 5000),)),
    ],
    ids=["black-hole", "closed black-hole", "reset", "slow-close", "slicer", "stream-cut"],
)
def test_a_stream_fault_is_one_toxic_on_its_streams(
    fault: StreamFault, streams: tuple[str, ...], kind: str, values: tuple[tuple[str, int], ...]
) -> None:
    made = [(t.type, t.stream, t.attributes) for t in fault.compile(CLUSTER, ()) if isinstance(t, Toxic)]
    assert made == [(kind, stream, values) for stream in streams]
    assert fault.proxies(CLUSTER) == {Link("gateway", "n1", 80)}
    assert fault.touches(CLUSTER) == {("gateway", "n1")}


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: fault.kind)
def test_a_sound_stream_fault_has_no_complaint_and_says_whom_it_hits(fault: StreamFault) -> None:
    assert list(fault.check(CLUSTER)) == []
    assert "gateway -> n1" in fault.describe()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (replace(HOLE, link=Link("gateway", "n7")), "is 'gateway -> n7': there is no n7"),
        (replace(HOLE, close_after_s=11), "is 11 s: write one from 0ms to 10s"),
        (replace(RESET, after_s=0.0005), "is 0.5 ms: write whole milliseconds, which is how Toxiproxy counts"),
        (replace(LATE, delay_s=0.01), "is 0.01 s: write one from 50ms to 10s"),
        (replace(SLICES, pause_s=0.0), "is 0 s: write one from 1ms to 1s"),
        (replace(SLICES, size_bytes=0), "is 0 bytes: write one from 1B to 16kB, or whole answers fit in one piece"),
        (replace(CUT, after_bytes=2_000_000), "is 2,000,000 bytes: write one from 1B to 1MB"),
    ],
)
def test_what_is_wrong_with_a_stream_fault_is_told(fault: StreamFault, said: str) -> None:
    ((_, text),) = fault.check(CLUSTER)
    assert text.startswith(said)


def test_a_black_hole_is_seen_by_the_echoes_it_swallows() -> None:
    found = sighting(HOLE, echo=failing("no answer within 1 s"), size_bytes=900)
    assert (found.seen, found.exercised) == (True, True)
    assert found.witness == "40 of 40 echoes lost; 900 bytes met it; gone: 20 of 20 echoes answered"
    assert not sighting(HOLE, echo=failing("no answer within 1 s", until_s=19)).seen


def test_a_reset_is_seen_by_errors_and_not_by_silence() -> None:
    assert sighting(RESET, echo=failing("Connection reset by peer")).seen
    assert not sighting(RESET, echo=failing("no answer within 1 s")).seen
    assert not sighting(RESET, echo=failing("Connection reset by peer", until_s=19)).seen


def test_an_echo_on_its_way_as_a_reset_ends_says_nothing() -> None:
    resets = failing("Connection reset by peer", until_s=19.7)
    late = sighting(RESET, echo=lambda pair, sent_s: 0.6 if 19.7 <= sent_s < 20 else resets(pair, sent_s))
    assert late.seen


@pytest.mark.parametrize(("fault", "name", "planned_s"), [(LATE, "close_s", 0.5), (SLICES, "piece_s", 0.01)])
def test_what_waits_is_seen_by_a_bulk_that_waited_every_time(fault: StreamFault, name: str, planned_s: float) -> None:
    assert sighting(fault, told(name, [0.001], [planned_s, 1.2 * planned_s])).seen
    assert not sighting(fault, told(name, [0.001], [planned_s, planned_s / 2])).seen
    assert not sighting(fault, told(name, [planned_s], [planned_s])).seen
    assert not sighting(fault, told(name, [], [planned_s])).seen


def test_a_cut_stream_is_seen_by_a_longer_bulk_of_which_no_more_came() -> None:
    assert sighting(CUT, told("came_bytes", [9096], [5000, 4800])).seen
    assert not sighting(CUT, told("came_bytes", [9096], [5000, 9096])).seen
    assert not sighting(CUT, told("came_bytes", [3000], [5000])).seen
    assert not sighting(CUT, told("came_bytes", [9096], [])).seen
