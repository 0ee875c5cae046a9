"""The history of messages: what is written is read again, and what is no such history is refused."""

import pytest

from harness.deliveries import Acknowledged, Came, Deliveries, Line, Readers, Sent, encode, read

LINES: tuple[Line, ...] = (
    Readers(("n1", "n2")),
    Sent(1, "bus.s1", "n1", 10),
    Acknowledged(1, 15),
    Came(1, "n2", 20),
    Acknowledged(1, 30),
    Came(1, "n2", 40),
)
TEXT = b"".join(map(encode, LINES))


def test_what_was_written_is_read_and_the_first_acknowledgement_counts() -> None:
    assert read(TEXT) == Deliveries(
        readers=("n1", "n2"),
        sent={1: Sent(1, "bus.s1", "n1", 10)},
        acknowledged_ns={1: 15},
        came=(Came(1, "n2", 20), Came(1, "n2", 40)),
        last_ns=40,
    )
    assert TEXT.splitlines()[1] == b'{"is":"sent","number":1,"subject":"bus.s1","node":"n1","at_ns":10}'


def test_a_last_line_that_was_cut_off_is_left_out() -> None:
    assert read(TEXT[:-3]).came == (Came(1, "n2", 20),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"process":0}\n', "line 1 is not about a message: Object missing required field `is`"),
        (b"", "nowhere says who was to get the messages"),
    ],
)
def test_what_is_no_such_history_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(text)
