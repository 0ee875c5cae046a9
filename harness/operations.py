"""One operation of the load, and how a batch of them is packed: 40 bytes each, little-endian, no header."""

import struct
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

# What latencies are counted by, for Prometheus.
LATENCY_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_RECORD = struct.Struct("<qqqIBB10s")
PACKED_BYTES = _RECORD.size


class Outcome(IntEnum):
    """How an operation ended. ``OK`` means the whole answer came and was the right one; nothing else is a success."""

    OK = 0
    WRONG = 1  # a whole answer, but not the one this question has: forged, crossed, repeated, corrupted
    REFUSED = 2
    TIMED_OUT = 3
    RESET = 4
    CLOSED = 5  # the connection ended without a single byte of an answer
    TRUNCATED = 6  # an answer began and its end never came, or came without its terminal frame
    SERVER_ERROR = 7  # 5xx, or an error in the body of a 200
    CLIENT_ERROR = 8  # 4xx: our own mistake
    UNREACHABLE = 9  # no route, or no such name
    CAPPED = 10  # never sent: too many were in flight; what rests on it cannot be judged


_OUTCOMES = {int(outcome): outcome for outcome in Outcome}


class Operation(NamedTuple):
    """``due_ns``: when it should have been sent; latency counts from there, so that a stall is not hidden.

    ``sent_ns``: when it was; ``done_ns``: when its outcome was known. ``status``: HTTP status // 100, or 0.
    ``node``: who answered (the answer's own tag, at most 10 ASCII characters), or "".
    """

    due_ns: int
    sent_ns: int
    done_ns: int
    size_bytes: int
    outcome: Outcome
    status: int
    node: str

    @property
    def latency_s(self) -> float:
        return (self.done_ns - self.due_ns) / 1e9

    @property
    def send_error_s(self) -> float:
        return (self.sent_ns - self.due_ns) / 1e9


def pack(operations: Iterable[Operation]) -> bytes:
    """Packed records, one after the other."""
    return b"".join(
        _RECORD.pack(
            o.due_ns, o.sent_ns, o.done_ns, o.size_bytes, o.outcome, o.status, o.node.encode("ascii", "replace")
        )
        for o in operations
    )


def unpack(data: bytes) -> Iterator[Operation]:
    """The records of ``data``; a cut-off last one is left out (a recording may have been interrupted)."""
    names: dict[bytes, str] = {}
    whole = len(data) - len(data) % _RECORD.size
    for due, sent, done, size, outcome, status, node in _RECORD.iter_unpack(memoryview(data)[:whole]):
        # Of a million records only a few say anything new here, and looking it up takes a tenth of making it.
        kind, name = _OUTCOMES.get(outcome), names.get(node)
        if kind is None:
            kind = Outcome(outcome)
        if name is None:
            name = names[node] = node.rstrip(b"\0").decode("ascii")
        yield Operation(due, sent, done, size, kind, status, name)
