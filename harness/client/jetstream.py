"""A stream of NATS: how it is made, and readers of it that go on wherever a server still answers.

https://docs.nats.io/reference/reference-protocols/nats_api_reference
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import msgspec

from harness.client import nats_text
from harness.client.nats_link import Link
from harness.client.target import Target
from harness.clock import NS_PER_S
from harness.operations import Outcome

Store = Literal["file", "memory"]
INFO = "$JS.API.INFO"
_BATCH = 256  # messages that a reader lets come before it asks for more
_PULL_NS = 5 * NS_PER_S
_HEARTBEAT_NS = NS_PER_S // 2
_SILENT_S = 1.5  # without a heartbeat, and a reader looks for another server
_AGAIN_S = 0.25
_ACK_WAIT_NS = 3 * NS_PER_S  # what a reader did not acknowledge is sent again after that
_FORGET_NS = 30 * NS_PER_S
_ACK_TOKENS = 9  # $JS.ACK.stream.consumer.times.stream-number.consumer-number.time.left
_HEARTBEAT = 100
_json = msgspec.json.Encoder().encode


class Problem(msgspec.Struct):
    code: int = 0
    description: str = ""


class Answered(msgspec.Struct):
    """What any question to the stream's side is answered with. ``seq``: of an acknowledgement, its place in it."""

    error: Problem | None = None
    seq: int = 0


_decode = msgspec.json.Decoder(Answered).decode


def problem(message: nats_text.Message) -> str:
    """What is wrong with that answer: a sentence, or ""."""
    if message.status:
        return f"nobody answered for the stream ({message.status})"
    try:
        answered = _decode(message.data)
    except msgspec.MsgspecError:
        return f"not an answer: {message.data[:60]!r}"
    return f"{answered.error.code}: {answered.error.description}" if answered.error else ""


def make(stream: str, replicas: int, store: Store, reply: str) -> bytes:
    """The question that makes the stream of ``stream.>``; the same one again changes nothing."""
    config = {"name": stream, "subjects": [f"{stream}.>"], "storage": store, "num_replicas": replicas}
    whole = {**config, "retention": "limits", "max_msgs": -1, "max_bytes": -1, "max_age": 0, "max_consumers": -1}
    return nats_text.publish(f"$JS.API.STREAM.CREATE.{stream}", _json(whole), reply)


class Place(NamedTuple):
    """Which message of the stream it is, and which of all that ``consumer`` was sent."""

    consumer: str
    in_stream: int
    in_consumer: int


def place(message: nats_text.Message) -> Place | None:
    tokens = message.reply.split(".")
    if len(tokens) < _ACK_TOKENS or tokens[:2] != ["$JS", "ACK"]:
        return None
    if not (tokens[5].isdecimal() and tokens[6].isdecimal()):
        return None
    return Place(tokens[3], int(tokens[5]), int(tokens[6]))


class StreamReader:
    """Gets every message of a stream, in one of two ways.

    ``ordered``: it acknowledges nothing, and begins anew after the last one it got, wherever one is missing. Else one
    consumer of its name keeps what it has acknowledged; what came to nobody is sent once more, after others. ``came``
    gets the subject and the data of each.
    """

    def __init__(
        self,
        name: str,
        targets: Sequence[Target],
        stream: str,
        inbox: str,
        ping_s: float,
        *,
        ordered: bool,
        came: Callable[[str, bytes], object],
    ) -> None:
        self._name, self._stream, self._inbox, self._ordered, self._came = name, stream, inbox, ordered, came
        self._loop = asyncio.get_running_loop()
        self._turn = 0  # what was asked before the last beginning is answered to nobody
        self._next = 1  # the first message of the stream that it lacks
        self._in_consumer = 0
        self._left = 0
        self._timer: asyncio.TimerHandle | None = None
        self._link = Link(targets, (f"{inbox}.>",), ping_s, self)

    def close(self) -> None:
        self._after(None, self._begin)
        self._link.close()

    # --- what its connection tells it ---------------------------------------------------------------------------------

    def up(self) -> None:
        self._begin()

    def down(self, outcome: Outcome, text: str) -> None:
        self._after(None, self._begin)

    def came(self, message: nats_text.Message) -> None:
        if message.subject == self._made_at:
            if problem(message):
                self._after(_AGAIN_S, self._begin)
            else:
                self._pull()
        elif message.subject == self._pulled_at:
            self._stopped(message.status)
        elif (found := place(message)) and found.consumer == self._consumer:
            self._one(message, found)

    # --- its own ------------------------------------------------------------------------------------------------------

    @property
    def _made_at(self) -> str:
        return f"{self._inbox}.made.{self._turn}"

    @property
    def _pulled_at(self) -> str:
        return f"{self._inbox}.pulled.{self._turn}"

    @property
    def _consumer(self) -> str:
        return f"{self._name}-{self._turn}" if self._ordered else self._name

    def _after(self, delay_s: float | None, then: Callable[[], object]) -> None:
        """One timer: whatever is waited for, something else is done when it does not come."""
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay_s, then) if delay_s else None

    def _begin(self) -> None:
        if not self._link.up:
            return
        self._turn += 1
        self._in_consumer = 0
        self._link.send(self._making())
        self._after(_SILENT_S, self._link.elsewhere)

    def _making(self) -> bytes:
        common: dict[str, object] = {"replay_policy": "instant"}
        if self._ordered:
            begins = {"deliver_policy": "by_start_sequence", "opt_start_seq": self._next, "ack_policy": "none"}
            kept = {"name": self._consumer, "mem_storage": True, "num_replicas": 1, "inactive_threshold": _FORGET_NS}
            return self._asked("CREATE", {**common, **begins, **kept})
        acked = {"deliver_policy": "all", "ack_policy": "explicit", "ack_wait": _ACK_WAIT_NS, "max_ack_pending": 10_000}
        return self._asked("DURABLE.CREATE", {**common, **acked, "durable_name": self._consumer})

    def _asked(self, verb: str, config: dict[str, object]) -> bytes:
        subject = f"$JS.API.CONSUMER.{verb}.{self._stream}.{self._consumer}"
        return nats_text.publish(subject, _json({"stream_name": self._stream, "config": config}), self._made_at)

    def _pull(self) -> None:
        self._left = _BATCH
        wanted = {"batch": _BATCH, "expires": _PULL_NS, "idle_heartbeat": _HEARTBEAT_NS}
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}"
        self._link.send(nats_text.publish(subject, _json(wanted), self._pulled_at))
        self._after(_SILENT_S, self._link.elsewhere)

    def _stopped(self, status: int) -> None:
        """What the server says in place of a message."""
        if status == _HEARTBEAT:
            self._after(_SILENT_S, self._link.elsewhere)
        elif status in (404, 408):  # so long there was nothing more
            self._pull()
        else:  # another leads now, the consumer is gone, nobody is there
            self._after(_AGAIN_S, self._begin)

    def _one(self, message: nats_text.Message, found: Place) -> None:
        self._after(_SILENT_S, self._link.elsewhere)
        if self._ordered:
            if found.in_consumer != self._in_consumer + 1:
                self._begin()
                return
            self._in_consumer, self._next = found.in_consumer, found.in_stream + 1
        else:
            self._link.send(nats_text.publish(message.reply, b"+ACK"))
        self._left -= 1
        self._came(message.subject, message.data)
        if not self._left:
            self._pull()
