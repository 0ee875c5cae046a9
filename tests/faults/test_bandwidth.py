"""A narrow link, in primitives, and what shows it."""

from dataclasses import replace

import pytest

from harness.cluster import Link
from harness.faults.bandwidth import Bandwidth, bits_per_s
from harness.primitives import Rate, Toxic
from tests.faults.records import CLUSTER, sighting, told, turned

NARROW = Bandwidth(name="f", at_s=5, for_s=10, link=Link("gateway", "n1"), rate_bits_per_s=10_000_000)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("10Mbit/s", 10_000_000), ("1MB/s", 8_000_000), ("125 kB/s", 1_000_000), ("1.5Mbit/s", 1_500_000)],
)
def test_a_bit_rate_is_read_with_its_unit(text: str, rate: int) -> None:
    assert bits_per_s(text) == rate


@pytest.mark.parametrize("text", ["10", "10Mbit", "10mbit/s", "-1kB/s", "fast"])
def test_what_is_no_bit_rate_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="write a bit rate with its unit, such as 10Mbit/s"):
        bits_per_s(text)


def test_each_end_shapes_what_it_sends() -> None:
    assert NARROW.compile(CLUSTER, ()) == (
        Rate("gateway", "n1", 10_000_000, 80, "peer"),
        Rate("n1", "gateway", 10_000_000, 80, "node"),
    )
    assert not NARROW.proxies(CLUSTER)
    assert NARROW.needs() == ("htb",)


def test_via_toxiproxy_both_streams_are_narrow_and_counted_in_kilobytes() -> None:
    fault = replace(NARROW, mechanism="toxiproxy")
    assert fault.compile(CLUSTER, ()) == tuple(
        Toxic("gateway", "n1", 80, "bandwidth", stream, (("rate", 1250),)) for stream in ("upstream", "downstream")
    )
    assert fault.proxies(CLUSTER) == {Link("gateway", "n1", 80)}
    assert fault.needs() == ()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (NARROW, []),
        (replace(NARROW, rate_bits_per_s=50), [("rate", "is 0.05 kbit/s: write one from 100kbit/s to 100Mbit/s")]),
        (
            replace(NARROW, rate_bits_per_s=300_000_000),
            [("rate", "is 300 Mbit/s: write one from 100kbit/s to 100Mbit/s")],
        ),
        (
            replace(NARROW, rate_bits_per_s=100_001, mechanism="toxiproxy"),
            [("rate", "is 100 kbit/s: write whole kB/s, which is how Toxiproxy counts, such as 125kB/s")],
        ),
    ],
)
def test_what_is_wrong_with_a_bandwidth_is_told(fault: Bandwidth, said: list[tuple[str, str]]) -> None:
    assert list(fault.check(CLUSTER)) == said


def test_a_narrow_link_is_seen_by_a_bulk_that_comes_at_its_rate() -> None:
    found = sighting(NARROW, told("bits_per_s", [9e8], [9.5e6, 9.4e6], [8e8]), packets=70, size_bytes=99_000)
    assert (found.seen, found.exercised) == (True, True)
    assert found.witness == (
        "a bulk came at 9.45 Mbit/s (at most 9.5 Mbit/s, 2 read; without it 900 Mbit/s); 99,000 bytes met it; "
        "gone: 800 Mbit/s"
    )


@pytest.mark.parametrize(
    ("before", "during"),
    [([9e8], [9.5e6, 2e7]), ([9e6], [9e6]), ([], [9e6]), ([9e8], [])],
    ids=["once faster", "never faster", "not looked at without it", "not looked at meanwhile"],
)
def test_a_link_that_was_not_made_narrow_is_not_seen_so(before: list[float], during: list[float]) -> None:
    assert not sighting(NARROW, told("bits_per_s", before, during)).seen


def test_a_bulk_after_it_does_for_one_before_it() -> None:
    assert sighting(NARROW, told("bits_per_s", [], [9e6], [8e8])).seen


def test_between_two_spells_the_link_may_be_wide() -> None:
    flapping = replace(NARROW, on_s=1.6, off_s=1.6)  # read at 11 s (on), 12 and 13 s (off), 14 s (on)
    said = turned(1.6, 1.6)
    assert sighting(flapping, [*told("bits_per_s", [9e8], [9e6, 9e8, 9e8, 9e6]), *said]).seen
    assert not sighting(flapping, [*told("bits_per_s", [9e8], [9e6, 9e8, 9e8, 9e8]), *said]).seen
