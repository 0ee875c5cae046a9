"""The resolver that lies about some names, and tells the truth about the others as the pod's own resolver says it."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from harness.agent.redirect import messages
from harness.agent.redirect.nat import DNS_PORT
from harness.agent.redirect.service import Service, marked, spawn
from harness.primitives import Resolve

_TRUTH_S = 5.0  # what the true resolver may take
_IDLE_S = 30.0
_LENGTH = struct.Struct("!H")  # in front of each message over TCP
_UDP_MAX_BYTES = 65535
Truth = Callable[[bytes], Awaitable[bytes]]


class Names(Service):
    def __init__(self, change: Resolve, resolver: str, witness_port: int) -> None:
        super().__init__()
        self._change, self._resolver, self._witness_port = change, resolver, witness_port
        self._names = frozenset(name.rstrip(".").lower() for name in change.names)
        self._family = socket.AF_INET6 if ":" in resolver else socket.AF_INET
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, sockets: Sequence[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        for listening in sockets:
            if listening.type == socket.SOCK_DGRAM:
                await loop.create_datagram_endpoint(lambda: _Datagrams(self._over_udp), sock=listening)
            else:
                await asyncio.start_server(self._over_tcp, sock=listening)

    def busy(self) -> bool:
        return bool(self._tasks)

    async def answer(self, message: bytes, truth: Truth, witness: bool) -> bytes | None:
        """What the one who asked hears; None: nothing, ever."""
        asked = messages.asked(message)
        if not self.in_force or asked is None or (self._names and asked.name not in self._names):
            return await truth(message)
        self.count(len(message), True, witness)
        match self._change.answer:
            case "nxdomain":
                return messages.refusal(asked, messages.NXDOMAIN)
            case "servfail":
                return messages.refusal(asked, messages.SERVFAIL)
            case "address":
                return messages.address_for(asked, self._change.address or "")
            case "delay":
                heard = await truth(message)
                await asyncio.sleep(self._change.delay_s)
                return heard
            case "silence":
                return None

    def _over_udp(self, endpoint: asyncio.DatagramTransport, message: bytes, address: Any) -> None:
        async def reply() -> None:
            with suppress(OSError, TimeoutError):  # no true answer is no answer
                answer = await self.answer(message, self._true_over_udp, address[1] == self._witness_port)
                if answer is not None:
                    endpoint.sendto(answer, address)

        spawn(self._tasks, asyncio.get_running_loop().create_task(reply()))

    async def _over_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            while True:
                async with asyncio.timeout(_IDLE_S):
                    message = await _read(reader)
                if answer := await self.answer(message, self._true_over_tcp, False):
                    writer.write(_LENGTH.pack(len(answer)) + answer)
                    await writer.drain()
        writer.close()

    async def _true_over_udp(self, message: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        with marked(self._family, socket.SOCK_DGRAM) as connection:
            async with asyncio.timeout(_TRUTH_S):
                await loop.sock_connect(connection, (self._resolver, DNS_PORT))
                await loop.sock_sendall(connection, message)
                return await loop.sock_recv(connection, _UDP_MAX_BYTES)

    async def _true_over_tcp(self, message: bytes) -> bytes:
        connection = marked(self._family, socket.SOCK_STREAM)
        async with asyncio.timeout(_TRUTH_S):
            try:
                await asyncio.get_running_loop().sock_connect(connection, (self._resolver, DNS_PORT))
                reader, writer = await asyncio.open_connection(sock=connection)
            except BaseException:
                connection.close()
                raise
            try:
                writer.write(_LENGTH.pack(len(message)) + message)
                return await _read(reader)
            finally:
                writer.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(_LENGTH.unpack(await reader.readexactly(_LENGTH.size))[0])


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[asyncio.DatagramTransport, bytes, Any], None]) -> None:
        self._received = received

    def connection_made(self, transport: Any) -> None:
        self._endpoint: asyncio.DatagramTransport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._received(self._endpoint, data, addr)
