"""The two clocks we use, and where each may be used.

``monotonic_ns`` is CLOCK_MONOTONIC: on one kernel it is the same number in every container, so agents and clients
stamp with it and instants can be compared across pods. ``wall`` is for people (folder names, reports) and never for
measuring.
"""

import time
from datetime import UTC, datetime

NS_PER_S = 1_000_000_000


def monotonic_ns() -> int:
    """CLOCK_MONOTONIC in nanoseconds."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def wall() -> datetime:
    """Now, in UTC, for people to read."""
    return datetime.now(UTC)


def to_s(ns: int) -> float:
    return ns / NS_PER_S


def to_ns(seconds: float) -> int:
    return round(seconds * NS_PER_S)


def wall_offset_ns() -> int:
    """Nanoseconds since 1970 minus CLOCK_MONOTONIC: constant, unless somebody sets the clock."""
    before_ns = monotonic_ns()
    wall_ns = time.time_ns()
    return wall_ns - (before_ns + monotonic_ns()) // 2
