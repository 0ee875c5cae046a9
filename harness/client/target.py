"""Where a host is. Its name is resolved off the loop, and again when its address led nowhere."""

import asyncio
import socket
import threading
from contextlib import suppress

from harness.clock import NS_PER_S, monotonic_ns

_DOUBT_AGAIN_NS = NS_PER_S // 2


class Target:
    """The address that ``host`` has; a name may move while we run, so ``doubt`` asks for it again beside the load."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._address: str | None = None
        self._asking: asyncio.Future[str | OSError] | None = None
        self._asked_ns = 0
        self._ask()

    async def address(self) -> str | OSError:
        """At once when it is known; else what the resolver says, which may be an error, such as ``socket.gaierror``."""
        if self._address is not None:
            return self._address
        return await asyncio.shield(self._ask())  # shielded: one that gives up does not take it from the others

    def doubt(self) -> None:
        """The address led nowhere. It stays in use until the resolver, asked at most twice a second, has another."""
        if self._address is not None and monotonic_ns() - self._asked_ns > _DOUBT_AGAIN_NS:
            self._ask()

    def _ask(self) -> "asyncio.Future[str | OSError]":
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_future()
            self._asked_ns = monotonic_ns()
            # A daemon, because a resolver may take 10 s and the end of our input must end us at once.
            args = (asyncio.get_running_loop(), self._asking)
            threading.Thread(target=self._resolve, args=args, daemon=True).start()
        return self._asking

    def _resolve(self, loop: asyncio.AbstractEventLoop, asking: "asyncio.Future[str | OSError]") -> None:
        answer: str | OSError
        try:
            answer = str(socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0][4][0])
        except OSError as error:
            answer = error
        except UnicodeError as error:  # a label that is empty or too long never reaches the resolver
            answer = OSError(f"'{self.host}' is not a host's name: {error}")
        with suppress(RuntimeError):  # the loop is gone: nobody asks any more
            loop.call_soon_threadsafe(self._learn, asking, answer)

    def _learn(self, asking: "asyncio.Future[str | OSError]", answer: str | OSError) -> None:
        self._asking = None
        if isinstance(answer, str):
            self._address = answer
        asking.set_result(answer)
