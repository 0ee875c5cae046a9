"""Serf's RPC (MessagePack over TCP): whom an agent believes to be alive, and who hears a question asked through it."""

from asyncio import BaseTransport
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from harness.client.asking import Judged, Straight
from harness.client.connection import Connection, Opening
from harness.client.exchange import Exchange
from harness.client.msgpack import end_of
from harness.client.options import Options
from harness.client.turns import InTurn
from harness.operations import Outcome

_ANSWER_MAX_BYTES = 1 << 20
_NODES_MAX = 10_000
_SOONER = 0.9  # of the deadline a question stays open, so that its end still comes in time
_encode = msgspec.msgpack.Encoder().encode


class _Header(msgspec.Struct, rename="pascal"):
    """Before every answer, and before every record of a stream of them."""

    seq: int
    error: str = ""


class _Member(msgspec.Struct, rename="pascal"):
    name: str
    status: str


class _Members(msgspec.Struct, rename="pascal"):
    members: tuple[_Member, ...] | None = None


class _Record(msgspec.Struct, rename="pascal"):
    """``type``: ack, response or done."""

    type: str
    from_: str = msgspec.field(name="From", default="")
    payload: bytes | None = None


_read_header = msgspec.msgpack.Decoder(_Header).decode
_read_members = msgspec.msgpack.Decoder(_Members).decode
_read_record = msgspec.msgpack.Decoder(_Record).decode


@dataclass(frozen=True, slots=True)
class Nodes:
    """``expected``: who must be alive, or must hear. ``known``: who there is; empty: nobody is a stranger.

    ``least``: at least so many must be alive. ``none_failed``: nobody may be listed as failed, whoever it is.
    """

    expected: tuple[str, ...]
    known: frozenset[str]
    least: int
    none_failed: bool

    def stranger(self, names: "set[str] | dict[str, str]") -> str:
        """One name that no node has, or ""."""
        return min(set(names) - self.known, default="") if self.known else ""


class Told(Protocol):
    """The answer to one command, an object at a time."""

    @property
    def whole(self) -> bool:
        """Nothing that is still to come would change it."""

    def feed(self, data: bytes) -> None:
        """One object. Raises ``msgspec.MsgspecError`` or ``UnicodeDecodeError`` where it is none that serf sends."""

    def judge(self, status: int) -> Judged: ...


class Listed:
    """The members as one agent knows them."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._status: dict[str, str] = {}
        self.whole = False

    def feed(self, data: bytes) -> None:
        self._status = {member.name: member.status for member in _read_members(data).members or ()}
        self.whole = True

    def judge(self, status: int) -> Judged:
        wrong = "; ".join(self._wrong())
        return Judged(Outcome.WRONG if wrong else Outcome.OK, "", wrong or f"{self._alive()} are alive")

    def _wrong(self) -> list[str]:
        nodes, found = self._nodes, []
        if lost := [f"{name} {self._status.get(name, 'unknown')}" for name in nodes.expected if not self._lives(name)]:
            found.append(f"{', '.join(lost)}, and should be alive")
        if nodes.none_failed and (failed := [name for name, status in self._status.items() if status == "failed"]):
            found.append(f"{', '.join(sorted(failed))} listed as failed")
        if stranger := nodes.stranger(self._status):
            found.append(f"{stranger} is listed, and there is no such node")
        if self._alive() < nodes.least:
            found.append(f"{self._alive()} are alive, and {nodes.least} should be")
        return found

    def _lives(self, name: str) -> bool:
        return self._status.get(name) == "alive"

    def _alive(self) -> int:
        return sum(map(self._lives, self._status))


class Heard:
    """Who heard one question: whoever acknowledged it, and whom an answer names (gateways answer for those behind)."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._names: set[str] = set()
        self._over = False

    @property
    def whole(self) -> bool:
        return self._over or self._names.issuperset(self._nodes.expected)

    def feed(self, data: bytes) -> None:
        record = _read_record(data)
        match record.type:
            case "ack":
                self._names.add(record.from_)
            case "response":
                self._names.update((record.payload or b"").decode().split())
            case "done":
                self._over = True

    def judge(self, status: int) -> Judged:
        """Whoever is missing has not heard it in time: then it is no whole answer, and no wrong one."""
        if stranger := self._nodes.stranger(self._names):
            return Judged(Outcome.WRONG, "", f"{stranger} heard it, and there is no such node")
        if missing := [name for name in self._nodes.expected if name not in self._names]:
            return Judged(Outcome.TIMED_OUT, "", f"{', '.join(missing)} did not hear it in time")
        return Judged(Outcome.OK, "", f"{len(self._names)} heard it")


