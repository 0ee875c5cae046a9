"""A server that answers like Ollama with the tiny model, and misbehaves as told: the other end of the client's tests.

In the test's own process (``serving``), or, where time is measured, in one of its own (``python peer.py``: it prints
its port and ends with its input).
"""

import asyncio
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from harness.client.answers import start_of, text_of

Write = Callable[[bytes], None]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"


def frames(text: str, done: bool = True) -> list[bytes]:
    """One NDJSON line for each token, and the terminal frame."""
    tokens = [f" {token}" for token in text.split(" ")[1:]]
    lines = [{"model": "tiny", "created_at": "2026-11-21T09:30:12Z", "response": t, "done": False} for t in tokens]
    if done:
        lines.append(
            {"model": "tiny", "response": "", "done": True, "done_reason": "length", "eval_count": len(tokens)}
        )
    return [json.dumps(line).encode() + b"\n" for line in lines]


def right_text(body: bytes, node: str = "n1") -> str:
    asked = json.loads(body)
    return text_of(node, start_of(asked["prompt"]), asked["options"]["num_predict"])


def whole(body: bytes) -> bytes:
    """The right answer, as Ollama sends it."""
    return HEAD + b"".join(map(chunk, frames(right_text(body)))) + LAST_CHUNK


@dataclass(frozen=True)
class Reply:
    """Wait, send, wait, then keep the connection or end it: ``close`` (FIN) or ``reset`` (RST)."""

    data: bytes = b""
    wait_s: float = 0.0
    linger_s: float = 0.0
    then: str = "keep"


Behaviour = Callable[[int, bytes], Reply]  # number of the request (from 0), its body


@dataclass
class Seen:
    """``port``: where it listens. ``requests`` are heads; ``connections`` were opened."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


class Peer:
    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.seen = Seen()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(li.split(b":")[1]) for li in head.split(b"\r\n") if li.startswith(b"Content-Length")), 0)
        body = await reader.readexactly(length)
        number = len(self.seen.requests)
        self.seen.requests.append(head)
        self.seen.bodies.append(body)
        reply = self.behaviour(number, body)
        if reply.wait_s:
            await asyncio.sleep(reply.wait_s)
        if reply.then == "close" and not reply.linger_s:
            _cork(writer)
        writer.write(reply.data)
        await writer.drain()
        if reply.linger_s:
            await asyncio.sleep(reply.linger_s)
        if reply.then == "reset":
            await asyncio.sleep(0.05)  # a reset overtakes bytes that were not read yet
            _reset(writer)
        return reply.then == "keep" and b"Connection: close" not in head


def _cork(writer: asyncio.StreamWriter) -> None:
    """The kernel keeps the answer until the end comes too: nobody can ask again between the two."""
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[Seen]:
    """A peer on 127.0.0.1, on a thread of its own."""
    peer = Peer(behaviour)
    with listening(peer.serve) as port:
        peer.seen.port = port
        yield peer.seen


@contextmanager
def listening(serve: Serve) -> Iterator[int]:
    """A server on 127.0.0.1, on a thread of its own; its port."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def end() -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _alone(stall_at_s: float, stall_s: float) -> None:
    cached: dict[bytes, Reply] = {}
    begun_s: list[float] = []

    def behaviour(number: int, body: bytes) -> Reply:
        if not begun_s:
            begun_s.append(time.monotonic())
        now_s = time.monotonic() - begun_s[0]
        if stall_at_s <= now_s < stall_at_s + stall_s:
            return Reply(whole(body), wait_s=stall_at_s + stall_s - now_s)
        if body not in cached:
            cached[body] = Reply(whole(body))
        return cached[body]

    server = await asyncio.start_server(Peer(behaviour).serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_alone(float(sys.argv[1]), float(sys.argv[2])))
