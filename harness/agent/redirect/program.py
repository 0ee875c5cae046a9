"""``python -m harness.agent.redirect.program BEGIN``: the child process of an agent that redirected traffic meets.

It is told by lines on stdin. The end of that input, or SIGTERM (which the kernel sends when the agent's thread dies),
means that the agent is gone: it then takes every redirect away itself, at once.
"""

import asyncio
import os
import signal
import socket
import sys

from harness.agent.mortal import end_with
from harness.agent.redirect import orders
from harness.agent.redirect.flows import abandon
from harness.agent.redirect.names import Names
from harness.agent.redirect.service import Service
from harness.agent.redirect.tamper import Proxy
from harness.primitives import Resolve
from harness.wire import Lines

_CHUNK_BYTES = 1 << 16
_LOOK_EVERY_S = 0.05


class Program:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._lines = Lines()
        self._over = asyncio.Event()
        self._dismissed = False

    async def run(self, sockets: list[socket.socket]) -> bool:
        """True when it was told to end; False when its agent is gone."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._over.set)
        await self._service.listen(sockets)
        loop.add_reader(sys.stdin.fileno(), self._read)
        self._say(orders.Figures())
        await self._over.wait()
        return self._dismissed

    def _read(self) -> None:
        data = os.read(sys.stdin.fileno(), _CHUNK_BYTES)
        if not data:
            self._over.set()
        for line in self._lines.feed(data):
            self._obey(orders.order.decode(line))

    def _obey(self, order: orders.Order) -> None:
        match order:
            case orders.Fire(until_ns):
                self._service.fire(until_ns)
            case orders.Ease():
                self._service.ease()
            case orders.Ask(number):
                self._say(self._service.figures(number))
            case orders.End():
                self._service.ease()
                self._dismissed = True
                self._end_when_idle()

    def _end_when_idle(self) -> None:
        if self._service.busy():
            asyncio.get_running_loop().call_later(_LOOK_EVERY_S, self._end_when_idle)
        else:
            self._over.set()

    @staticmethod
    def _say(figures: orders.Figures) -> None:
        os.write(sys.stdout.fileno(), orders.encode(figures) + b"\n")


def main() -> int:
    end_with(os.getppid(), signal.SIGTERM)
    begin = orders.begin.decode(sys.argv[1])
    sockets = [socket.socket(fileno=number) for number in begin.sockets]
    change = begin.change
    dismissed = False
    try:
        service = Names(change, begin.resolver, begin.witness_port) if isinstance(change, Resolve) else Proxy(change)
        dismissed = asyncio.run(Program(service).run(sockets))
    except BrokenPipeError:
        pass  # the agent is gone
    finally:
        if not dismissed:
            abandon()
    return int(not dismissed)


if __name__ == "__main__":
    sys.exit(main())
