"""The client of registers: what it asks, what it makes of the answers, and whether its history tells the truth."""

import asyncio
import json
from base64 import b64decode, b64encode
from collections import Counter
from itertools import islice
from typing import Any

import pytest

from harness.client import registers
from harness.client.asks import asks, clients_of
from harness.client.clients import build
from harness.client.connection import Pool
from harness.client.etcd import Deed, Reply
from harness.client.http import HttpConnection
from harness.client.members import AWAY_NS, Member, Members
from harness.client.target import Target
from harness.client.turns import Pools
from harness.consistency.check import check
from harness.consistency.reading import read_lines
from harness.errors import WireError
from harness.operations import Operation, Outcome
from harness.wire import History, Load, LoadDone
from tests.client.peer import Behaviour, serving
from tests.client.peer import Reply as Sent
from tests.client.talk import inside, load


def text(value: object) -> str:
    return b64encode(str(value).encode()).decode()


class Store:
    """The three requests of etcd's gateway over registers in memory. ``forgets``: every so many-th write is lost."""

    def __init__(self, forgets: int = 0) -> None:
        self.held: dict[str, str] = {}
        self.revision = 1
        self._forgets = forgets
        self._puts = 0

    def __call__(self, number: int, body: bytes) -> Sent:
        return Sent(page(200, json.dumps(self._answer(json.loads(body))).encode()))

    def _answer(self, asked: dict[str, Any]) -> dict[str, object]:
        if "serializable" in asked:
            held = self.held.get(str(asked["key"]))
            return self._said() | ({"kvs": [{"key": asked["key"], "value": held}], "count": "1"} if held else {})
        if "compare" not in asked:
            self._put(asked)
            return self._said()
        [compare], [success] = asked["compare"], asked["success"]
        held = self.held.get(compare["key"])
        if held is not None if compare["target"] == "VERSION" else held != compare["value"]:
            return self._said()
        self._put(success["requestPut"])
        return self._said() | {"succeeded": True, "responses": [{"response_put": {}}]}

    def _put(self, asked: dict[str, Any]) -> None:
        self._puts += 1
        self.revision += 1
        if not self._forgets or self._puts % self._forgets:
            self.held[str(asked["key"])] = str(asked["value"])

    def _said(self) -> dict[str, object]:
        return {"header": {"cluster_id": "1", "member_id": "2", "revision": str(self.revision), "raft_term": "3"}}


def page(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def played(behaviour: Behaviour, count: int = 120, **changes: object) -> tuple[list[Operation], bytes, LoadDone]:
    """So many operations of five processes against such a server, their history, and the load's last word."""
    with pytest.MonkeyPatch.context() as patch, serving(behaviour) as seen, inside() as talk:
        patch.setattr(registers, "HISTORY_MAX", count)  # it ends by their number, however busy the machine is
        wanted = {"client": "registers", "users": 5, "think_s": 0.005, "rate_per_s": 0.0, "for_s": 60.0, **changes}
        operations = talk.run(load(seen.port, **wanted))
        lines = "".join(m.lines for m in talk.heard if isinstance(m, History)).encode()
        done = next(m for m in talk.heard if isinstance(m, LoadDone))
    return operations, lines, done


def types(lines: bytes) -> Counter[str]:
    return Counter(json.loads(line)["type"] for line in lines.splitlines())


# --- requests and answers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deed", "serializable", "path", "body"),
    [
        (Deed("read", "r1"), False, "range", {"key": text("r1"), "serializable": False}),
        (Deed("read", "r1"), True, "range", {"key": text("r1"), "serializable": True}),
        (Deed("write", "r1", 7), True, "put", {"key": text("r1"), "value": text(7)}),
        (
            Deed("cas", "r1", 8, 7),
            False,
            "txn",
            {
                "compare": [{"key": text("r1"), "result": "EQUAL", "target": "VALUE", "value": text(7)}],
                "success": [{"requestPut": {"key": text("r1"), "value": text(8)}}],
            },
        ),
        (
            Deed("cas", "r1", 8),
            False,
            "txn",
            {
                "compare": [{"key": text("r1"), "result": "EQUAL", "target": "VERSION", "version": "0"}],
                "success": [{"requestPut": {"key": text("r1"), "value": text(8)}}],
            },
        ),
    ],
)
def test_each_operation_is_one_request_of_the_gateway(
    deed: Deed, serializable: bool, path: str, body: dict[str, object]
) -> None:
    head, _, sent = deed.request(serializable=serializable).request("n1", 2379, keep=True).partition(b"\r\n\r\n")
    assert head.startswith(f"POST /v3/kv/{path} HTTP/1.1\r\nHost: n1:2379\r\n".encode())
    assert json.loads(sent) == body


