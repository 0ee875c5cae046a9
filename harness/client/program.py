"""The program around the loads: messages in, messages out, until ``Stop`` or the end of input."""

import asyncio
import gc
import os
import resource
import sys
from typing import assert_never

from harness.client.asks import clients_of
from harness.client.clients import build
from harness.client.connection import Pool
from harness.client.exchange import Exchange
from harness.client.load import Running, check
from harness.client.output import Output
from harness.client.tally import Tally
from harness.client.target import Target
from harness.clock import monotonic_ns, to_s
from harness.errors import HarnessError, WireError
from harness.wire import (
    Answered,
    EndLoad,
    Failed,
    Heartbeat,
    Hello,
    Lines,
    Load,
    Message,
    Once,
    Pulse,
    Stop,
    decode_to_client,
    encode,
)

_READ_BYTES = 1 << 16
_SWITCH_S = 0.0001


class Program:
    """Made inside a running event loop. ``tallies``: by traffic, shared with whoever shows them."""

    def __init__(self, input_fd: int, output_fd: int, tallies: dict[str, Tally]) -> None:
        self._input_fd = input_fd
        self._tallies = tallies
        self._lines = Lines()
        self._asking: set[Pool] = set()
        self._loads: dict[str, Running] = {}
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._output = Output(output_fd, self._over.set)
        self._broken = False

    async def run(self) -> bool:
        """True: ended by ``Stop`` or the end of input. False: by a fault of our own, told as ``Failed``."""
        self._loop.set_exception_handler(self._break)
        self._say(Hello(os.getpid(), monotonic_ns()))
        self._loop.add_reader(self._input_fd, self._read)
        await self._over.wait()
        self._loop.remove_reader(self._input_fd)
        for running in tuple(self._loads.values()):
            running.stop()
        for pool in self._asking:
            pool.close()
        self._output.close()
        return not self._broken

    def _say(self, message: Message) -> None:
        self._output.write(encode(message))

    def _break(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        self._say(Failed(f"the load generator broke: {error!r}, {context.get('message')}; its figures are not sound"))
        self._broken = True
        loop.default_exception_handler(context)
        self._over.set()

    def _read(self) -> None:
        data = os.read(self._input_fd, _READ_BYTES)
        if not data:
            self._over.set()
            return
        try:
            for line in self._lines.feed(data):
                self._obey(line)
        except WireError as error:  # the line has no end
            self._say(Failed(str(error)))
            self._over.set()

    def _obey(self, line: bytes) -> None:
        try:
            message = decode_to_client(line)
            match message:
                case Heartbeat():
                    self._say(Pulse(message.number, monotonic_ns()))
                case Load():
                    self._start(message)
                case EndLoad(traffic, end_ns):
                    if running := self._loads.get(traffic):
                        running.end_at(end_ns)
                case Once():
                    self._ask(message)
                case Stop():
                    self._over.set()
                case _:
                    assert_never(message)
        except HarnessError as error:
            self._say(Failed(str(error)))

    def _start(self, load: Load) -> None:
        check(load)
        if load.traffic in self._loads:
            raise WireError(f"traffic {load.traffic} is running already; its load must end before another begins")
        clients = clients_of(load)
        if not self._loads:
            _quiet()
        tally = self._tallies.setdefault(load.traffic, Tally())
        self._loads[load.traffic] = Running(load, clients, tally, self._say, self._done)

    def _done(self, running: Running) -> None:
        del self._loads[running.load.traffic]
        if not self._loads:
            gc.enable()

    def _ask(self, once: Once) -> None:
        client = build(once.client, once.options, 0)
        question = client.questions()[0]
        request = question.request(once.host, once.port, keep=False)

        def ended(exchange: Exchange) -> None:
            expiring.cancel()
            self._asking.discard(pool)
            client.close()
            latency_s = to_s(exchange.done_ns - exchange.due_ns)
            self._say(Answered(once.id, exchange.outcome.name, latency_s, exchange.text))

        exchange = Exchange(monotonic_ns(), request, question.answer(), ended)
        expiring = self._loop.call_later(once.timeout_s, exchange.time_out)
        pool = Pool(Target(*client.at(once.host, once.port)), False, client.opening(once.host, once.port))
        self._asking.add(pool)
        pool.ask(exchange)


def _quiet() -> None:
    """What exists now is never collected, and nothing is while a load runs: a collection is a pause."""
    gc.collect()
    gc.freeze()
    gc.disable()


def prepare_process() -> None:
    """As many descriptors as we may have, and threads (metrics, resolver) that give way within 0.1 ms."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sys.setswitchinterval(_SWITCH_S)
