"""The clients of systems that were not written for us, beside their scenarios: what each makes of what it is told."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.client.frames import Opcode, masked
from harness.client.own import made
from harness.client.websocket import accept_of

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def source(name: str) -> str:
    return (SCENARIOS / name).read_text()


# --- MPREG ------------------------------------------------------------------------------------------------------------


class Mesh:
    """One server that is all of them: what is published comes out at whoever subscribed, unless it is ``deaf``."""

    def __init__(self) -> None:
        self.deaf = False
        self.writers: list[asyncio.StreamWriter] = []
        self._listening: dict[str, asyncio.StreamWriter] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(line[19:] for line in head.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key: "))
        accept = accept_of(key).decode()
        writer.write(f"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        try:
            while True:
                self._take(*await _frame(reader), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _take(self, opcode: int, data: bytes, writer: asyncio.StreamWriter) -> None:
        if opcode == Opcode.PONG:
            assert data == b"hi"
            return
        said = json.loads(data)
        if said["role"] == "pubsub-subscribe":
            self._listening[said["subscription"]["patterns"][0]["pattern"]] = writer
        _write(writer, {"role": "pubsub-ack", "operation_id": said["u"], "success": True})
        listener = self._listening.get(said.get("message", {}).get("topic", ""))
        if listener and not self.deaf:
            listener.write(b"\x89\x02hi")  # a ping comes in between, which is answered
            _write(listener, {"role": "pubsub-notification", "message": said["message"]})


async def _frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """(opcode, data) of one frame of a client, which is masked."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    mask = await reader.readexactly(4)
    return first & 0x0F, masked(await reader.readexactly(size), mask)


def _write(writer: asyncio.StreamWriter, message: object) -> None:
    data = json.dumps(message).encode()
    writer.write(b"\x81\x7e" + len(data).to_bytes(2, "big") + data)


@asynccontextmanager
async def delivery(mesh: Mesh) -> AsyncIterator[Callable[[int], Coroutine[Any, Any, str]]]:
    server = await asyncio.start_server(mesh.serve, "127.0.0.1", 0)
    text = source("mpreg.py").replace('OTHERS = ("n2", "n3")', 'OTHERS = ("localhost",)')
    ask: Any = made(text, "mpreg.py", "Delivery", "127.0.0.1", server.sockets[0].getsockname()[1], 0.5)
    try:
        yield ask
    finally:
        server.close()
        for writer in mesh.writers:
            writer.close()
        while ask.__self__._reading:  # its tasks end with their connections
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)


def test_a_message_is_delivered_where_it_was_published_to_and_that_server_is_named() -> None:
    async def story() -> list[str]:
        async with delivery(Mesh()) as ask:
            return await asyncio.gather(*(ask(number) for number in range(5)))

    assert asyncio.run(story()) == ["localhost"] * 5


def test_a_message_that_is_acknowledged_and_comes_out_nowhere_is_late_and_the_next_one_may_come() -> None:
    async def story() -> str:
        mesh = Mesh()
        async with delivery(mesh) as ask:
            mesh.deaf = True
            with pytest.raises(TimeoutError):
                await ask(0)
            mesh.deaf = False
            return await ask(1)

    assert asyncio.run(story()) == "localhost"


def test_a_connection_that_was_lost_is_made_anew() -> None:
    async def story() -> str:
        mesh = Mesh()
        async with delivery(mesh) as ask:
            await ask(0)
            for writer in mesh.writers:
                writer.transport.abort()
            await asyncio.sleep(0.05)
            return await ask(1)

    assert asyncio.run(story()) == "localhost"


# --- TinyLLM ----------------------------------------------------------------------------------------------------------

PROMPT = b"You (tiny): "


@contextmanager
def chats(*answers: bytes) -> Iterator[int]:
    """A terminal at a port: one of these answers to each line, then the end."""

    def serve(one: socket.socket) -> None:
        with one, one.makefile("rb") as lines:
            one.sendall(b"TinyLLM\n" + PROMPT)
            for answer in answers:
                lines.readline()
                one.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    one, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(one,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def test_a_chat_stays_open_and_its_answers_are_told_from_errors_and_from_other_answers() -> None:
    answers = (
        b"\nAssistant:\n n1-0300 n1-0301 \n" + PROMPT,
        b"\nError: Circuit breaker is open\n" + PROMPT,
        b"\nAssistant:\n n1-0300 n1-0301 \n" + PROMPT,
    )
    with chats(*answers) as port:
        ask = made(source("tinyllm.py"), "tinyllm.py", "Chat", "127.0.0.1", port, 5.0)
        assert ask(3) == "n1"
        with pytest.raises(ConnectionError, match="Error: Circuit breaker is open"):
            ask(4)
        with pytest.raises(AssertionError, match="n1-0300"):
            ask(5)
        with pytest.raises(ConnectionResetError, match="the chat ended"):
            ask(6)