@pytest.mark.parametrize(
    ("status", "body", "outcome", "found", "swapped"),
    [
        (200, b'{"header":{"revision":"9","raft_term":"2"},"kvs":[{"value":"%s"}]}', Outcome.OK, 42, False),
        (200, b'{"header":{"revision":"9"},"succeeded":true}', Outcome.OK, None, True),
        (200, b'{"header":{}}', Outcome.OK, None, False),
        (200, b'{"header":{},"kvs":[{"value":"?"}]}', Outcome.WRONG, None, False),
        (200, b'{"header":{},"kvs":[{"value":"bm8="}]}', Outcome.WRONG, None, False),
        (200, b'{"kvs":[]}', Outcome.WRONG, None, False),
        (200, b"\xff", Outcome.WRONG, None, False),
        (503, b'{"error":"etcdserver: no leader"}', Outcome.SERVER_ERROR, None, False),
        (400, b'{"error":"etcdserver: too many requests"}', Outcome.CLIENT_ERROR, None, False),
    ],
)
def test_an_answer_is_read_whole_or_is_none(
    status: int, body: bytes, outcome: Outcome, found: int | None, swapped: bool
) -> None:
    reply = Reply()
    for byte in body.replace(b"%s", text(42).encode()):
        reply.feed(bytes([byte]))
    assert (reply.judge(status).outcome, reply.found, reply.swapped) == (outcome, found, swapped)


def test_an_answer_without_end_is_none() -> None:
    reply = Reply()
    for _ in range(40):
        reply.feed(b"x" * 65_536)
    assert reply.judge(200).outcome is Outcome.WRONG


@pytest.mark.parametrize(
    ("option", "value", "half"),
    [
        ("reads", "stale", "is 'stale': write linearizable or serializable"),
        ("writes", "90%", "and 'writes' are more than 100% together: leave some for reads, or none"),
        ("writes", "4", "is '4': write a share such as 99.5%"),
        ("keys", "0", "is 0: write a number from 1 to 1000"),
    ],
)
def test_an_option_that_is_none_is_told_how_it_is_written(option: str, value: str, half: str) -> None:
    with pytest.raises(WireError) as caught:
        build("registers", ((option, value),), 0)
    assert half.partition(":")[0] in str(caught.value)


# --- what is asked ----------------------------------------------------------------------------------------------------


def test_the_seed_says_what_is_asked_and_every_written_value_is_new() -> None:
    def drawn(seed: int) -> list[bytes]:
        async def draw() -> list[bytes]:
            asked = load(1, client="registers", users=1, seed=seed)
            return [ask.request for ask in islice(asks(asked, clients_of(asked), Pools(asked)), 2_000)]

        return asyncio.run(draw())

    sent = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in drawn(1)]
    kinds = Counter("cas" if "compare" in one else "read" if "serializable" in one else "write" for one in sent)
    puts = [one["success"][0]["requestPut"] if "compare" in one else one for one in sent if "serializable" not in one]
    assert drawn(1) == drawn(1) != drawn(2)
    assert all(abs(kinds[kind] - n) < 5 * n**0.5 for kind, n in (("read", 800), ("write", 800), ("cas", 400)))
    assert {b64decode(put["key"]) for put in puts} == {f"r{i}".encode() for i in range(5)}
    assert len({put["value"] for put in puts}) == len(puts)


# --- whole loads ------------------------------------------------------------------------------------------------------


def test_a_store_that_keeps_what_it_is_told_has_a_linearizable_history_with_every_operation_in_it() -> None:
    operations, lines, done = played(Store())
    result = check(read_lines(lines, "history"), contested_min=0)
    counted = types(lines)
    assert {(o.outcome, o.node) for o in operations} == {(Outcome.OK, "127.0.0.1")}
    assert (result.outcome, done.sent) == ("yes", len(operations))
    assert counted["invoke"] == len(operations) == counted["ok"] + counted["fail"]
    assert counted["info"] == 0
    assert len(operations) == 120


def test_a_store_that_forgets_some_of_what_it_was_told_is_found_out() -> None:
    _, lines, _ = played(Store(forgets=2), options=(("keys", "1"),))
    assert check(read_lines(lines, "history"), contested_min=0).outcome == "no"