@dataclass(frozen=True, slots=True)
class Command:
    """``body``: what follows the header."""

    body: bytes
    told: Callable[[], Told]

    def request(self, host: str, port: int, keep: bool) -> bytes:
        return self.body

    def answer(self) -> Told:
        return self.told()


@dataclass(frozen=True, slots=True)
class RpcOpening:
    """``streams``: the first answer to the command says only that it was taken; records follow it."""

    command: str
    streams: bool

    def __call__(
        self, when_free: Callable[[Connection], None], when_lost: Callable[[Connection], None]
    ) -> "RpcConnection":
        return RpcConnection(self, when_free, when_lost)


class RpcConnection(Connection):
    """Every command has a number of its own, so that what still comes of an earlier one is passed over."""

    def __init__(
        self, opening: RpcOpening, when_free: Callable[[Connection], None], when_lost: Callable[[Connection], None]
    ) -> None:
        super().__init__(when_free, when_lost)
        self._command = opening.command
        self._streams = opening.streams
        self._taken = False  # the command in hand, by the agent
        self._number = 0
        self._came = bytearray()

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        assert self._transport is not None
        self._transport.write(_header("handshake", 0) + _encode({"Version": 1}))

    def ask(self, exchange: Exchange) -> None:
        self._begin()
        self._number += 1
        self._taken = not self._streams
        self._exchange = exchange
        exchange.abandon = self.abort
        exchange.written = True
        assert self._transport is not None
        self._transport.write(_header(self._command, self._number) + exchange.request)

    def _unasked(self, data: memoryview) -> None:
        try:
            self._take(data)
        except (ValueError, msgspec.MsgspecError):
            super()._unasked(data)

    def _read(self, exchange: Exchange, data: memoryview) -> None:
        exchange.size_bytes += len(data)
        try:
            self._take(data)
        except (ValueError, msgspec.MsgspecError) as error:  # a text that is no UTF-8 is a ValueError
            if exchange.ended:
                self.abort()
            else:
                self._refuse(exchange, f"the answer is not serf's: {error}")

    def _take(self, data: memoryview) -> None:
        self._came += data
        while (header_end := end_of(self._came)) is not None:
            header = _read_header(self._came[:header_end])
            if header.seq > self._number:
                raise ValueError(f"it is for command {header.seq}, and {self._number} were sent")
            if header.error or header.seq == 0 or (header.seq == self._number and not self._taken):
                del self._came[:header_end]
                self._acknowledged(header)
                continue
            body_end = end_of(self._came, header_end)
            if body_end is None:
                break
            body = bytes(self._came[header_end:body_end])
            del self._came[:body_end]
            if header.seq == self._number and self._exchange is not None:
                self._body(self._exchange, body)
        if len(self._came) > _ANSWER_MAX_BYTES:
            raise ValueError(f"an answer of more than {_ANSWER_MAX_BYTES} bytes")

    def _acknowledged(self, header: _Header) -> None:
        """A header without a body. The agent ends a connection on which it understood nothing."""
        if header.error and self._exchange is not None:
            exchange, self._exchange = self._exchange, None
            exchange.end(Outcome.SERVER_ERROR, header.error)
            self.abort()
        elif header.seq:
            self._taken = True

    def _body(self, exchange: Exchange, body: bytes) -> None:
        told = exchange.answer
        told.feed(body)
        assert isinstance(told, Listed | Heard)
        if told.whole:
            self._judge(exchange)


def _header(command: str, number: int) -> bytes:
    return _encode({"Command": command, "Seq": number})


class Serf(InTurn, Straight):
    """``ask``: members, or query. ``expect``: who must be alive or hear it, with spaces between."""

    def __init__(self, options: Options, seed: int) -> None:
        self._ask = options.text("ask", "members")
        self._called = options.text("called", "beat")
        self._timeout_s = float(options.text("timeout", "5"))
        failed = options.text("failed", "none")
        if self._ask not in ("members", "query"):
            raise options.wrong("ask", f"is '{self._ask}': write members or query")
        if failed not in ("none", "any"):
            raise options.wrong("failed", f"is '{failed}': write none or any")
        self._nodes = Nodes(
            expected=tuple(options.text("expect", "").split()),
            known=frozenset(options.text("known", "").split()),
            least=options.count("least", 0, 0, _NODES_MAX),
            none_failed=failed == "none",
        )

    def questions(self) -> tuple[Command, ...]:
        if self._ask == "members":
            return (Command(b"", lambda: Listed(self._nodes)),)
        open_ns = round(self._timeout_s * _SOONER * 1e9)
        body = _encode({"Name": self._called, "RequestAck": True, "Timeout": open_ns})
        return (Command(body, lambda: Heard(self._nodes)),)

    def opening(self, host: str, port: int) -> Opening:
        return RpcOpening(self._ask, self._ask == "query")
