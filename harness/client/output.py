"""Lines that go out without ever blocking: a reader who stopped reading must not stop the load."""

import asyncio
import os
import select
import time
from collections.abc import Callable

_LAST_WORDS_S = 0.5


class Output:
    """A buffer of its own before a non-blocking descriptor. ``when_closed``: the reader is gone."""

    def __init__(self, fd: int, when_closed: Callable[[], None]) -> None:
        self._fd = fd
        self._when_closed = when_closed
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._waiting = False
        self._closed = False
        os.set_blocking(fd, False)

    def write(self, line: bytes) -> None:
        if self._closed:
            return
        self._buffer += line
        if not self._waiting:
            self._drain()

    def _drain(self) -> None:
        try:
            while self._buffer:
                del self._buffer[: os.write(self._fd, self._buffer)]
        except BlockingIOError:
            self._wait(True)
            return
        except OSError:
            self._closed = True
            self._when_closed()
        self._wait(False)

    def _wait(self, waiting: bool) -> None:
        if waiting and not self._waiting:
            self._loop.add_writer(self._fd, self._drain)
        elif self._waiting and not waiting:
            self._loop.remove_writer(self._fd)
        self._waiting = waiting

    def close(self) -> None:
        """What is left goes out if the reader takes it within half a second."""
        self._wait(False)
        until_s = time.monotonic() + _LAST_WORDS_S
        while self._buffer and not self._closed and (left_s := until_s - time.monotonic()) > 0:
            if select.select([], [self._fd], [], left_s)[1]:
                self._drain()
        self._wait(False)
