"""A class in the user's own file: a process of its own beside the generator asks in its way, and tells how it ended."""

import json
import socket
import subprocess
import sys
import threading

from harness.client.asking import Answer, Judged
from harness.client.connection import Opening
from harness.client.options import Options
from harness.client.tcp import LinesOpening
from harness.client.turns import InTurn
from harness.operations import Outcome


class Told:
    """One line of JSON from the other process: outcome, node and text."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> None:
        self._data += data

    def judge(self, status: int) -> Judged:
        outcome, node, text = json.loads(self._data)
        return Judged(Outcome[outcome], node, text)


class Ask:
    def request(self, host: str, port: int, keep: bool) -> bytes:
        return b"ask\n"

    def answer(self) -> Answer:
        return Told()


class Python(InTurn):
    """``source``: the text of the file; ``class``: which class of it asks. It may block, and its own process bears it.

    The port is opened here and inherited, so that whoever connects before that process stands only waits.
    """

    def __init__(self, options: Options, seed: int) -> None:
        self._source = options.text("source", "")
        self._file = options.text("file", "client.py")
        self._class = options.text("class", "")
        self._timeout_s = options.text("timeout", "5")
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def questions(self) -> tuple[Ask, ...]:
        return (Ask(),)

    def opening(self, host: str, port: int) -> Opening:
        return LinesOpening(1)

    def at(self, host: str, port: int) -> tuple[str, int]:
        """Where the process listens that asks ``host`` and ``port``; started by the first call."""
        if self._process is None:
            self._start(host, port)
        return "127.0.0.1", self._port

    def _start(self, host: str, port: int) -> None:
        told = {
            "source": self._source,
            "file": self._file,
            "class": self._class,
            "host": host,
            "port": port,
            "timeout_s": float(self._timeout_s),
        }
        with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
            self._port = int(listening.getsockname()[1])
            self._process = subprocess.Popen(
                [sys.executable, "-m", "harness.client.own", str(listening.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=(listening.fileno(),),
            )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """The end of its input ends it; nobody waits here, where other loads go on."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            threading.Thread(target=self._process.wait, daemon=True).start()
            self._process = None
