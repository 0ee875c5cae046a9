"""A server on 127.0.0.1 with one outage of a known length; runs in a container, by the standard library alone.

``python3 -c ... PORT AFTER_S FOR_S stall|refuse``: the outage begins so long after the first request. ``stall``: what
is asked meanwhile is answered at its end. ``refuse``: its connections are reset, and new ones are refused. At the end
one line says when it began and when it was over, in nanoseconds of CLOCK_MONOTONIC. It ends with its standard input.
"""

import asyncio
import gc
import json
import os
import socket
import sys
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Type: text/plain\r\n\r\nhello\n"
PORT, AFTER_S, FOR_S, REFUSES = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "refuse"


class Server:
    def __init__(self) -> None:
        self.open: set[asyncio.Transport] = set()
        self.waiting: list[tuple[asyncio.Transport, int]] = []
        self.began_ns = self.ended_ns = 0
        self.listening: asyncio.Server | None = None

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", PORT))
        self.listening = await loop.create_server(lambda: Connection(self), sock=listener, backlog=4096)

    async def outage(self) -> None:
        await asyncio.sleep(AFTER_S)
        if REFUSES and self.listening:
            self.listening.close()
            for transport in tuple(self.open):
                transport.abort()
        self.began_ns = time.monotonic_ns()
        # asyncio rounds its timers; the last stretch is waited for awake, so that the length is what it says.
        await asyncio.sleep(FOR_S - 0.005)
        while time.monotonic_ns() < self.began_ns + round(FOR_S * 1e9):
            pass
        if REFUSES:
            await self.listen()
        self.ended_ns = time.monotonic_ns()
        for transport, count in self.waiting:
            transport.write(ANSWER * count)
        say(json.dumps([self.began_ns, self.ended_ns]))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Connection(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self.server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.open.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.open.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        server, count = self.server, data.count(b"\r\n\r\n")
        if not server.began_ns and count and not started.is_set():
            started.set()
        if server.began_ns and not server.ended_ns:
            server.waiting.append((self.transport, count))
        else:
            self.transport.write(ANSWER * count)


async def main() -> None:
    server = Server()
    await server.listen()
    say("ready")
    asyncio.get_running_loop().add_reader(0, lambda: os._exit(0))  # whoever started us has gone
    await started.wait()
    await server.outage()
    await asyncio.Event().wait()


gc.disable()
started = asyncio.Event()
asyncio.run(main())
