"""Messages of netfilter's queue, as bytes."""

import struct

from harness.agent.queue.netlink import attribute, mark_of, payload_of


def message(*attributes: tuple[int, bytes]) -> bytes:
    """As the kernel writes one: headers, the packet's number, then what it knows of it."""
    number = attribute(1, struct.pack(">IHBx", 7, 0x800, 0)[:7])
    return bytes(20) + number + b"".join(attribute(kind, data) for kind, data in attributes)


DEVICE, MARK, HARDWARE, PAYLOAD = 5, 3, 9, 10


def test_the_mark_is_found_where_it_mostly_stands_and_wherever_else_it_may() -> None:
    mark = (MARK, struct.pack(">I", 0x80000005))
    assert mark_of(message((DEVICE, bytes(4)), mark, (HARDWARE, bytes(12)))) == 0x80000005
    assert mark_of(message((HARDWARE, bytes(12)), (DEVICE, bytes(4)), mark)) == 0x80000005
    assert mark_of(message((DEVICE, bytes(4)))) == 0


def test_the_payload_is_the_packet_without_its_padding() -> None:
    assert payload_of(message((DEVICE, bytes(4)), (HARDWARE, bytes(12)), (PAYLOAD, b"E123456"))) == b"E123456"
    assert payload_of(message((DEVICE, bytes(4)))) == b""
