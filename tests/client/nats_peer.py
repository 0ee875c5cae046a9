"""A NATS server in memory: core, and of JetStream what a reader of one stream needs. It errs as it is told to."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.client.peer import listening


@dataclass
class Consumer:
    """``following``: what of the stream it is sent next; ``sent``: how many it was sent; ``inbox``: who waits."""

    asked_from: int = 0
    following: int = 1
    sent: int = 0
    inbox: str = ""


@dataclass
class Nats:
    """Stored or passed messages are numbered from 1. ``swallows``: those that go nowhere, and yet count as sent, but to
    a consumer that begins with it. ``repeats``: come twice. ``spoils``: come with another last byte. ``leaderless``: no
    stream's side answers. ``full``: nothing is stored from that number on. ``ends``: it closes who publishes that one.
    """

    swallows: set[int] = field(default_factory=set)
    repeats: set[int] = field(default_factory=set)
    spoils: set[int] = field(default_factory=set)
    leaderless: bool = False
    full: int = 1 << 30
    ends: int = 0
    stream: str = ""
    consumers: dict[str, Consumer] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)
    _stored: list[tuple[str, bytes]] = field(default_factory=list)
    _passed: int = 0
    _clients: dict[asyncio.StreamWriter, dict[str, str]] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients[writer] = {}
        writer.write(b'INFO {"server_name":"n1","headers":true}\r\n')
        try:
            while line := await reader.readline():
                verb, *words = line.decode().split()
                if verb == "PING":
                    writer.write(b"PONG\r\n")
                elif verb == "SUB":
                    self._clients[writer][words[0]] = words[-1]
                elif verb == "PUB":
                    data = (await reader.readexactly(int(words[-1]) + 2))[:-2]
                    self._published(words[0], words[1] if len(words) == 3 else "", data)
                    if self.ends and self.ends in (len(self._stored), self._passed):
                        self.ends = 0
                        break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            del self._clients[writer]
            writer.close()

    def _published(self, subject: str, reply: str, data: bytes) -> None:
        if subject.startswith("$JS.ACK."):
            self.acknowledged.append(subject)
        elif subject.startswith("$JS.API."):
            self._asked(subject.split("."), reply, data)
        elif self.stream:
            if len(self._stored) + 1 >= self.full:
                self._deliver(reply, reply, b'{"error":{"code":503,"description":"insufficient resources"}}')
                return
            self._stored.append((subject, data))
            self._deliver(reply, reply, json.dumps({"stream": self.stream, "seq": len(self._stored)}).encode())
            self._serve_consumers()
        else:
            self._passed += 1
            if self._passed not in self.swallows:
                self._deliver(subject, subject, self._spoilt(self._passed, data))

    def _asked(self, words: list[str], reply: str, data: bytes) -> None:
        if self.leaderless:
            self._deliver(reply, reply, b'{"error":{"code":503,"description":"no leader"}}')
            return
        if words[2:4] == ["STREAM", "CREATE"]:
            self.stream = words[4]
        elif words[2:4] == ["CONSUMER", "CREATE"]:
            first = json.loads(data)["config"]["opt_start_seq"]
            self.consumers[words[5]] = Consumer(first, first)
        elif words[2:5] == ["CONSUMER", "DURABLE", "CREATE"]:
            self.consumers.setdefault(words[6], Consumer())
        elif words[2:5] == ["CONSUMER", "MSG", "NEXT"]:
            self.consumers[words[6]].inbox = reply
            self._serve_consumers()
            return
        self._deliver(reply, reply, b"{}")

    def _serve_consumers(self) -> None:
        for name, one in self.consumers.items():
            while one.inbox and one.following <= len(self._stored):
                number, (subject, data) = one.following, self._stored[one.following - 1]
                one.following += 1
                for _ in range(1 + (number in self.repeats)):
                    one.sent += 1
                    reply = f"$JS.ACK.{self.stream}.{name}.1.{number}.{one.sent}.0.0"
                    if number not in self.swallows or number == one.asked_from:
                        self._deliver(one.inbox, subject, self._spoilt(number, data), reply)

    def _spoilt(self, number: int, data: bytes) -> bytes:
        return data[:-1] + b"!" if number in self.spoils else data

    def _deliver(self, to: str, subject: str, data: bytes, reply: str = "") -> None:
        for writer, subscriptions in self._clients.items():
            for pattern, number in subscriptions.items():
                if to == pattern or (pattern.endswith(".>") and to.startswith(pattern[:-1])):
                    head = f"MSG {subject} {number} {reply}".strip()
                    writer.write(f"{head} {len(data)}\r\n".encode() + data + b"\r\n")


@contextmanager
def nats(server: Nats) -> Iterator[int]:
    """It listens; its port."""
    with listening(server.serve) as port:
        yield port
