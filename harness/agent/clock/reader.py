"""A program of ours that reads the wall clock as every program does, and says how far that is from the kernel's own.

It runs by itself (``python reader.py``), with the standard library alone. For every line it gets it answers one: the
nanoseconds by which the clock it reads through its vDSO is ahead of what a real system call says, which no vDSO meets.
"""

import ctypes
import sys
import time

_CLOCK_GETTIME = 228  # its number as a system call
_REALTIME = 0
_READINGS = 5


def main() -> None:
    libc = ctypes.CDLL(None)
    spec = (ctypes.c_long * 2)()

    def true_ns() -> int:
        libc.syscall(_CLOCK_GETTIME, _REALTIME, spec)
        return spec[0] * 1_000_000_000 + spec[1]

    def say(number: int) -> None:
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()

    def ahead_ns() -> int:
        """Of some readings the one that took least: on a busy machine one may be interrupted in its middle."""
        took: list[tuple[int, int]] = []
        for _ in range(_READINGS):
            before_ns, read_ns, after_ns = true_ns(), time.time_ns(), true_ns()
            took.append((after_ns - before_ns, read_ns - (before_ns + after_ns) // 2))
        return min(took)[1]

    true_ns()
    say(0)
    for _ in sys.stdin:
        say(ahead_ns())


if __name__ == "__main__":
    main()