def test_lines_say_who_answered_and_what_the_store_said_of_itself() -> None:
    _, lines, _ = played(Store())
    answered = [found for found in map(json.loads, lines.splitlines()) if found["type"] != "invoke"]
    assert {(found["node"], found["term"]) for found in answered} == {("127.0.0.1", 3)}
    assert max(found["revision"] for found in answered) > 3


def test_a_change_of_which_nobody_knows_stays_open_and_its_process_goes_on_under_a_new_number() -> None:
    store = Store()

    def behaviour(number: int, body: bytes) -> Sent:
        return Sent(then="close") if number % 7 == 3 else store(number, body)

    operations, lines, _ = played(behaviour)
    told = [json.loads(line) for line in lines.splitlines()]
    lost = [line for line in told if "error" in line]
    ends = {line["process"]: at for at, line in enumerate(told) if line["type"] == "info"}
    lasts = {line["process"]: at for at, line in enumerate(told)}
    assert {line["type"] for line in lost if line["f"] == "read"} == {"fail"}
    assert {line["type"] for line in lost if line["f"] != "read"} == {"info"}
    assert len(lost) == sum(o.outcome is not Outcome.OK for o in operations) > 5
    assert all(lasts[process] == at for process, at in ends.items())
    assert len(lasts) - len(ends) <= 5
    assert check(read_lines(lines, "history"), contested_min=0).outcome == "yes"


def test_what_was_never_sent_has_failed_for_certain() -> None:
    with inside() as talk:
        talk.run(load(1, client="registers", users=2, rate_per_s=0.0, think_s=0.02, timeout_s=1.0))
        lines = "".join(m.lines for m in talk.heard if isinstance(m, History)).encode()
    assert set(types(lines)) == {"invoke", "fail"}
    assert {json.loads(line)["process"] for line in lines.splitlines()} <= {0, 1}


def test_a_time_out_is_an_operation_that_may_have_been_carried_out() -> None:
    _, lines, _ = played(
        lambda number, body: Sent(wait_s=1.0), count=10, timeout_s=0.1, options=(("writes", "100%"), ("swaps", "0%"))
    )
    assert set(types(lines)) == {"invoke", "info"}


def test_a_member_that_fails_is_left_alone_while_another_answers() -> None:
    operations, lines, _ = played(Store(), others=("no..such",))
    failed = [o for o in operations if o.outcome is not Outcome.OK]
    assert {o.outcome for o in failed} == {Outcome.UNREACHABLE}
    assert 1 <= len(failed) <= 5  # those that were under way when the first failed, and one trial
    assert {o.node for o in operations if o.outcome is Outcome.OK} == {"127.0.0.1"}
    assert types(lines)["info"] == 0


def test_a_load_ends_where_its_history_may_not_grow() -> None:
    operations, lines, done = played(Store(), 40)
    assert (len(operations), done.sent, types(lines)["invoke"]) == (40, 40, 40)


# --- whose turn it is -------------------------------------------------------------------------------------------------


def test_members_are_asked_by_turns_and_one_that_failed_is_tried_again_by_a_single_operation() -> None:
    def pool(name: str) -> Pool:
        return Pool(Target(name, 1), True, HttpConnection)

    async def turns() -> list[str]:
        one, two = Member("n1", pool("127.0.0.1")), Member("n2", pool("127.0.0.1"))
        members = Members((one, two))
        names = [members.next(10).name for _ in range(4)]
        two.failed(10)
        names += [members.next(11).name for _ in range(3)]
        names += [members.next(10 + AWAY_NS).name for _ in range(4)]
        two.answered()
        names += [members.next(11 + AWAY_NS).name for _ in range(2)]
        one.failed(30)
        two.failed(20)
        return [*names, *(members.next(40).name for _ in range(3))]

    assert " ".join(asyncio.run(turns())) == "n1 n2 n1 n2 n1 n1 n1 n2 n1 n1 n1 n2 n1 n2 n1 n2"


def test_a_load_of_registers_can_be_packed_and_has_every_host() -> None:
    async def hosts() -> set[str]:
        asked: Load = load(1, client="registers", others=("localhost",))
        heads = [ask.request.partition(b"\r\n")[2] for ask in islice(asks(asked, clients_of(asked), Pools(asked)), 4)]
        return {head.split(b"\r\n")[0].decode() for head in heads}

    assert asyncio.run(hosts()) == {"Host: 127.0.0.1:1", "Host: localhost:1"}
