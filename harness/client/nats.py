"""Messages of NATS: published on whichever server answers, and read on every server, each message told apart.

An operation is one message. It has its answer when its sender was told that it is taken care of, and every reader has
it. One that was acknowledged and did not come to everybody in time is an answer that began and never ended.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from harness.client import jetstream, nats_text
from harness.client.asking import BEGINNING, Judged, Straight
from harness.client.connection import Connection, Opening
from harness.client.exchange import Exchange
from harness.client.jetstream import StreamReader
from harness.client.members import Member, Members
from harness.client.nats_link import Link
from harness.client.options import Options
from harness.client.target import Target
from harness.client.turns import Ask, Log, Pools
from harness.clock import monotonic_ns
from harness.deliveries import Acknowledged, Came, Line, Readers, Sent, encode
from harness.operations import Outcome
from harness.units import duration_s
from harness.wire import HISTORY_MAX, Load

_SIZE_MAX_BYTES = 8 << 20
_SUBJECTS_MAX = 1000
_MAKE_AGAIN_S = 0.5
_DIGITS = 12  # of a message's number, which it begins with
_FILLING = bytes(range(33, 127))
_STREAM = object()  # that it was made is waited for


# --- is a server ready? -----------------------------------------------------------------------------------------------


class Informed:
    """What the stream's side of a server says: an error while nobody leads, or too few servers are known to it."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> None:
        self._data += data

    def judge(self, status: int) -> Judged:
        wrong = jetstream.problem(nats_text.Message("", "", status, self._data))
        return Judged(Outcome.SERVER_ERROR if wrong else Outcome.OK, "", wrong[:BEGINNING] or "JetStream is there")


@dataclass(frozen=True, slots=True)
class Information:
    """Whether a stream with so many replicas can be made; for some seconds after the first leader it cannot (0: any).

    The stream of this name is made for it, once, and holds nothing.
    """

    replicas: int

    def request(self, host: str, port: int, keep: bool) -> bytes:
        inbox = f"_INBOX.{os.urandom(8).hex()}"
        made = jetstream.make("ready", self.replicas, "memory", inbox)
        return nats_text.subscribe(inbox, 1) + (
            made if self.replicas else nats_text.publish(jetstream.INFO, b"", inbox)
        )

    def answer(self) -> Informed:
        return Informed()


class NatsConnection(Connection):
    """One question for one message; it goes out once the server has said who it is."""

    def __init__(self, when_free: Callable[[Connection], None], when_lost: Callable[[Connection], None]) -> None:
        super().__init__(when_free, when_lost)
        self._reader = nats_text.Reader()

    def ask(self, exchange: Exchange) -> None:
        self._begin()
        self._exchange = exchange
        exchange.abandon = self.abort

    def _read(self, exchange: Exchange, data: memoryview) -> None:
        try:
            for one in self._reader.feed(bytes(data)):
                if isinstance(one, nats_text.Message):
                    exchange.status = one.status
                    exchange.answer.feed(one.data)
                    self._judge(exchange)
                    return
                if one.verb == "INFO" and not exchange.written and self._transport:
                    self._transport.write(nats_text.connect())
                    super().ask(exchange)
        except nats_text.NatsError as error:
            self._refuse(exchange, str(error))


# --- the client -------------------------------------------------------------------------------------------------------


