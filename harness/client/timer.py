"""A kernel timer on CLOCK_MONOTONIC: asyncio's own round up to a millisecond, this one is late by some 40 us."""

import ctypes
import os
import sys
from struct import Struct

_SPEC = Struct("@qqqq")  # struct itimerspec: interval and value, each in seconds and nanoseconds
_CLOCK_MONOTONIC = 1
_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
_ABSOLUTE = 1

if sys.version_info >= (3, 13):

    def _create() -> int:
        return os.timerfd_create(_CLOCK_MONOTONIC, flags=_NONBLOCK_CLOEXEC)

    def _set(fd: int, at_ns: int) -> None:
        os.timerfd_settime_ns(fd, flags=_ABSOLUTE, initial=at_ns)

else:
    _libc = ctypes.CDLL(None, use_errno=True)

    def _create() -> int:
        fd = int(_libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC))
        if fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        return fd

    def _set(fd: int, at_ns: int) -> None:
        spec = _SPEC.pack(0, 0, *divmod(at_ns, 1_000_000_000))
        if _libc.timerfd_settime(fd, _ABSOLUTE, spec, None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")


class Timer:
    """``fd`` is readable from the armed instant on, until it is armed again (or ``close``d)."""

    __slots__ = ("fd",)

    def __init__(self) -> None:
        self.fd = _create()

    def arm(self, at_ns: int) -> None:
        """At that instant of CLOCK_MONOTONIC; at once when it has passed. Takes back an earlier instant."""
        _set(self.fd, at_ns)

    def close(self) -> None:
        os.close(self.fd)
