"""What the scenarios of MPREG ask: does what one server is told reach whoever listens at another?

`Delivery` publishes at the server that is asked and listens at the two others by turns: an operation is right when its
own message came out there. MPREG's acknowledgement is of no use for that: it only says that the first server had it.
"""

import asyncio
import base64
import json
import os
import struct

OTHERS = ("n2", "n3")
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Socket:
    """A WebSocket (RFC 6455), as much of it as text messages need."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, host, port):
        reader, writer = await asyncio.open_connection(host, port)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET / HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", ""]
        writer.write("\r\n".join(lines).encode())
        if not (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 "):
            raise ConnectionError(f"{host} does not speak WebSocket")
        return cls(reader, writer)

    def send(self, message, opcode=TEXT):
        data = message if opcode != TEXT else json.dumps(message).encode()
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack("!H", len(data))
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self._writer.write(bytes([0x80 | opcode]) + size + mask + masked)

    async def receive(self):
        while True:
            first, second = await self._reader.readexactly(2)
            size = second & 0x7F
            if size > 125:
                form = "!H" if size == 126 else "!Q"
                (size,) = struct.unpack(form, await self._reader.readexactly(struct.calcsize(form)))
            data, opcode = await self._reader.readexactly(size), first & 0x0F
            if opcode == CLOSE:
                raise ConnectionError("the server closed the WebSocket")
            if opcode == PING:
                self.send(data, PONG)
            elif opcode != PONG:
                return json.loads(data)

    def close(self):
        self._writer.close()


class Delivery:
    def __init__(self, host, port, timeout_s):
        self._host, self._port, self._timeout_s = host, port, timeout_s
        self._waiting = {}  # number of the operation -> the future that its message ends
        self._sockets = {}  # server -> the task that connects to it
        self._reading = set()

    async def ask(self, number):
        to = OTHERS[number % len(OTHERS)]
        arrived = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._at(to)
                at_first = await self._at(self._host)
                at_first.send({"role": "pubsub-publish", "u": f"p{number}", "message": message(to, number)})
                await arrived
        finally:
            del self._waiting[number]
        return to

    async def _at(self, server):
        """One WebSocket to each server; to the listening ones with a subscription. Made anew after it was lost."""
        if server not in self._sockets:
            self._sockets[server] = asyncio.ensure_future(self._connect(server))
        try:
            return await asyncio.shield(self._sockets[server])
        except (OSError, EOFError) as error:
            self._sockets.pop(server, None)
            raise ConnectionError(f"{server}: {error}") from error

    async def _connect(self, server):
        socket = await Socket.connect(server, self._port)
        if server != self._host:
            socket.send({"role": "pubsub-subscribe", "u": server, "subscription": subscription(server)})
            await socket.receive()
        task = asyncio.ensure_future(self._read(server, socket))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)
        return socket

    async def _read(self, server, socket):
        try:
            while True:
                told = await socket.receive()
                if told.get("role") == "pubsub-notification":
                    arrived = self._waiting.get(told["message"]["payload"])
                    if arrived and not arrived.done():
                        arrived.set_result(None)
        except (OSError, EOFError):
            self._sockets.pop(server, None)
            socket.close()


def message(to, number):
    return {
        "topic": f"to.{to}",
        "payload": number,
        "timestamp": 0,
        "message_id": f"m{number}",
        "publisher": "client",
    }


def subscription(server):
    return {
        "subscription_id": f"at-{server}",
        "patterns": [{"pattern": f"to.{server}", "exact_match": True}],
        "subscriber": "client",
        "created_at": 0,
        "get_backlog": False,
    }
