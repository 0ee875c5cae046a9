"""How `inject` and `down` reach the process that keeps a cluster up: a socket in its record, one JSON line a message.

Whoever asks holds the connection as long as they want what they asked for: its end, however they ended, heals at once.
"""

import select
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import msgspec

from harness.errors import INTERRUPTED, EngineError

DOOR = "door"
_LINE_BYTES = 1 << 16
_ASKED_WITHIN_S = 5.0  # a caller who says nothing does not keep the door open


class Inject(msgspec.Struct, frozen=True, tag=True):
    """``first``, ``words``: of the fault, as they were typed; ``for_s``: how long."""

    kind: str
    first: tuple[str, ...]
    words: dict[str, str]
    for_s: float
    without_load: bool = False


class Down(msgspec.Struct, frozen=True, tag=True):
    """Heal and remove everything."""


class Said(msgspec.Struct, frozen=True, tag=True):
    text: str


class Up(msgspec.Struct, frozen=True, tag=True):
    """The cluster stands. ``text``: what a person wants to know of it, in lines."""

    project: str
    text: str


class Ended(msgspec.Struct, frozen=True, tag=True):
    """The last that is said; ``error``: what went wrong, or ""."""

    exit_code: int
    error: str = ""


Request = Inject | Down
Reply = Said | Up | Ended

_request: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_reply: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    """The door's path by a way that is short enough for a socket, which takes about a hundred characters."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as way:
        link = Path(way) / "r"
        link.symlink_to(folder.absolute(), target_is_directory=True)
        yield str(link / DOOR)


class Caller:
    """One who asked. ``request`` is what for."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.settimeout(_ASKED_WITHIN_S)
        self.request: Request = _request.decode(_line(connection))

    def say(self, text: str) -> None:
        self._send(Said(text))

    def end(self, exit_code: int, error: str = "") -> None:
        self._send(Ended(exit_code, error))
        self._connection.close()

    def gone(self) -> bool:
        """They ended, or do not want it any longer; what is said to them now may still be heard."""
        try:
            ready, _, _ = select.select([self._connection], [], [], 0)
            return bool(ready) and not self._connection.recv(1)
        except (OSError, ValueError):
            return True

    def _send(self, reply: Reply) -> None:
        with suppress(OSError):  # nobody hears it: the record has it
            self._connection.sendall(encode(reply))


class Door:
    """The keeper's side; ``None`` from ``next`` where nobody came in time."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / DOOR
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _short(folder) as path:
            self._socket.bind(path)
        self._file.chmod(0o600)  # nobody can come in before 'listen'
        self._socket.listen()

    def next(self, timeout_s: float) -> Caller | None:
        ready, _, _ = select.select([self._socket], [], [], timeout_s)
        if not ready:
            return None
        connection, _ = self._socket.accept()
        try:
            return Caller(connection)
        except (OSError, msgspec.MsgspecError):
            connection.close()  # not one of us, or another version: there is nothing to tell them
            return None

    def close(self) -> None:
        self._socket.close()
        self._file.unlink(missing_ok=True)


def ask(folder: Path, request: Request, say: Callable[[str], None]) -> Ended:
    """Ask the keeper of that record; what it says meanwhile goes to ``say``. Raises ``EngineError``: nobody is there.

    Ctrl-C means that it is not wanted any longer; the keeper then heals, and what it says of that is heard too.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, _unwanted(connection) as unwanted:
        try:
            with _short(folder) as path:
                connection.connect(path)
            connection.sendall(encode(request))
            if unwanted():  # before there was anything to end
                connection.shutdown(socket.SHUT_WR)
        except OSError as error:
            if unwanted():
                raise KeyboardInterrupt from error
            raise EngineError(f"nobody keeps the cluster of {folder} up ({error.strerror}): harness status") from error
        ended = _heard(connection, say)
        return Ended(INTERRUPTED, ended.error) if unwanted() else ended


@contextmanager
def _unwanted(connection: socket.socket) -> Iterator[Callable[[], bool]]:
    """Ctrl-C ends what we say, at whatever instant it comes, and not what we hear; a second one ends us.

    Whether it came. Python hands signals to its main thread only: elsewhere nothing changes.
    """
    came = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            signal.default_int_handler(number, frame)
        came = True
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, end)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGINT, before)


def _heard(connection: socket.socket, say: Callable[[str], None]) -> Ended:
    data = b""
    while True:
        try:
            got = connection.recv(1 << 16)
        except OSError:
            got = b""
        if not got:
            raise EngineError("the keeper of the cluster is gone; its guardian heals and removes it: harness status")
        data += got
        while b"\n" in data:
            line, _, data = data.partition(b"\n")
            reply = decode(line)
            if isinstance(reply, Ended):
                return reply
            say(reply.text)


def _line(connection: socket.socket) -> bytes:
    """All that a caller says: one line, and nothing after it."""
    data = b""
    while not data.endswith(b"\n"):
        got = connection.recv(_LINE_BYTES)
        data += got
        if not got or len(data) > _LINE_BYTES:
            raise OSError("no line")
    return data


def encode(message: Request | Reply) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def decode(line: bytes) -> Reply:
    """Raises ``EngineError``: it is of another version."""
    try:
        return _reply.decode(line)
    except msgspec.MsgspecError as error:
        raise EngineError(f"the keeper speaks another version of this language ({error}).") from error
