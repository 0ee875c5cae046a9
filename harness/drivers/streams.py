"""A program in a container, spoken to over its standard input and output: of one long exec, or of its first process."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import docker
import docker.errors
from docker.utils.socket import STDERR, frames_iter_no_tty

from harness.errors import AgentError
from harness.wire import Lines, Message, encode


class _SocketStream:
    """Implements ``engine.Stream`` on a hijacked connection to the engine, as docker-py hands it out."""

    def __init__(self, file: Any, name: str) -> None:
        self._file, self._name = file, name
        self._socket: socket.socket = socket_of(file)
        self._socket.settimeout(None)
        self._sending = threading.Lock()

    def send(self, message: Message) -> None:
        try:
            with self._sending:
                self._socket.sendall(encode(message))
        except OSError as error:
            raise AgentError(f"the program in {self._name} is gone: {error}") from error

    def lines(self) -> Iterator[bytes]:
        lines, complaints = Lines(), b""
        try:
            for source, data in frames_iter_no_tty(self._file):
                assert isinstance(data, bytes)  # docker-py's stubs allow text as well
                if source == STDERR:
                    complaints = (complaints + data)[-4000:]
                else:
                    yield from lines.feed(data)
        except OSError:
            pass  # closed under us: that is the end as well
        finally:
            self._let_go()
        if complaints:
            raise AgentError(f"the program in {self._name} said: {complaints.decode(errors='replace').strip()}")

    def close(self) -> None:
        # Closing the file does not end the program's input; shutting the socket down does.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _let_go(self) -> None:
        with suppress(OSError):
            self._file.close()
            self._socket.close()


class ExecStream(_SocketStream):
    """A program beside a container's own. It sees the end of its input milliseconds after we are gone."""

    def __init__(self, api: docker.APIClient, container: str, command: Sequence[str]) -> None:
        try:
            self._exec_id = api.exec_create(container, list(command), stdin=True, stdout=True, stderr=True)["Id"]
            file = api.exec_start(self._exec_id, socket=True)
        except docker.errors.APIError as error:
            raise AgentError(f"{' '.join(command)} could not be started in {container}: {error.explanation}") from error
        super().__init__(file, container)


class AttachStream(_SocketStream):
    """A container's first process; the container was created with ``stdin_once`` and is started here.

    Attached before it starts, so that no word is lost; its input ends as soon as we, its only listener, are gone.
    """

    def __init__(self, api: docker.APIClient, container: str, name: str) -> None:
        try:
            file = api.attach_socket(container, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        except docker.errors.APIError as error:
            raise AgentError(f"{name} could not be started: {error.explanation}") from error
        super().__init__(file, name)
        try:
            api.start(container)
        except docker.errors.APIError as error:
            self._let_go()
            raise AgentError(f"{name} could not be started: {error.explanation}") from error


def socket_of(file: Any) -> socket.socket:
    """docker-py hands out a file around the socket, or the socket itself where it goes through ssh."""
    found: socket.socket = getattr(file, "_sock", file)
    return found
