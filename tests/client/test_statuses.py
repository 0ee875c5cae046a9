"""The client that asks every member of etcd for its status and its hash."""

import asyncio
import json
from itertools import islice
from typing import Any

import pytest

from harness.client.asks import asks, clients_of
from harness.client.exchange import Exchange
from harness.client.statuses import HashReading, StatusReading
from harness.client.turns import Ask, Pools
from harness.members import Hashed, Status, read
from harness.operations import Outcome
from harness.wire import History
from tests.client.peer import Reply as Sent
from tests.client.peer import serving
from tests.client.talk import inside, load

VARS = (
    b'{"cmdline": ["etcd"],\n"raft.status": {"id":"5440ff22fe632778","term":2,"vote":"5440ff22fe632778","commit":7,'
    b'"lead":"%s","raftState":"StateLeader","applied":7,"progress":{},"leadtransferee":"0"}\n}\n'
)


def page(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def hashed(revision: int, compacted: int, value: int) -> bytes:
    header = {"cluster_id": "9", "member_id": "7", "revision": str(revision), "raft_term": "2"}
    return json.dumps({"header": header, "hash": value, "compact_revision": str(compacted)}).encode()


class Peer:
    """What members answer, by the number of the question. ``asked``: host and, of a hash, the revision."""

    def __init__(self, refused: int = -1) -> None:
        self.asked: list[tuple[str, int | None]] = []
        self.lines = b""
        self._refused = refused

    def ask(self, hosts: tuple[str, ...], count: int) -> None:
        async def all_of_them() -> None:
            wanted = load(1, client="etcd-status", users=1, host=hosts[0], others=hosts[1:])
            for ask in islice(asks(wanted, clients_of(wanted), Pools(wanted), self._log), count):
                self._answer(ask)

        asyncio.run(all_of_them())

    def _log(self, line: bytes) -> None:
        self.lines += line

    def _answer(self, ask: Ask) -> None:
        head, _, body = ask.request.partition(b"\r\n\r\n")
        number, revision = len(self.asked), int(json.loads(body)["revision"]) if body else None
        self.asked.append((head.split(b"Host: ")[1].split(b":")[0].decode(), revision))
        told = ask.told
        assert told

        def ended(exchange: Exchange) -> None:
            told(exchange)

        exchange = Exchange(1, ask.request, ask.answer(), ended)
        if number == self._refused:
            exchange.end(Outcome.CLIENT_ERROR, "HTTP 400: mvcc: required revision is a future revision")
            return
        exchange.answer.feed(VARS % b"5440ff22fe632778" if revision is None else hashed(100 + number, -1, 4242))
        outcome, node, text = exchange.answer.judge(200)
        exchange.end(outcome, text, node)


def test_after_five_statuses_of_each_comes_a_hash_of_each_at_what_all_of_them_know() -> None:
    peer = Peer()
    peer.ask(("n1", "n2"), 24)
    lines = list(read(peer.lines, "history"))
    statuses = [("n1", None), ("n2", None)] * 5
    assert peer.asked == [*statuses, ("n1", 0), ("n2", 0), *statuses, ("n1", 110), ("n2", 110)]
    assert [type(one) for one in lines] == [*[Status] * 10, *[Hashed] * 2] * 2
    raft = "5440ff22fe632778"
    assert lines[0] == Status("n1", lines[0].at_ns, member=raft, lead=raft, term=2)
    assert lines[-1] == Hashed("n2", lines[-1].at_ns, revision=110, compacted=0, hash=4242)


def test_who_does_not_have_a_revision_tells_how_far_it_is_in_the_next_round() -> None:
    peer = Peer(refused=23)
    peer.ask(("n1", "n2"), 48)
    assert [revision for _, revision in peer.asked if revision is not None] == [0, 0, 110, 110, 122, 0, 134, 134]
    refused = list(read(peer.lines, "history"))[23]
    assert refused == Hashed(
        "n2", refused.at_ns, "client_error: HTTP 400: mvcc: required revision is a future revision", revision=110
    )


def test_a_member_that_does_not_answer_is_asked_in_its_turn_all_the_same_and_that_is_written_down() -> None:
    with (
        serving(lambda number, body: Sent(page(200, hashed(9, 1, 7) if body else VARS % b"0"))) as seen,
        inside() as talk,
    ):
        wanted: dict[str, Any] = {"client": "etcd-status", "users": 2, "rate_per_s": 0.0, "think_s": 0.01}
        operations = talk.run(load(seen.port, others=("no..such",), for_s=2.0, **wanted))
        lines = "".join(m.lines for m in talk.heard if isinstance(m, History)).encode()
    told = list(read(lines, "history"))
    assert {one.node for one in told} == {"127.0.0.1", "no..such"}
    assert all(one.error for one in told if one.node == "no..such")
    assert len(told) == len(operations)


def test_who_knows_no_leader_names_none() -> None:
    reading = StatusReading("n1")
    reading.feed(VARS % b"0")
    assert reading.judge(200).outcome is Outcome.OK
    assert reading.told(5, "") == Status("n1", 5, member="5440ff22fe632778", term=2)


@pytest.mark.parametrize("body", [b"", b"{}", b"[", b'{"raft.status": {"term": "x"}}', b"\xff" * 9, b"x" * 3_000_000])
def test_what_no_member_says_is_wrong(body: bytes) -> None:
    for reading in (StatusReading("n1"), HashReading("n1", 3)):
        reading.feed(body)
        judged = reading.judge(200)
        assert (judged.outcome, judged.text[:33]) == (Outcome.WRONG, "nothing that a member of etcd say")


def test_a_refusal_is_an_error() -> None:
    reading = HashReading("n1", 3)
    reading.feed(b"mvcc: required revision has been compacted")
    assert reading.judge(400).outcome is Outcome.CLIENT_ERROR
    assert reading.told(9, "client_error: HTTP 400") == Hashed("n1", 9, "client_error: HTTP 400", revision=3)
