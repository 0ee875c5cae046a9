"""A system that runs already, on this machine's loopback: a load generator of our own asks it, and that is all."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from msgspec.structs import replace

from harness.engine import Change, Limits, Monitor, Output, Removed, Shares, Stream, Usage, Use
from harness.errors import AgentError, EngineError
from harness.primitives import Beside
from harness.wire import Address, Lines, Load, Message, Once, encode

_ENDS_WITHIN_S = 5.0
_CHUNK_BYTES = 1 << 16


class Generator:
    """Implements ``engine.Stream``: the load generator as a process of this machine. It ends with its input.

    ``host``: where everything is asked, whatever the node is called.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        command = [sys.executable, "-m", "harness.client", "--metrics-address", host, "--metrics-port", "0"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._input, self._output, self._errors = self._process.stdin, self._process.stdout, self._process.stderr
        self._sending = threading.Lock()

    def send(self, message: Message) -> None:
        if isinstance(message, Load | Once):
            message = replace(message, host=self._host)
        try:
            with self._sending:
                self._input.write(encode(message))
                self._input.flush()
        except (OSError, ValueError) as error:
            raise AgentError(f"the load generator is gone: {error}") from error

    def lines(self) -> Iterator[bytes]:
        lines = Lines()
        while data := self._output.read1(_CHUNK_BYTES):  # type: ignore[attr-defined]
            yield from lines.feed(data)
        complaints = self._errors.read()[-4000:]
        if complaints:
            raise AgentError(f"the load generator said: {complaints.decode(errors='replace').strip()}")

    def close(self) -> None:
        """Its input ends, and so does it; a frozen one is killed."""
        with self._sending, suppress(OSError):
            self._input.close()
        try:
            self._process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Visited:
    """Implements ``engine.RunningCluster`` as far as a visit goes; whatever would change the system is refused."""

    def __init__(self, host: str) -> None:
        self._host = host

    def open_client(self) -> Stream:
        return Generator(self._host)

    def save_logs(self, folder: Path) -> None:
        """Its logs are its owner's."""

    def stop(self) -> Removed:
        """It goes on as it was."""
        return Removed()

    def changes(self) -> Iterator[Change]:
        return iter(())

    def shares(self) -> Shares | None:
        return None  # which machine it runs on nobody knows

    def use(self, node: str) -> Use | None:
        return None

    def addresses(self) -> tuple[Address, ...]:
        return ()

    def listening(self, node: str) -> bool:
        return True

    def start_pods(self) -> None:
        self._refuse()

    def start_nodes(self) -> None:
        self._refuse()

    def open_agent(self, pod: str) -> Stream:
        self._refuse()

    def open_beside(self, node: str, fault: str, primitives: Sequence[Beside]) -> Stream:
        self._refuse()

    def close_beside(self, node: str, fault: str) -> None:
        self._refuse()

    def monitor(self) -> Monitor:
        self._refuse()

    def kill(self, node: str) -> None:
        self._refuse()

    def crash(self, node: str, fault: str) -> None:
        self._refuse()

    def stop_node(self, node: str, grace_s: float) -> None:
        self._refuse()

    def restart(self, node: str, grace_s: float) -> None:
        self._refuse()

    def start(self, node: str) -> bool:
        self._refuse()

    def freeze(self, node: str) -> None:
        self._refuse()

    def thaw(self, node: str) -> bool:
        self._refuse()

    def limits(self, node: str) -> Limits:
        self._refuse()

    def bound(self, node: str, limits: Limits) -> None:
        self._refuse()

    def usage(self, node: str) -> Usage:
        self._refuse()

    def read_file(self, node: str, path: str) -> bytes:
        self._refuse()

    def write_file(self, node: str, path: str, archive: bytes) -> None:
        self._refuse()

    def discard(self, node: str) -> None:
        self._refuse()

    def renew(self, node: str) -> bool:
        self._refuse()

    def run(self, node: str, fault: str, command: Sequence[str], timeout_s: float) -> Output:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise EngineError(f"what runs at {self._host} is not ours: it is asked, and nothing else is done to it.")
