"""Every member of etcd by turns: whom it takes for its leader in which term, and what its store hashes to.

A status is Raft's own, as the member publishes it beside its metrics: term and leader of one instant. (What the gateway
calls a status has the term of the last entry that was applied, and so a new leader with an old term for a moment.)
"""

from abc import abstractmethod
from collections.abc import Iterator
from functools import partial
from itertools import count

import msgspec

from harness.client.asking import BEGINNING
from harness.client.connection import Pool
from harness.client.etcd import Body
from harness.client.exchange import Exchange
from harness.client.http import OverHttp, Request
from harness.client.options import Options
from harness.client.turns import Ask, Log, Pools
from harness.members import Hashed, Status, Told, line
from harness.operations import Outcome
from harness.wire import Load

_STATUSES = 5  # rounds of them between two rounds of hashes
_json = msgspec.json.Encoder().encode


class _Raft(msgspec.Struct):
    id: str
    term: int
    lead: str


class _Vars(msgspec.Struct, rename={"raft": "raft.status"}):
    raft: _Raft


class _Header(msgspec.Struct):
    revision: str = "0"


class _Hash(msgspec.Struct):
    """The gateway writes 64-bit numbers as texts, and leaves out what is 0."""

    header: _Header
    hash: int = 0
    compact_revision: str = "0"


_vars = msgspec.json.Decoder(_Vars).decode
_hash = msgspec.json.Decoder(_Hash).decode


class Statuses(OverHttp):
    """Has no options."""

    def __init__(self, options: Options, seed: int) -> None:
        pass

    def questions(self) -> tuple[Request, ...]:
        return (_status(""),)

    def asks(self, load: Load, pools: Pools, log: Log) -> Iterator[Ask]:
        """Nobody is left out because it did not answer: that, too, is written down."""
        return Rounds(load, {host: pools.of(self, host) for host in (load.host, *load.others)}, log).asks()


class Reading(Body):
    """The answer of ``node``."""

    _nothing = "nothing that a member of etcd says"

    @abstractmethod
    def told(self, at_ns: int, error: str) -> Told:
        """The line of the history."""


class StatusReading(Reading):
    def __init__(self, node: str) -> None:
        super().__init__(node)
        self._raft = _Raft("", 0, "")

    def _take(self) -> None:
        self._raft = _vars(self._body).raft

    def told(self, at_ns: int, error: str) -> Status:
        lead = "" if self._raft.lead == "0" else self._raft.lead
        return Status(self.node, at_ns, error, self._raft.id, lead, self._raft.term)


class HashReading(Reading):
    """``revision``: at which it was asked for; 0: whatever the member holds now. ``known``: what it knew by then."""

    def __init__(self, node: str, revision: int) -> None:
        super().__init__(node)
        self.revision = revision
        self.known = 0
        self._compacted = self._hash = 0

    def _take(self) -> None:
        answered = _hash(self._body)
        self.known, self._compacted = int(answered.header.revision), max(0, int(answered.compact_revision))
        self._hash = answered.hash

    def told(self, at_ns: int, error: str) -> Hashed:
        return Hashed(self.node, at_ns, error, self.revision, self._compacted, self._hash)


class Rounds:
    """Statuses of all, round by round, and now and then hashes of all at a revision that all of them know."""

    def __init__(self, load: Load, pools: dict[str, Pool], log: Log) -> None:
        self._load, self._pools, self._log = load, pools, log
        self._known: dict[str, int] = {}  # the revision that each knew when it was last asked for a hash

    def asks(self) -> Iterator[Ask]:
        for number in count(1):
            for node in self._pools:
                yield self._ask(node, _status(node))
            if number % _STATUSES == 0:
                revision = min(self._known.values(), default=0)
                for node in self._pools:
                    # One of which nobody knows how far it is tells that first.
                    yield self._ask(node, _hashed(node, revision if node in self._known else 0))

    def _ask(self, node: str, asked: Request) -> Ask:
        sent = asked.request(node, self._load.port, self._load.connection == "keep-alive")
        return Ask(self._pools[node], sent, asked.answer, self._told)

    def _told(self, exchange: Exchange) -> None:
        reading = exchange.answer
        assert isinstance(reading, Reading)
        well = exchange.outcome is Outcome.OK
        error = "" if well else f"{exchange.outcome.name.lower()}: {exchange.text}"[:BEGINNING]
        self._log(line(reading.told(exchange.done_ns, error)))
        if isinstance(reading, HashReading):
            self._known.pop(reading.node, None)
            if well:
                self._known[reading.node] = reading.known


def _status(node: str) -> Request:
    return Request("GET", "/debug/vars", b"", partial(StatusReading, node))


def _hashed(node: str, revision: int) -> Request:
    body = _json({"revision": str(revision)})
    return Request("POST", "/v3/maintenance/hashkv", body, partial(HashReading, node, revision))
