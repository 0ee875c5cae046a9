"""The queue's program as its parent sees it: started, told, asked whether it lives."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from harness.agent.queue.orders import Order, Served, order_encoder
from harness.errors import AgentError

_ANSWER_S = 3.0
_END_S = 1.0


class Child:
    """Not for several threads at once."""

    def __init__(self) -> None:
        argv = [sys.executable, "-m", "harness.agent.queue", str(os.getpid())]
        try:
            self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        except OSError as error:
            raise AgentError(f"the packet queue's program did not start: {error}") from error
        self._said = b""
        self._number = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def check(self) -> None:
        if not self.alive():
            raise AgentError(f"the packet queue's program ended ({self._last_words()}); packets pass undisturbed since")

    def serve(self, served: Sequence[Served]) -> None:
        """Returns when it is so."""
        self._tell(Order(self._number + 1, served=tuple(served)))
        if not self.settled(_ANSWER_S):
            self.check()
            raise AgentError(f"the packet queue's program did not answer within {_ANSWER_S:g} s")

    def release(self, bits: int) -> None:
        """Packets with one of these bits wait no more; ``settled`` says when."""
        if self.alive():  # one that is gone holds nothing
            with suppress(AgentError):
                self._tell(Order(self._number + 1, release=bits))

    def settled(self, within_s: float) -> bool:
        """Whether everything it was told is done; of one that is gone nothing is."""
        until_s = time.monotonic() + within_s
        while not self._answered():
            left_s = until_s - time.monotonic()
            if left_s <= 0 or not self._hear(left_s):
                return False
        return True

    def end(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _tell(self, order: Order) -> None:
        self._number = order.number
        assert self._process.stdin
        try:
            self._process.stdin.write(order_encoder.encode(order) + b"\n")
        except OSError:
            self.check()
            raise AgentError("the packet queue's program takes no orders any more") from None

    def _answered(self) -> bool:
        *lines, self._said = self._said.split(b"\n")
        self._said = lines[-1] + b"\n" + self._said if lines else self._said
        return bool(lines) and lines[-1] == b"%d" % self._number

    def _hear(self, wait_s: float) -> bool:
        """False at the end of what it says."""
        assert self._process.stdout
        if not select.select((self._process.stdout,), (), (), wait_s)[0]:
            return True
        data = os.read(self._process.stdout.fileno(), 1 << 16)
        self._said += data
        if not data:
            self._process.wait()
        return bool(data)

    def _last_words(self) -> str:
        words = self._said.decode(errors="replace").split("\n")
        said = next((word for word in reversed(words) if word and not word.isdecimal()), "")
        return said or f"exit code {self._process.returncode}"
