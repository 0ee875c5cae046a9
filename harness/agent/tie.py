"""The local socket between agent and supervisor: beats one way, one word of warning the other.

An agent started by an exec is no child of the container's first process, which would never hear of its death. The
socket tells: it closes when the agent dies, and falls silent when the agent is frozen.
"""

import os
import socket
import time

from harness.errors import AgentError

PATH = "/run/harness-supervisor.sock"
BEAT_S = 0.25
SILENT_S = 1.5
BEAT, GOODBYE = b".", b"!"
_PATIENCE_S = 5.0


class Tie:
    """The agent's end. Raises ``AgentError`` when there is no supervisor."""

    def __init__(self, path: str = PATH) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                self._socket.connect(path)
                break
            except OSError as error:  # the container may have started a moment ago
                if time.monotonic() > deadline:
                    raise AgentError(f"no supervisor listens on {path} in this sidecar: {error.strerror}") from error
                time.sleep(0.02)
        self._socket.setblocking(False)

    def fileno(self) -> int:
        return self._socket.fileno()

    def beat(self) -> None:
        """A frozen supervisor is no reason to stop: a beat that finds no room is left out."""
        self._send(BEAT)

    def goodbye(self) -> None:
        """What follows is an end in good order, not a death."""
        self._send(GOODBYE)

    def warning(self) -> str | None:
        """What the supervisor said, after the socket became readable; it says only one thing, once."""
        try:
            said = self._socket.recv(4096)
        except BlockingIOError:
            return None
        except OSError:
            said = b""
        return said.decode(errors="replace").strip() or "the supervisor of this sidecar is gone"

    def _send(self, what: bytes) -> None:
        try:
            self._socket.send(what)
        except OSError:
            return  # BlockingIOError: no room; else it is gone, which ``warning`` reports


class Alone:
    """What an agent beside a node has in place of a supervisor: nobody. Each of its changes has a lease of its own."""

    def __init__(self) -> None:
        self._silent, self._held = os.pipe2(os.O_CLOEXEC)  # never readable

    def fileno(self) -> int:
        return self._silent

    def beat(self) -> None:
        pass

    def goodbye(self) -> None:
        pass

    def warning(self) -> str | None:
        return None
