"""A socket between the harness and its engine, so that single streams can be cut without touching either."""

import socket
import threading
from contextlib import suppress
from pathlib import Path

_CHUNK_BYTES = 1 << 16


class Relay:
    """Passes everything on, both ways. ``cut`` ends the streams over which programs in containers are spoken to."""

    def __init__(self, path: Path, engine: str) -> None:
        self._engine = engine.removeprefix("unix://")
        self._streams: list[tuple[socket.socket, socket.socket]] = []
        self._ends: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self.address = f"unix://{path}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, number: int) -> bool:
        """End one of the streams, the ``number``-th of them, counted round; False: there is none."""
        if not self._streams:
            return False
        for end in self._streams[number % len(self._streams)]:
            _end(end)
        return True

    def close(self) -> None:
        """Everything, when nobody needs the engine through it any more."""
        for end in (self._listener, *self._ends):
            _end(end)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self._ends += (near, far)
                far.connect(self._engine)
                threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, asking: bool) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK_BYTES):
                head = data[:200].split(b"\r\n", 1)[0] if asking else b""
                if b"/exec/" in head and b"/start" in head:
                    self._streams.append((source, target))
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def _end(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
