"""What the child's program is told, whatever it serves: when it is in force, and what it has met."""

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence

from harness.agent.redirect.nat import MARK
from harness.agent.redirect.orders import Figures
from harness.clock import monotonic_ns


def marked(family: int, kind: int) -> socket.socket:
    """A socket whose packets no redirect of ours touches."""
    found = socket.socket(family, kind)
    found.setblocking(False)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
    return found


class Service(ABC):
    """``fire`` and ``ease`` by turns. Past its ``until_ns`` it changes nothing, even if nobody says so."""

    def __init__(self) -> None:
        self._until_ns = 0
        self.met = self.size_bytes = self.changed = self.echoes = 0

    @property
    def in_force(self) -> bool:
        return monotonic_ns() < self._until_ns

    def fire(self, until_ns: int) -> None:
        self._until_ns = until_ns

    def ease(self) -> None:
        self._until_ns = 0

    def count(self, size_bytes: int, changed: bool, echo: bool) -> None:
        """One chunk or question that came while in force."""
        if echo:
            self.echoes += 1
        else:
            self.met += 1
            self.size_bytes += size_bytes
            self.changed += changed

    def figures(self, number: int) -> Figures:
        return Figures(number, self.met, self.size_bytes, self.changed, self.echoes)

    @abstractmethod
    async def listen(self, sockets: Sequence[socket.socket]) -> None:
        """From now on; returns as soon as it does."""

    @abstractmethod
    def busy(self) -> bool:
        """Does anything still go through it?"""


def spawn(tasks: "set[asyncio.Task[None]]", task: "asyncio.Task[None]") -> None:
    """Keep it until it is done: the loop itself holds tasks weakly."""
    tasks.add(task)
    task.add_done_callback(tasks.discard)
