"""Packets as bytes: flows are told apart, and exactly one bit of what is carried changes."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.agent.queue.packet import HEAD_BYTES, flipped, flow_of

TCP, UDP, ICMP = 6, 17, 1
PAYLOADS = st.binary(min_size=1, max_size=200)


def internet(packet: bytes) -> int:
    """The checksum of RFC 1071, by its definition."""
    total = sum(int.from_bytes(packet[i : i + 2].ljust(2, b"\0")) for i in range(0, len(packet), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def made(version: int, protocol: int, payload: bytes, port: int = 80) -> bytes:
    """A whole packet with a right checksum."""
    head = struct.pack(">HH", port, 5000)
    if protocol == TCP:
        transport = bytearray(head + bytes(8) + bytes((6 << 4, 0x18)) + bytes(6) + bytes(4) + payload)  # with an option
    else:
        transport = bytearray(head + struct.pack(">HH", 8 + len(payload), 0) + payload)
    addresses = bytes(range(8 if version == 4 else 32))
    at = 16 if protocol == TCP else 6
    pseudo = addresses + struct.pack(">HH", protocol, len(transport))
    transport[at : at + 2] = struct.pack(">H", internet(pseudo + transport) or 0xFFFF)
    if version == 4:
        return bytes((0x45,)) + bytes(8) + bytes((protocol,)) + bytes(2) + addresses + transport
    return bytes((0x60,)) + bytes(5) + bytes((protocol, 64)) + addresses + transport


def is_right(packet: bytes, version: int, protocol: int) -> bool:
    addresses, transport = (packet[12:20], packet[20:]) if version == 4 else (packet[8:40], packet[40:])
    return internet(addresses + struct.pack(">HH", protocol, len(transport)) + transport) == 0


def bits(one: bytes, other: bytes) -> int:
    return sum((a ^ b).bit_count() for a, b in zip(one, other, strict=True))


@settings(deadline=None)
@given(PAYLOADS, st.integers(0, 2**32), st.sampled_from((4, 6)), st.sampled_from((TCP, UDP)))
def test_one_bit_of_the_payload_is_flipped_and_the_checksum_is_wrong_or_mended_as_asked(
    payload: bytes, draw: int, version: int, protocol: int
) -> None:
    packet = made(version, protocol, payload)
    assert is_right(packet, version, protocol)
    bad, lie = (flipped(packet, draw, mended=mended) for mended in (False, True))
    assert bits(bad, packet) == 1
    assert bits(bad[-len(payload) :], payload) == 1
    assert not is_right(bad, version, protocol)
    assert lie[-len(payload) :] == bad[-len(payload) :]
    assert is_right(lie, version, protocol)


def test_a_datagram_without_a_checksum_keeps_none() -> None:
    packet = bytearray(made(4, UDP, b"hello"))
    packet[26:28] = b"\0\0"
    assert flipped(bytes(packet), 3, mended=True)[26:28] == b"\0\0"


@pytest.mark.parametrize("packet", [made(4, TCP, b""), made(6, UDP, b""), made(4, ICMP, b"ping pong"), b"", b"\x45"])
def test_what_carries_nothing_stays_as_it_is(packet: bytes) -> None:
    assert flipped(packet, 1, mended=True) == packet


@pytest.mark.parametrize("version", [4, 6])
def test_a_flow_is_known_by_the_head_of_any_of_its_packets(version: int) -> None:
    heads = [made(version, UDP, payload, port)[:HEAD_BYTES] for payload in (b"a", b"b" * 99) for port in (80, 81)]
    assert flow_of(heads[0]) == flow_of(heads[2]) != flow_of(heads[1])
    assert flow_of(made(version, TCP, b"a")[:HEAD_BYTES]) != flow_of(heads[0])
