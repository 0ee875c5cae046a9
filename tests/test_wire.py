"""Every message survives its line, and what is not one of ours is an error of ours."""

import typing
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import primitives, wire
from harness.errors import WireError

# JSON has no other numbers, and neither has any clock.
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(-(2**63), 2**63 - 1))

DIRECTIONS: dict[str, tuple[object, Callable[[bytes], wire.Message]]] = {
    "to an agent": (wire.ToAgent, wire.decode_to_agent),
    "from an agent": (wire.FromAgent, wire.decode_from_agent),
    "to the load": (wire.ToClient, wire.decode_to_client),
    "from the load": (wire.FromClient, wire.decode_from_client),
}


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_every_message_is_heard_as_it_was_said(direction: str) -> None:
    union, decode = DIRECTIONS[direction]

    @given(st.sampled_from(typing.get_args(union)).flatmap(st.from_type))
    @settings(max_examples=40, deadline=None)
    def survives(message: wire.Message) -> None:
        line = wire.encode(message)
        assert line.endswith(b"\n") and line.count(b"\n") == 1
        assert decode(line.removesuffix(b"\n")) == msgspec.convert(msgspec.to_builtins(message), type(message))

    survives()


def test_a_line_says_what_it_is() -> None:
    arm = wire.Arm("lost-n1", 5, 9, 2.5, (primitives.Cut("n1", "n2", "in", "drop"),))
    assert wire.encode(arm) == (
        b'{"is":"Arm","fault":"lost-n1","at_ns":5,"until_ns":9,"lease_s":2.5,"primitives":'
        b'[{"is":"Cut","node":"n1","peer":"n2","hook":"in","style":"drop","port":null,"port_of":null}],"on_s":null,"off_s":null}\n'
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"hello", "a line that is not one of our messages (JSON is malformed: invalid character (byte 0)): b'hello'"),
        (
            b'{"is":"Load"}',
            "a line that is not one of our messages (Invalid value 'Load' - at `$.is`): b'{\"is\":\"Load\"}'",
        ),
        (
            b'{"is":"Heal","fault":7}',
            "a line that is not one of our messages (Expected `str | null`, got `int` - at `$.fault`): "
            'b\'{"is":"Heal","fault":7}\'',
        ),
    ],
)
def test_a_line_that_is_not_ours_is_shown(line: bytes, words: str) -> None:
    with pytest.raises(WireError) as refused:
        wire.decode_to_agent(line)
    assert str(refused.value) == words


def test_of_a_long_line_that_is_not_ours_only_the_beginning_is_shown() -> None:
    with pytest.raises(WireError) as refused:
        wire.decode_from_client(b"x" * 10_000)
    assert len(str(refused.value)) < 300


@given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line)), st.integers(1, 7))
def test_lines_come_out_whole_however_the_bytes_come_in(lines: list[bytes], size: int) -> None:
    data, found = b"".join(line + b"\n" for line in lines) + b"half a l", wire.Lines()
    heard = [line for i in range(0, len(data), size) for line in found.feed(data[i : i + size])]
    assert heard == [line for line in lines if line]


def test_a_line_that_does_not_end_is_refused() -> None:
    lines = wire.Lines(limit_bytes=10)
    assert list(lines.feed(b"0123456789")) == []
    with pytest.raises(WireError, match="a line of more than 10 bytes"):
        list(lines.feed(b"x"))
