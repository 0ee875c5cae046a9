"""An IP packet as bytes: whose flow it is, and how one bit of what it carries is flipped. Pure."""

import struct
from dataclasses import dataclass

_TCP, _UDP = 6, 17
_IPV6_HEADER_BYTES = 40
_UDP_HEADER_BYTES = 8
HEAD_BYTES = 60  # of a packet: enough to tell flows apart


@dataclass(frozen=True, slots=True)
class _Place:
    """Where things are: the transport header and its protocol, both addresses."""

    transport: int
    protocol: int
    addresses: slice

    def checksum(self) -> int:
        return self.transport + (16 if self.protocol == _TCP else 6)


def _place(packet: bytes) -> _Place | None:
    """None for what is not TCP or UDP right behind its IP header."""
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        found = _Place((packet[0] & 15) * 4, packet[9], slice(12, 20))
    elif len(packet) >= _IPV6_HEADER_BYTES and packet[0] >> 4 == 6:
        found = _Place(_IPV6_HEADER_BYTES, packet[6], slice(8, 40))
    else:
        return None
    return found if found.protocol in (_TCP, _UDP) and len(packet) >= found.transport + _UDP_HEADER_BYTES else None


def flow_of(head: bytes) -> bytes:
    """Equal for packets of one connection in one direction: addresses, protocol and ports."""
    place = _place(head)
    if place is None:
        return head[8:40] if head and head[0] >> 4 == 6 else head[12:20]
    return head[place.addresses] + head[place.transport : place.transport + 4] + bytes((place.protocol,))


def flipped(packet: bytes, draw: int, *, mended: bool) -> bytes:
    """One bit of what TCP or UDP carries, the one ``draw`` names; unchanged where nothing is carried.

    ``mended``: the checksum is made right again (0, no checksum, stays), so that the program gets the packet.
    """
    place = _place(packet)
    if place is None:
        return packet
    head = (packet[place.transport + 12] >> 4) * 4 if place.protocol == _TCP else _UDP_HEADER_BYTES
    begin = place.transport + head
    if begin >= len(packet):
        return packet
    made = bytearray(packet)
    byte, bit = divmod(draw % ((len(packet) - begin) * 8), 8)
    made[begin + byte] ^= 1 << bit
    at = place.checksum()
    if mended and (place.protocol == _TCP or made[at : at + 2] != b"\0\0"):
        made[at : at + 2] = b"\0\0"
        made[at : at + 2] = struct.pack(">H", _checksum(made, place) or 0xFFFF)
    return bytes(made)


def _checksum(packet: bytearray, place: _Place) -> int:
    """RFC 1071, over the pseudo-header and the transport's part."""
    body = packet[place.transport :]
    data = bytes(packet[place.addresses]) + struct.pack(">HH", place.protocol, len(body)) + body
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
