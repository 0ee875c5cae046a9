"""The client of messages: what counts as an answer, what its readers do, and whether its history tells the truth."""

from collections import Counter
from dataclasses import dataclass

from harness.client import nats as client
from harness.client.clients import build
from harness.deliveries import Deliveries, read
from harness.operations import Operation, Outcome
from harness.wire import Answered, History, LoadDone, Once
from tests.client.nats_peer import Nats, nats
from tests.client.talk import inside, load

HOSTS = ("127.0.0.1", "localhost")  # two names of one server, which are two members


@dataclass(frozen=True)
class Played:
    operations: list[Operation]
    seen: Deliveries
    unasked: int

    def ends(self) -> Counter[str]:
        return Counter(one.outcome.name for one in self.operations)

    def firsts(self, reader: str) -> list[int]:
        """What came to it, in the order in which it came for the first time."""
        return list(dict.fromkeys(one.number for one in self.seen.came if one.reader == reader))


def played(server: Nats, *, timeout_s: float = 5.0, for_s: float = 0.4, **options: str) -> Played:
    """50 messages a second."""
    with nats(server) as port, inside() as talk:
        wanted: dict[str, object] = {
            "client": "nats",
            "host": HOSTS[0],
            "others": HOSTS[1:],
            "options": tuple(options.items()),
        }
        operations = talk.run(load(port, traffic="bus", timeout_s=timeout_s, in_s=0.5, for_s=for_s, **wanted))
        lines = "".join(one.lines for one in talk.heard if isinstance(one, History)).encode()
        unasked = next(one.unasked for one in talk.heard if isinstance(one, LoadDone))
    return Played(operations, read(lines), unasked)


def test_a_message_is_answered_when_it_is_acknowledged_and_every_reader_has_it() -> None:
    server = Nats()
    found = played(server)
    assert found.ends() == {"OK": 20}
    assert {one.node for one in found.operations} == set(HOSTS)
    assert {one.size_bytes for one in found.operations} == {100}
    assert found.seen.readers == HOSTS
    assert set(found.seen.sent) == set(found.seen.acknowledged_ns) == set(range(1, 21))
    assert {one.subject for one in found.seen.sent.values()} == {f"bus.s{number}" for number in range(4)}
    assert [sorted(found.firsts(reader)) for reader in HOSTS] == [list(range(1, 21))] * 2
    assert (found.unasked, len(server.acknowledged)) == (0, 40)


def test_without_a_stream_it_is_answered_when_everybody_who_listens_has_it() -> None:
    found = played(Nats(), via="core", size="70000")
    assert found.ends() == {"OK": 20}
    assert len(found.seen.acknowledged_ns) == 20


def test_what_was_acknowledged_and_never_came_is_an_answer_that_never_ended() -> None:
    found = played(Nats(swallows={7}), timeout_s=4.0)
    assert found.ends() == {"OK": 19, "TRUNCATED": 1}
    assert len(found.seen.acknowledged_ns) == 20
    core = played(Nats(swallows={7}), timeout_s=4.0, via="core")
    assert core.ends() == {"OK": 19, "TRUNCATED": 1}


def test_an_ordered_reader_begins_anew_where_a_message_is_missing_and_never_goes_back() -> None:
    server = Nats(swallows={7, 12})
    found = played(server, reads="ordered")
    assert found.ends() == {"OK": 20}
    assert [found.firsts(reader) for reader in HOSTS] == [found.firsts(HOSTS[0])] * 2
    assert server.acknowledged == []
    assert {name.count("-") for name in server.consumers} == {2}


def test_what_the_stream_refuses_is_not_acknowledged() -> None:
    found = played(Nats(full=11))
    assert found.ends() == {"OK": 10, "SERVER_ERROR": 10}
    assert len(found.seen.acknowledged_ns) == 10


def test_a_message_that_is_not_what_was_sent_is_wrong() -> None:
    assert played(Nats(spoils={3})).ends() == {"OK": 19, "WRONG": 1}


def test_what_comes_once_more_is_counted() -> None:
    found = played(Nats(repeats={3, 4}))
    assert (found.ends(), found.unasked) == ({"OK": 20}, 4)


def test_a_connection_that_ends_takes_its_messages_with_it_and_is_opened_again() -> None:
    found = played(Nats(ends=5), timeout_s=4.0, for_s=1.5, via="core")
    assert found.ends()["CLOSED"] + found.ends()["RESET"] >= 1
    assert [one.outcome for one in found.operations][-3:] == [Outcome.OK] * 3


def test_where_nobody_listens_it_is_refused_and_without_a_stream_to_be_made_nothing_is_sent() -> None:
    with nats(Nats()) as port:
        pass
    ends = []
    for via in ("core", "stream"):
        with inside() as talk:
            wanted: dict[str, object] = {"client": "nats", "others": HOSTS[1:], "options": (("via", via),)}
            operations = talk.run(load(port, timeout_s=4.0, in_s=0.5, for_s=0.2, **wanted))
        ends.append({one.outcome for one in operations})
    assert ends == [{Outcome.REFUSED}, {Outcome.TIMED_OUT}]


def test_a_server_is_ready_when_its_streams_have_a_leader() -> None:
    with nats(Nats()) as port, nats(Nats(leaderless=True)) as other, inside() as talk:
        talk.say(Once(1, "nats", HOSTS[0], port, 3.0))
        assert talk.next(Answered).outcome == "OK"
        talk.say(Once(2, "nats", HOSTS[0], other, 3.0))
        answered = talk.next(Answered)
        assert (answered.outcome, answered.text) == ("SERVER_ERROR", "503: no leader")


def test_no_two_messages_are_alike_and_each_has_its_length() -> None:
    made = build("nats", (("size", "40"),), 7)
    assert isinstance(made, client.Nats)
    messages = [made.data(number) for number in range(1, 300)]
    assert len(set(messages)) == 299
    assert {len(one) for one in messages} == {40}
    assert messages[0].startswith(b"000000000001 ")
