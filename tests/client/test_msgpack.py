"""Where objects of MessagePack end, against what ``msgspec`` writes."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.msgpack import end_of

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.floats(),
    st.text(max_size=40),
    st.binary(max_size=40),
    st.builds(msgspec.msgpack.Ext, st.integers(0, 127), st.binary(max_size=20)),
)
OBJECTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=9), inner, max_size=5)),
    max_leaves=8,
)


@given(OBJECTS, st.binary(max_size=5), st.binary(max_size=5))
def test_an_object_ends_where_it_does_whatever_stands_around_it(value: object, before: bytes, after: bytes) -> None:
    data = msgspec.msgpack.encode(value)
    assert end_of(before + data + after, len(before)) == len(before + data)


@given(OBJECTS, st.data())
def test_of_an_object_that_is_cut_off_more_is_to_come(value: object, draw: st.DataObject) -> None:
    data = msgspec.msgpack.encode(value)
    assert end_of(data[: draw.draw(st.integers(0, len(data) - 1))]) is None


@pytest.mark.parametrize("size", [1 << 8, 1 << 16])
def test_long_texts_bytes_lists_and_maps_end_too(size: int) -> None:
    for value in ("x" * size, b"x" * size, [1] * size, {str(i): i for i in range(size)}):
        data = msgspec.msgpack.encode(value)
        assert end_of(data + b"\x00") == len(data)
        assert end_of(data[:-1]) is None


def test_no_object_begins_with_the_byte_that_is_never_used() -> None:
    with pytest.raises(ValueError, match="no object begins with the byte 0xc1"):
        end_of(b"\x91\xc1")
