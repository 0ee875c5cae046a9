"""What a NATS server says is cut where its pieces end, however the network cut it before."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.nats_text import Message, NatsError, Reader, Said, publish, subscribe

SAID = (
    b'INFO {"server_name":"n1"}\r\n'
    b"MSG bus.s1 1 5\r\nhello\r\n"
    b"PING\r\n"
    b"MSG bus.s2 1 $JS.ACK.a 2\r\n\r\n\r\n"
    b"HMSG _INBOX.a 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"
    b"HMSG bus.s3 7 answer.here 21 24\r\nNATS/1.0\r\nKey: 12\r\n\r\nabc\r\n"
    b"PONG\r\n"
    b"-ERR 'Maximum Payload Violation'\r\n"
)
MEANT = [
    Said("INFO", '{"server_name":"n1"}'),
    Message("bus.s1", "", 0, b"hello"),
    Said("PING", ""),
    Message("bus.s2", "$JS.ACK.a", 0, b"\r\n"),
    Message("_INBOX.a", "", 503, b""),
    Message("bus.s3", "answer.here", 0, b"abc"),
    Said("PONG", ""),
    Said("-ERR", "'Maximum Payload Violation'"),
]


@given(st.lists(st.integers(0, len(SAID)), max_size=12))
def test_it_reads_the_same_wherever_the_network_cuts_it(cuts: list[int]) -> None:
    reader, edges = Reader(), [0, *sorted(cuts), len(SAID)]
    pieces = (SAID[start:end] for start, end in pairwise(edges))
    assert [one for piece in pieces for one in reader.feed(piece)] == MEANT


@given(st.binary(max_size=300))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    try:
        list(Reader().feed(data))
    except NatsError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "a line that no NATS server says: b'HTTP/1.1 400 Bad Request'"),
        (b"MSG bus 1 many\r\n", "a line that no NATS server says: b'MSG bus 1 many'"),
        (b"MSG bus 1 99999999999\r\n", "a message of 99999999999 bytes, 0 of them headers"),
        (b"MSG bus 1 2\r\nabcd", "a message of 2 bytes on bus is longer than its head says"),
        (b"+" * 70_000, "a line of more than 65536 bytes"),
    ],
)
def test_what_no_server_says_is_refused_in_half_a_sentence(data: bytes, said: str) -> None:
    with pytest.raises(NatsError) as raised:
        list(Reader().feed(data))
    assert str(raised.value) == said


def test_what_is_published_says_how_long_it_is_and_where_an_answer_goes() -> None:
    assert publish("bus.s1", b"ab\r\n", "_INBOX.a.1") == b"PUB bus.s1 _INBOX.a.1 4\r\nab\r\n\r\n"
    assert publish("bus.s1", b"") == b"PUB bus.s1 0\r\n\r\n"
    assert subscribe("bus.>", 3) == b"SUB bus.> 3\r\n"
