"""Where the bodies are: whatever way the bytes come in, what goes out is what HTTP says."""

import re

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agent.redirect.framing import Framing, framed

BODIES = st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=4)
CUTS = st.lists(st.integers(1, 40), max_size=30)


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    """The stream as it comes in: in segments of these lengths, then the rest."""
    found = []
    for cut in cuts:
        found.append(stream[:cut])
        stream = stream[cut:]
    return [piece for piece in (*found, stream) if piece]


class Reader:
    """An independent parser: the bodies of the messages it understood."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def on_message_begin(self) -> None:
        self.bodies.append(b"")

    def on_body(self, body: bytes) -> None:
        self.bodies[-1] += body


def read(stream: bytes) -> list[bytes]:
    reader = Reader()
    httptools.HttpResponseParser(reader).feed_data(stream)
    return reader.bodies


def chunked(body: list[bytes]) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x;x=1\r\n%b\r\n" % (len(part), part) for part in body) + b"0\r\nX-After: 1\r\n\r\n"


def fixed(body: list[bytes]) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(b"".join(body)) + b"".join(body)


@given(st.lists(st.tuples(st.booleans(), BODIES), min_size=1, max_size=3), CUTS)
def test_what_is_not_changed_reads_the_same(messages: list[tuple[bool, list[bytes]]], cuts: list[int]) -> None:
    stream = b"".join(chunked(body) if many else fixed(body) for many, body in messages)
    framing = Framing()
    first, *rest = pieces(stream, [len(b"HTTP/1."), *cuts])
    out = b"".join(framed(piece, piece.data) for data in (first, *rest) for piece in framing.feed(data))
    assert read(out) == [b"".join(body) for _, body in messages]


@given(BODIES, st.binary(min_size=1, max_size=90), CUTS)
def test_a_chunked_body_may_get_any_other_length(body: list[bytes], other: bytes, cuts: list[int]) -> None:
    framing = Framing()
    out, count = b"", 0
    for data in pieces(chunked(body), [7, *cuts]):
        for piece in framing.feed(data):
            count += piece.kind == "chunked"
            out += framed(piece, other if piece.kind == "chunked" else piece.data)
    assert read(out) == [other * count]


@given(BODIES, st.binary(max_size=90))
def test_a_body_with_a_length_keeps_it(body: list[bytes], other: bytes) -> None:
    stream = fixed(body)
    out = b"".join(framed(piece, other if piece.kind == "fixed" else piece.data) for piece in Framing().feed(stream))
    (found,) = read(out)
    assert len(found) == len(b"".join(body))
    assert found == other[: len(found)].ljust(len(found))


@given(st.binary(min_size=1), CUTS)
def test_a_stream_of_something_else_is_all_body(stream: bytes, cuts: list[int]) -> None:
    if re.match(rb"HTTP/1\.|[A-Z]+ ", stream):
        return
    framing = Framing()
    found = [piece for data in pieces(stream, cuts) for piece in framing.feed(data)]
    assert {piece.kind for piece in found} == {"free"}
    assert b"".join(piece.data for piece in found) == stream


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"


@pytest.mark.parametrize(
    ("stream", "kinds"),
    [
        ([HEAD, HEAD + b"hello"], ["frame", "frame", "fixed"]),  # the first answers a HEAD
        ([b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"hello"], ["frame", "frame", "fixed"]),
        ([b"HTTP/1.1 204 No\r\n\r\n", HEAD + b"hello"], ["frame", "frame", "fixed"]),
        ([b"HTTP/1.1 101 Up\r\n\r\nHTTP/1.1 200"], ["frame", "free"]),
        ([b"HTTP/1.0 200 OK\r\n\r\nuntil the end"], ["frame", "free"]),
        ([b"GET / HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"], ["frame", "frame", "fixed"]),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\nhello"], ["frame", "frame", "frame"]),
    ],
)
def test_answers_without_a_body_and_streams_without_a_length_are_known(stream: list[bytes], kinds: list[str]) -> None:
    framing = Framing()
    assert [piece.kind for data in stream for piece in framing.feed(data)] == kinds
