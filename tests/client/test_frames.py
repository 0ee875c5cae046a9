"""WebSocket frames, against the examples of RFC 6455 and against anything at all."""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.frames import MESSAGE_MAX_BYTES, FrameError, Message, Opcode, Reader, frame, masked
from harness.client.websocket import accept_of

HELLO = b"\x81\x05Hello"  # RFC 6455, 5.7: unmasked


def read(data: bytes, cuts: list[int] | None = None) -> list[Message]:
    reader, found = Reader(), []
    edges = [0, *sorted(c % (len(data) + 1) for c in cuts or []), len(data)]
    for start, end in pairwise(edges):
        found += list(reader.feed(data[start:end]))
    return found


def as_server(data: bytes, opcode: int = Opcode.TEXT, last: bool = True) -> bytes:
    """As a server writes it, without a mask."""
    head = bytes([(0x80 if last else 0) | opcode])
    if len(data) < 126:
        return head + bytes([len(data)]) + data
    if len(data) < 1 << 16:
        return head + b"\x7e" + len(data).to_bytes(2, "big") + data
    return head + b"\x7f" + len(data).to_bytes(8, "big") + data


def test_the_standards_own_examples_are_read_and_written() -> None:
    assert read(HELLO) == [Message(Opcode.TEXT, b"Hello")]
    assert frame(Opcode.TEXT, b"Hello", b"\x37\xfa\x21\x3d") == b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
    assert read(b"\x01\x03Hel\x80\x02lo") == [Message(Opcode.TEXT, b"Hello")]
    assert read(b"\x89\x05Hello") == [Message(Opcode.PING, b"Hello")]
    assert accept_of(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@given(st.binary(max_size=400) | st.integers(60_000, 70_000).map(bytes), st.lists(st.integers(0, 10**6), max_size=5))
def test_a_message_of_any_length_may_come_in_any_pieces(data: bytes, cuts: list[int]) -> None:
    assert read(as_server(data) + as_server(b"", Opcode.PING), cuts) == [
        Message(Opcode.TEXT, data),
        Message(Opcode.PING, b""),
    ]


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_a_mask_taken_twice_is_none(data: bytes, mask: bytes) -> None:
    assert masked(masked(data, mask), mask) == data
    written = frame(Opcode.BINARY, data, mask)
    assert len(written) == len(data) + (6 if len(data) < 126 else 8)


def test_a_control_frame_may_come_in_the_middle_of_a_message() -> None:
    data = as_server(b"on", last=False) + as_server(b"?", Opcode.PING) + as_server(b"e", Opcode.CONTINUATION)
    assert read(data) == [Message(Opcode.PING, b"?"), Message(Opcode.TEXT, b"one")]


@pytest.mark.parametrize(
    "data",
    [
        frame(Opcode.TEXT, b"x", b"1234"),
        b"\xc1\x01x",
        b"\x83\x01x",
        b"\x80\x01x",
        b"\x09\x00",
        b"\x89\x7e\x00\x80" + bytes(128),
        as_server(b"a", last=False) + as_server(b"b"),
        b"\x81\x7f" + (MESSAGE_MAX_BYTES + 1).to_bytes(8, "big"),
        as_server(bytes(MESSAGE_MAX_BYTES), last=False) + as_server(b"x", Opcode.CONTINUATION),
    ],
    ids=["masked", "extension", "unknown", "orphan", "cut-control", "long-control", "nested", "huge", "huge-in-parts"],
)
def test_what_no_server_may_send_is_refused(data: bytes) -> None:
    with pytest.raises(FrameError):
        read(data)


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=4))
def test_any_bytes_at_all_are_messages_or_refused(data: bytes, cuts: list[int]) -> None:
    with suppress(FrameError):
        assert all(isinstance(message, Message) for message in read(data, cuts))
