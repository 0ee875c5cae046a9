"""The agent's end of its child process: sockets made here and handed over, orders out, figures back."""

import errno
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence

import msgspec

from harness.agent.redirect import orders
from harness.agent.redirect.flows import abandon
from harness.errors import AgentError
from harness.primitives import Resolve, Tamper

_LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_TRIES = 20
_BACKLOG = 256
_ANSWER_S = 0.2
_START_S = 0.5  # less than the supervisor's patience with a silent agent


class Child:
    """Not for several threads at once. ``port``: where it listens on loopback, from the first moment on.

    The sockets are there before the process is, so what comes before it has started waits in them. If it dies without
    having been told to, ``undo`` (nftables text) is applied at once, by a thread of this object.
    """

    def __init__(self, change: Resolve | Tamper, resolver: str = "", witness_port: int = 0) -> None:
        kinds = [socket.SOCK_STREAM, socket.SOCK_DGRAM] if isinstance(change, Resolve) else [socket.SOCK_STREAM]
        self.port, sockets = listeners(kinds)
        self.undo = ""
        self._figures: orders.Figures | None = None
        self._changed = threading.Condition()
        self._asked = 0
        self._dismissed = False
        numbers = tuple(listening.fileno() for listening in sockets)
        begin = msgspec.json.encode(orders.Begin(change, numbers, resolver, witness_port)).decode()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}.program", begin],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=numbers,
            )
        except OSError as error:
            raise AgentError(f"the program behind a redirect did not start: {error.strerror}") from error
        finally:
            for listening in sockets:
                listening.close()
        threading.Thread(target=self._hear, name="redirect", daemon=True).start()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def tell(self, order: orders.Order) -> None:
        """A child that is gone has undone everything, or its ``undo`` has."""
        line = orders.encode(order) + b"\n"
        try:
            os.write(self._stdin(), line)
        except OSError:
            return

    @property
    def listens(self) -> bool:
        return self._figures is not None and self.running

    def check(self) -> None:
        """Raises ``AgentError`` unless it listens, or does so soon."""
        with self._changed:
            self._changed.wait_for(lambda: self.listens or not self.running, _START_S)
        if not self.listens:
            how = "has not started: this machine is too busy" if self.running else f"ended ({self._process.returncode})"
            raise AgentError(f"the program behind a redirect {how}")

    def figures(self) -> orders.Figures:
        """What it has met so far; the last it said, if it does not answer at once."""
        self._asked += 1
        number = self._asked
        if self.running:
            self.tell(orders.Ask(number))
        with self._changed:
            self._changed.wait_for(lambda: self._said(number) or not self.running, _ANSWER_S)
            return self._figures or orders.Figures()

    def dismiss(self) -> None:
        """It ends as soon as nothing goes through it any more, at the latest with this process."""
        self._dismissed = True
        self.tell(orders.End())

    def _said(self, number: int) -> bool:
        return self._figures is not None and self._figures.number >= number

    def _stdin(self) -> int:
        assert self._process.stdin
        return self._process.stdin.fileno()

    def _hear(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with self._changed:
                self._figures = orders.figures.decode(line)
                self._changed.notify_all()
        self._process.wait()
        if not self._dismissed and self.undo:
            abandon(self.undo)
        with self._changed:
            self._changed.notify_all()


def listeners(kinds: Sequence[socket.SocketKind]) -> tuple[int, tuple[socket.socket, ...]]:
    """A port of loopback and sockets that listen there: of each kind, for IPv4 and (where there is any) IPv6."""
    for _ in range(_TRIES):
        port, found = 0, []
        try:
            for family, host in _LOOPBACK:
                for kind in kinds:
                    found.append(listening := socket.socket(family, kind))
                    listening.bind((host, port))
                    port = listening.getsockname()[1]
                    if kind == socket.SOCK_STREAM:
                        listening.listen(_BACKLOG)
        except OSError as error:
            if error.errno != errno.EADDRINUSE and len(found) > len(kinds):  # no IPv6 here, so nothing to turn around
                found.pop().close()
                return port, tuple(found)
            for listening in found:
                listening.close()
        else:
            return port, tuple(found)
    raise AgentError(f"no port of this pod's loopback can be listened on ({_TRIES} were tried)")
