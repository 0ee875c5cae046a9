"""A bulk of bytes to a peer's echo and back: it shows a rate, a stream cut short, a late end; a probe cannot."""

import select
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass

from harness.clock import monotonic_ns, to_ns, to_s
from harness.wire import ECHO_PORT

_CHUNK_BYTES = 1 << 12
_PAUSE_S = 1.0  # between two bulks: the witness must not be the load
_NETWORK_ENDS = (ConnectionError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Moved:
    """``came_bytes`` of ``sent_bytes`` came back, in ``pieces`` reads; all but the first piece within ``spread_s``.

    ``took_s``: from the first byte sent to the last that came. ``close_s``: from our end of the stream to the other
    end's; None: it did not come in time, or there was nothing left to end.
    """

    sent_bytes: int
    came_bytes: int
    pieces: int
    first_bytes: int
    spread_s: float
    took_s: float
    close_s: float | None

    def bits_per_s(self) -> float:
        """The first piece is left out, where there are more: it may have waited for nothing."""
        if self.spread_s > 0:
            return (self.came_bytes - self.first_bytes) * 8 / self.spread_s
        return self.came_bytes * 8 / self.took_s if self.took_s > 0 else 0.0


def move(ip: str, size_bytes: int, timeout_s: float) -> Moved | None:
    """There and back, then our end of the stream and theirs, ``timeout_s`` for all of it; None: nobody answered."""
    deadline_ns = monotonic_ns() + to_ns(timeout_s)
    try:
        stream = socket.create_connection((ip, ECHO_PORT), timeout=timeout_s)
    except OSError:
        return None
    with stream:
        stream.setblocking(False)
        return _exchange(stream, bytes(size_bytes), deadline_ns)


def _exchange(stream: socket.socket, data: bytes, deadline_ns: int) -> Moved:
    rest, came, pieces, first = memoryview(data), 0, 0, 0
    start_ns = first_ns = last_ns = monotonic_ns()
    whole = False
    with suppress(*_NETWORK_ENDS):
        while came < len(data) and _wait(stream, bool(rest), deadline_ns):
            with suppress(BlockingIOError):
                rest = rest[stream.send(rest[:_CHUNK_BYTES]) :] if rest else rest
            with suppress(BlockingIOError):
                piece = len(stream.recv(_CHUNK_BYTES))
                if piece == 0:
                    break
                last_ns = monotonic_ns()
                if pieces == 0:
                    first, first_ns = piece, last_ns
                came, pieces = came + piece, pieces + 1
        whole = came == len(data)
    close_s = _end(stream, deadline_ns) if whole else None
    spread_s, took_s = to_s(last_ns - first_ns), to_s(last_ns - start_ns)
    return Moved(len(data), came, pieces, first, spread_s, took_s, close_s)


def _end(stream: socket.socket, deadline_ns: int) -> float | None:
    """How long the other end takes to end the stream once we have."""
    start_ns = monotonic_ns()
    with suppress(*_NETWORK_ENDS):
        stream.shutdown(socket.SHUT_WR)
        if _wait(stream, False, deadline_ns) and stream.recv(1) == b"":
            return to_s(monotonic_ns() - start_ns)
    return None


def _wait(stream: socket.socket, to_send: bool, deadline_ns: int) -> bool:
    """Until there is something to do; False: the time is over."""
    left_s = to_s(deadline_ns - monotonic_ns())
    if left_s <= 0:
        return False
    readable, writable, _ = select.select([stream], [stream] if to_send else [], [], left_s)
    return bool(readable or writable)


class Mover:
    """Moves a bulk now and then in a thread of its own, while somebody asks. Asked by one thread only."""

    def __init__(self, ip: str, size_bytes: int, timeout_s: float) -> None:
        self._ip, self._size_bytes, self._timeout_s = ip, size_bytes, timeout_s
        self._spell = 0
        self._seen: tuple[int, Moved] | None = None
        self._thread: threading.Thread | None = None
        self._due_ns = 0

    def turn(self) -> None:
        """The fault came or went: what was seen until now, and what is under way, is of another time."""
        self._spell += 1
        self._thread, self._due_ns = None, 0

    def look(self, wait_s: float) -> Moved | None:
        """The last bulk that was moved wholly since the last turn; a new one begins if it is time."""
        if (self._thread is None or not self._thread.is_alive()) and monotonic_ns() >= self._due_ns:
            self._due_ns = monotonic_ns() + to_ns(_PAUSE_S)
            self._thread = threading.Thread(target=self._move, args=(self._spell,), name="bulk", daemon=True)
            self._thread.start()
        if self._thread is not None:
            self._thread.join(wait_s)
        spell, moved = self._seen or (-1, None)
        return moved if spell == self._spell else None

    def _move(self, spell: int) -> None:
        moved = move(self._ip, self._size_bytes, self._timeout_s)
        if moved is not None and spell == self._spell:
            self._seen = spell, moved
