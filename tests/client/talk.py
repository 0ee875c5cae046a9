"""Talks to a load generator over two pipes, as the harness does."""

import asyncio
import gc
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from harness.client.program import Program
from harness.clock import monotonic_ns, to_ns, to_s
from harness.operations import Operation, unpack
from harness.wire import FromClient, Hello, Lines, Load, LoadDone, Message, Operations, decode_from_client, encode

_M = TypeVar("_M", bound=Message)


class Talk:
    def __init__(self, to_fd: int, from_fd: int) -> None:
        self._to_fd: int | None = to_fd
        self.from_fd = from_fd
        self._lines = Lines()
        self.heard: list[FromClient] = []
        self._told = 0

    def say(self, *messages: Message) -> None:
        self.say_bytes(b"".join(map(encode, messages)))

    def say_bytes(self, data: bytes) -> None:
        assert self._to_fd is not None
        os.write(self._to_fd, data)

    def end_input(self) -> None:
        if self._to_fd is not None:
            os.close(self._to_fd)
            self._to_fd = None

    def next(self, kind: type[_M], within_s: float = 8.0) -> _M:
        """The next message of that kind that was not told yet."""
        until_s = time.monotonic() + within_s
        while True:
            while self._told < len(self.heard):
                self._told += 1
                if isinstance(found := self.heard[self._told - 1], kind):
                    return found
            left_s = until_s - time.monotonic()
            assert left_s > 0 and self._read(left_s), f"no {kind.__name__}; last heard {self.heard[-1:]}"

    def rest(self) -> list[FromClient]:
        """Everything up to the end of the output."""
        while self._read(8.0):
            pass
        return self.heard

    def _read(self, within_s: float) -> bool:
        if not select.select([self.from_fd], [], [], within_s)[0]:
            return False
        data = os.read(self.from_fd, 1 << 16)
        self.heard += [decode_from_client(line) for line in self._lines.feed(data)]
        return data != b""

    def operations(self, traffic: str = "chat") -> list[Operation]:
        """What was heard so far, in the order of their due times."""
        batches = (m for m in self.heard if isinstance(m, Operations) and m.traffic == traffic)
        return sorted(o for batch in batches for o in unpack(batch.packed))

    def run(self, load: Load) -> list[Operation]:
        self.say(load)
        self.next(LoadDone, within_s=to_s(load.end_ns - monotonic_ns()) + load.timeout_s + 2)
        return self.operations(load.traffic)


def load(port: int, **changes: object) -> Load:
    """50/s for half a second, soon; ``for_s`` and ``in_s`` set when."""
    start_ns = monotonic_ns() + to_ns(float(str(changes.pop("in_s", 0.05))))
    end_ns = start_ns + to_ns(float(str(changes.pop("for_s", 0.5))))
    common = {"traffic": "chat", "client": "ollama-generate", "host": "127.0.0.1", "port": port, "rate_per_s": 50.0}
    rest = {"timeout_s": 2.0, "connection": "keep-alive", "in_flight_max": 10_000, "seed": 7, "options": ()}
    return Load(**{**common, **rest, "start_ns": start_ns, "end_ns": end_ns, **changes})  # type: ignore[arg-type]  # by name


@contextmanager
def inside() -> Iterator[Talk]:
    """The program on a thread of this process: what it does is covered; how punctual it is cannot be told."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()

    def run() -> None:
        async def program() -> None:
            await Program(to_read, from_write, {}).run()

        try:
            asyncio.run(program())
        finally:
            os.close(from_write)

    thread = threading.Thread(target=run)
    thread.start()
    talk = Talk(to_write, from_read)
    try:
        talk.next(Hello)
        yield talk
    finally:
        talk.end_input()
        thread.join(8)
        gc.enable()
        gc.unfreeze()
        os.close(to_read)
        os.close(from_read)
        assert not thread.is_alive()


@contextmanager
def alone(metrics_port: int = 0) -> Iterator[tuple[Talk, "subprocess.Popen[bytes]"]]:
    """The program as it is in the client's pod: a process of its own."""
    command = [sys.executable, "-m", "harness.client", "--metrics-address", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--metrics-port", str(metrics_port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin and process.stdout
    talk = Talk(os.dup(process.stdin.fileno()), process.stdout.fileno())
    process.stdin.close()
    try:
        talk.next(Hello)
        yield talk, process
    finally:
        talk.end_input()
        try:
            process.wait(5)
        finally:
            process.kill()
            process.stdout.close()
            process.wait()


@contextmanager
def peer_alone(stall_at_s: float = 1e9, stall_s: float = 0.0) -> Iterator[int]:
    """A well-behaved peer in a process of its own, stalling once if told to; its port."""
    command = [sys.executable, "-m", "tests.client.peer", str(stall_at_s), str(stall_s)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(5)
        process.stdout.close()