class Nats(Straight):
    """``via``: a stream (JetStream) that keeps the messages, or core, where only whoever listens gets them.

    ``acks``: whose word its sender takes: the stream's, or that of the server it is connected to. ``reads``: of a
    stream, acked or ordered (``jetstream.StreamReader``). ``replicas`` (0: three where there are
    so many servers) and ``store``: of the stream.
    """

    def __init__(self, options: Options, seed: int) -> None:
        self.via_stream = _one_of(options, "via", "stream", "core") == "stream"
        self.acked_by_stream = _one_of(options, "acks", "stream", "server") == "stream" and self.via_stream
        self.ordered = _one_of(options, "reads", "acked", "ordered") == "ordered"
        self.store: jetstream.Store = "file" if _one_of(options, "store", "file", "memory") == "file" else "memory"
        self.replicas = options.count("replicas", 0, 0, 5)
        self.subjects = options.count("subjects", 4, 1, _SUBJECTS_MAX)
        self.size_bytes = options.count("size", 100, _DIGITS + 1, _SIZE_MAX_BYTES)
        ping = options.text("ping", "2s")
        try:
            self.ping_s = duration_s(ping)
        except ValueError as error:
            raise options.wrong("ping", str(error)) from error

    def questions(self) -> tuple[Information, ...]:
        """What can be asked once, by whoever wants to know whether a server is ready."""
        return (Information(self.replicas),)

    def opening(self, host: str, port: int) -> Opening:
        return NatsConnection

    def asks(self, load: Load, pools: Pools, log: Log) -> Iterator[Ask]:
        """One message after the other, as many as a history may have, on connections to all of the load's hosts."""
        messages = pools.keep(Publications(self, load, log))
        return iter(messages.next, None)

    def data(self, number: int) -> bytes:
        """The message of that number: no two are alike, and each says which it is."""
        filling = _FILLING[number % len(_FILLING) :] + _FILLING[: number % len(_FILLING)]
        whole = b"%0*d " % (_DIGITS, number) + filling * (self.size_bytes // len(filling) + 1)
        return whole[: self.size_bytes]


def _one_of(options: Options, key: str, usual: str, other: str) -> str:
    given = options.text(key, usual)
    if given not in (usual, other):
        raise options.wrong(key, f"is '{given}': write {usual} or {other}")
    return given


class Publication:
    """One message on its way. ``missing``: who is to get it and has not; ``acknowledged``: its sender was told."""

    __slots__ = ("acknowledged", "data", "exchange", "member", "missing", "number", "subject")

    def __init__(self, number: int, subject: str, data: bytes, member: Member, readers: Sequence[str]) -> None:
        self.number, self.subject, self.data, self.member = number, subject, data, member
        self.missing = set(readers)
        self.acknowledged = False
        self.exchange: Exchange | None = None

    def feed(self, data: bytes) -> None:
        """Its answer comes in parts, from several connections."""

    def judge(self, status: int) -> Judged:
        return Judged(Outcome.OK, self.member.name, "")


class Publications:
    """All messages of one load, its publishers and its readers. ``log`` takes the lines of ``harness.deliveries``.

    ``unasked``: how often a message came to a reader that had it already, or one that nobody had sent.
    """

    def __init__(self, client: Nats, load: Load, log: Log) -> None:
        self.client = client
        self.unasked = 0
        self._name, self._log = load.traffic, log
        self._loop = asyncio.get_running_loop()
        self._begun = self._numbered = 0
        self._open: dict[int, Publication] = {}
        self._seen: dict[str, set[int]] = {host: set() for host in (load.host, *load.others)}
        self._held: list[Callable[[], object]] = []
        self._making: asyncio.TimerHandle | None = None
        # Nothing is sent before: the stream, and of every connection a first word, good or bad.
        self._awaited: set[object] = {_STREAM} if client.via_stream else set()
        self.replicas = client.replicas or (3 if len(self._seen) >= 3 else 1)
        token = os.urandom(4).hex()
        targets = [Target(host, load.port) for host in self._seen]
        self._members = [Member(t.host, Publisher(self, t, f"_INBOX.{token}.p{i}")) for i, t in enumerate(targets)]
        self._turns = Members(self._members)
        self._log(encode(Readers(tuple(self._seen))))
        self._readers = [self._reader(i, targets, f"_INBOX.{token}.r{i}") for i in range(len(targets))]
        self._awaited |= {_publisher(member) for member in self._members}
        self._awaited |= {reader for reader in self._readers if isinstance(reader, CoreReader)}

    def _reader(self, index: int, targets: Sequence[Target], inbox: str) -> "CoreReader | StreamReader":
        """Each begins at a server of its own; those of a stream may go on elsewhere."""
        name, ping_s = targets[index].host, self.client.ping_s
        came = partial(self._came, name)
        if not self.client.via_stream:
            return CoreReader(targets[index], f"{self._name}.>", ping_s, came, self.heard_of)
        order, ordered = (*targets[index:], *targets[:index]), self.client.ordered
        return StreamReader(f"reader-{index}", order, self._name, inbox, ping_s, ordered=ordered, came=came)

    def close(self) -> None:
        if self._making:
            self._making.cancel()
        for member in self._members:
            _publisher(member).close()
        for reader in self._readers:
            reader.close()

    # --- what is sent -------------------------------------------------------------------------------------------------

    def next(self) -> Ask | None:
        """On which server, what is written, and what hears of it; None: the history is as long as one may be."""
        if self._begun >= HISTORY_MAX:
            return None
        self._numbered += 1
        number, member = self._numbered, self._turns.next(monotonic_ns())
        subject, data = f"{self._name}.s{number % self.client.subjects}", self.client.data(number)
        request = _publisher(member).request(subject, data, number)
        one = Publication(number, subject, data, member, [*self._seen])
        return Ask(member.pool, request, partial(self._begin, one), self.told)

    def _begin(self, one: Publication) -> Publication:
        self._begun += 1
        self._open[one.number] = one
        self._say(Sent(one.number, one.subject, one.member.name, monotonic_ns()))
        return one

    def told(self, exchange: Exchange) -> None:
        """An operation has ended."""
        one = exchange.answer
        assert isinstance(one, Publication)
        del self._open[one.number]
        _publisher(one.member).forget(one.number)
        if exchange.outcome is Outcome.OK:
            exchange.node = one.member.name
            one.member.answered()
        elif not one.acknowledged:
            one.member.failed(exchange.done_ns)
        elif exchange.outcome is Outcome.TIMED_OUT:
            exchange.outcome = Outcome.TRUNCATED
            exchange.text = f"acknowledged, and it never came to {', '.join(sorted(one.missing))}"

    def stands(self, publisher: "Publisher", stands: bool) -> None:
        """Its connection is there, or is not: where another server can be asked, that one is."""
        self.heard_of(publisher)
        for member in self._members:
            if member.pool is publisher:
                member.answered() if stands else member.failed(monotonic_ns())

    def acknowledged(self, number: int) -> None:
        one = self._open.get(number)
        if one is None or one.acknowledged:
            return
        one.acknowledged = True
        _publisher(one.member).forget(number)
        self._say(Acknowledged(number, monotonic_ns()))
        self._end_if_whole(one)

    def _came(self, reader: str, subject: str, data: bytes) -> None:
        digits = data[:_DIGITS]
        number = int(digits) if digits.isdigit() else 0
        seen = self._seen[reader]
        if number in seen or not 0 < number <= self._numbered:
            self.unasked += 1
        if not 0 < number <= self._numbered:
            return
        seen.add(number)
        self._say(Came(number, reader, monotonic_ns()))
        one = self._open.get(number)
        if one is None or one.exchange is None:
            return
        if (subject, data) != (one.subject, one.data):
            one.exchange.end(Outcome.WRONG, f"not what was sent came to {reader}: {data[:40]!r}")
            return
        one.missing.discard(reader)
        self._end_if_whole(one)

    def _end_if_whole(self, one: Publication) -> None:
        if one.acknowledged and not one.missing and one.exchange:
            one.exchange.size_bytes = len(one.data)
            one.exchange.end(Outcome.OK)

    def _say(self, line: Line) -> None:
        self._log(encode(line))

    # --- before anything is published ---------------------------------------------------------------------------------

    def when_ready(self, then: Callable[[], object]) -> None:
        if self._awaited:
            self._held.append(then)
        else:
            then()

    def heard_of(self, what: object) -> None:
        """Nobody waits for it any more."""
        self._awaited.discard(what)
        if not self._awaited:
            held, self._held = self._held, []
            for then in held:
                then()

    def make(self) -> None:
        """Asked of whichever server is there, by turns, until one says that the stream is."""
        if _STREAM not in self._awaited:
            return
        if self._making:
            self._making.cancel()
        self._making = self._loop.call_later(_MAKE_AGAIN_S, self.make)
        for at, member in enumerate(self._members):
            if _publisher(member).make(self._name):
                self._members.append(self._members.pop(at))
                return


class Publisher:
    """What is published on one server, on one connection that is opened again as often as it ends."""

    def __init__(self, all_of: Publications, target: Target, inbox: str) -> None:
        self._all, self._inbox = all_of, inbox
        self._waiting: dict[int, Exchange] = {}
        self._why = (Outcome.REFUSED, "there was no connection")
        self._host = target.host
        self._link = Link((target,), (f"{inbox}.>",), all_of.client.ping_s, self)

    def request(self, subject: str, data: bytes, number: int) -> bytes:
        reply = f"{self._inbox}.{number}" if self._all.client.acked_by_stream else ""
        return nats_text.publish(subject, data, reply)

    def ask(self, exchange: Exchange) -> None:
        assert isinstance(exchange.answer, Publication)
        exchange.answer.exchange = exchange
        self._all.when_ready(partial(self._write, exchange, exchange.answer.number))

    def _write(self, exchange: Exchange, number: int) -> None:
        if exchange.ended:
            return
        if not self._link.up:
            exchange.end(*self._why)
            return
        exchange.written = True
        self._waiting[number] = exchange
        self._link.send(exchange.request)
        if not self._all.client.acked_by_stream:
            self._link.ping(partial(self._all.acknowledged, number))

    def forget(self, number: int) -> None:
        """Nothing is waited for any more."""
        self._waiting.pop(number, None)

    def make(self, stream: str) -> bool:
        """Ask for the stream; False: nobody can be asked here."""
        if self._link.up:
            store = self._all.client.store
            self._link.send(jetstream.make(stream, self._all.replicas, store, f"{self._inbox}.made"))
        return self._link.up

    def close(self) -> None:
        self._link.close()

    # --- what its connection tells it ---------------------------------------------------------------------------------

    def up(self) -> None:
        self._all.stands(self, True)
        self._all.make()

    def came(self, message: nats_text.Message) -> None:
        last, wrong = message.subject.rpartition(".")[2], jetstream.problem(message)
        if last == "made":
            if not wrong:
                self._all.heard_of(_STREAM)
            return
        exchange = self._waiting.get(int(last)) if last.isdecimal() else None
        if exchange and wrong:
            exchange.end(Outcome.SERVER_ERROR, wrong[:BEGINNING])
        elif exchange:
            self._all.acknowledged(int(last))

    def down(self, outcome: Outcome, text: str) -> None:
        self._why = outcome, f"{self._host}: {text}"[:BEGINNING]
        self._all.stands(self, False)
        waiting, self._waiting = self._waiting, {}
        for exchange in waiting.values():
            exchange.end(*self._why)


class CoreReader:
    """Listens on one server, and gets what is published while it does."""

    def __init__(
        self,
        target: Target,
        subject: str,
        ping_s: float,
        came: Callable[[str, bytes], object],
        heard_of: Callable[["CoreReader"], object],
    ) -> None:
        self._came, self._heard_of = came, heard_of
        self._link = Link((target,), (subject,), ping_s, self)

    def close(self) -> None:
        self._link.close()

    def up(self) -> None:
        self._heard_of(self)

    def down(self, outcome: Outcome, text: str) -> None:
        self._heard_of(self)

    def came(self, message: nats_text.Message) -> None:
        self._came(message.subject, message.data)


def _publisher(member: Member) -> Publisher:
    assert isinstance(member.pool, Publisher)
    return member.pool
