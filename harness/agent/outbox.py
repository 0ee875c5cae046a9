"""What the agent has to say, kept short of memory and never in the agent's way.

A reader that is frozen leaves the pipe full and a write to it would block for ever. So lines go into a bounded buffer
at once, and one thread of its own, that nothing waits for, carries them to the pipe.
"""

import os
import threading
from collections import OrderedDict, deque

from harness.wire import Message, Probe, encode

LIMIT_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16


class Buffer:
    """Lines waiting to be read, oldest first, at most ``limit_bytes`` of them.

    When it is full the oldest probe makes room; when there is none, the oldest line.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._lines: OrderedDict[int, bytes] = OrderedDict()  # by number, so that a probe in the middle is soon found
        self._probes: deque[int] = deque()
        self._number = 0
        self._size_bytes = 0

    def __len__(self) -> int:
        return len(self._lines)

    def put(self, message: Message) -> None:
        line = encode(message)
        self._number += 1
        self._lines[self._number] = line
        if isinstance(message, Probe):
            self._probes.append(self._number)
        self._size_bytes += len(line)
        while self._size_bytes > self._limit_bytes and len(self._lines) > 1:
            self._pop(self._probes[0] if self._probes else next(iter(self._lines)))

    def take(self) -> bytes:
        """The oldest lines, as many as one write should carry; they are no longer in the buffer."""
        lines: list[bytes] = []
        size_bytes = 0
        while self._lines and size_bytes < _CHUNK_BYTES:
            lines.append(self._pop(next(iter(self._lines))))
            size_bytes += len(lines[-1])
        return b"".join(lines)

    def _pop(self, number: int) -> bytes:
        line = self._lines.pop(number)
        if self._probes and self._probes[0] == number:
            self._probes.popleft()
        self._size_bytes -= len(line)
        return line


class Outbox:
    """``put`` never blocks and may be called by any thread."""

    def __init__(self, fd: int, limit_bytes: int = LIMIT_BYTES) -> None:
        self._fd = fd
        self._buffer = Buffer(limit_bytes)
        self._changed = threading.Condition()
        self._writing = False
        self._closed = False
        threading.Thread(target=self._carry, name="outbox", daemon=True).start()

    def put(self, message: Message) -> None:
        with self._changed:
            if not self._closed:
                self._buffer.put(message)
                self._changed.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything has been written; False where the reader did not take it in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed or not (self._buffer or self._writing), timeout_s)

    def _carry(self) -> None:
        while not self._closed:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: len(self._buffer) > 0)
                self._writing = True
                data = memoryview(self._buffer.take())
            try:
                while data:
                    data = data[os.write(self._fd, data) :]
            except OSError:  # nobody reads any more; the end of input tells the agent
                self._closed = True
        with self._changed:
            self._changed.notify_all()
