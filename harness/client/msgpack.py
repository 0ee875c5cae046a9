"""Where an object of MessagePack ends in a stream of them. Pure; what is in it ``msgspec`` reads.

https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from collections.abc import Mapping

_FIXED: Mapping[int, tuple[int, int]] = {  # first byte -> how long without what it holds, and how many objects that is
    **dict.fromkeys((*range(0x80), *range(0xE0, 0x100), 0xC0, 0xC2, 0xC3), (1, 0)),
    **{0x80 + count: (1, 2 * count) for count in range(16)},
    **{0x90 + count: (1, count) for count in range(16)},
    **{0xA0 + length: (1 + length, 0) for length in range(32)},
    **dict.fromkeys((0xCC, 0xD0), (2, 0)),
    **dict.fromkeys((0xCD, 0xD1, 0xD4), (3, 0)),
    **dict.fromkeys((0xCA, 0xCE, 0xD2), (5, 0)),
    **dict.fromkeys((0xCB, 0xCF, 0xD3), (9, 0)),
    **{0xD4 + power: (2 + (1 << power), 0) for power in range(1, 5)},
}
_SIZED: Mapping[int, tuple[int, int]] = {  # first byte -> bytes of its length, and what else comes before the content
    **{first: (1 << first - 0xC4, 0) for first in (0xC4, 0xC5, 0xC6)},
    **{first: (1 << first - 0xC7, 1) for first in (0xC7, 0xC8, 0xC9)},
    **{first: (1 << first - 0xD9, 0) for first in (0xD9, 0xDA, 0xDB)},
}
_HOLDING: Mapping[int, tuple[int, int]] = {  # first byte -> bytes of its count, and how many objects each counts for
    0xDC: (2, 1),
    0xDD: (4, 1),
    0xDE: (2, 2),
    0xDF: (4, 2),
}


def end_of(data: bytes | bytearray, start: int = 0) -> int | None:
    """Behind the last byte of the object that begins at ``start``; None: more of it is to come.

    Raises ``ValueError`` where no object can begin.
    """
    at, left = start, 1
    while left:
        if at >= len(data):
            return None
        size, holds = _head(data, at)
        at += size
        left += holds - 1
    return at if at <= len(data) else None


def _head(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """How many bytes the object has without those that it holds, and how many it holds."""
    first = data[at]
    if first in _FIXED:
        return _FIXED[first]
    if first in _SIZED:
        length, more = _SIZED[first]
        return 1 + length + more + _number(data, at + 1, length), 0
    if first in _HOLDING:
        length, each = _HOLDING[first]
        return 1 + length, each * _number(data, at + 1, length)
    raise ValueError(f"no object begins with the byte {first:#04x}")


def _number(data: bytes | bytearray, at: int, length: int) -> int:
    """Of one that is cut off a part, and then the end lies beyond the data, wherever it is."""
    return int.from_bytes(data[at : at + length], "big")
