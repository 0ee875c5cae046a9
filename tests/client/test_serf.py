"""Serf's RPC, against an agent that does as it is told."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest

from harness.client.msgpack import end_of
from harness.client.serf import Heard, Listed, Nodes
from harness.errors import WireError
from harness.operations import Operation, Outcome
from harness.wire import Answered, Once
from tests.client.peer import listening
from tests.client.talk import inside, load

pack = msgspec.msgpack.encode
Replies = Callable[[str, int, dict[str, object]], bytes]  # command, number, body -> what comes back

ADDRESS = bytes([0] * 10 + [255, 255, 192, 0, 2, 1])
TAKEN = {"Error": ""}


def header(number: int, error: str = "") -> bytes:
    return pack({"Seq": number, "Error": error})


def members(number: int, **status: str) -> bytes:
    """As an agent writes them: addresses are bytes, and there is more of each than we read."""
    listed = [{"Name": name, "Addr": ADDRESS, "Tags": {"dc": "east"}, "Status": said} for name, said in status.items()]
    return header(number) + pack({"Members": listed})


def record(number: int, kind: str, sender: str = "", payload: bytes | None = None) -> bytes:
    return header(number) + pack({"Type": kind, "From": sender, "Payload": payload})


@contextmanager
def agent(replies: Replies, piece_bytes: int = 1 << 16) -> Iterator[int]:
    """Its port. Every command but the handshake has a body if it is a query; answers go out in such pieces."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came = b""
        try:
            while data := await reader.read(1 << 16):
                came += data
                while came and (found := _command(came)):
                    came, command, number, body = found
                    answer = header(0) if command == "handshake" else replies(command, number, body)
                    for start in range(0, len(answer), piece_bytes):
                        writer.write(answer[start : start + piece_bytes])
                        await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    with listening(serve) as port:
        yield port


def _command(came: bytes) -> tuple[bytes, str, int, dict[str, object]] | None:
    end = end_of(came)
    if end is None:
        return None
    head = msgspec.msgpack.decode(came[:end])
    body: dict[str, object] = {}
    if head["Command"] in ("handshake", "query"):
        body_end = end_of(came, end)
        if body_end is None:
            return None
        body, end = msgspec.msgpack.decode(came[end:body_end]), body_end
    return came[end:], head["Command"], head["Seq"], body


def run(port: int, *options: tuple[str, str], **changes: object) -> list[Operation]:
    with inside() as talk:
        changed = {"rate_per_s": 20.0, "timeout_s": 20.0, **changes}
        return talk.run(load(port, client="serf", options=options, **changed))


def names(operations: list[Operation]) -> set[str]:
    return {o.outcome.name for o in operations}


# --- members ----------------------------------------------------------------------------------------------------------


def test_a_list_with_everybody_in_it_is_right_whatever_pieces_it_comes_in() -> None:
    for piece_bytes in (1, 7, 1 << 16):
        with agent(lambda _, number, __: members(number, e1="alive", w1="failed"), piece_bytes) as port:
            got = run(port, ("expect", "e1"), ("failed", "any"), ("known", "e1 w1"))
        assert names(got) == {"OK"} and len(got) == 10


def test_who_is_asked_by_turns_is_whose_answer_it_is() -> None:
    with agent(lambda _, number, __: members(number, e1="alive")) as port:
        got = run(port, host="127.0.0.1", others=("localhost",))
    assert [o.node for o in got] == ["127.0.0.1", "localhost"] * 5


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        (Nodes(("e1", "e2", "e3"), frozenset(), 0, False), "e2 failed, e3 unknown, and should be alive"),
        (Nodes(("e1",), frozenset(), 0, True), "e2 listed as failed"),
        (Nodes((), frozenset({"e1"}), 0, False), "e2 is listed, and there is no such node"),
        (Nodes((), frozenset(), 3, False), "1 are alive, and 3 should be"),
        (Nodes(("e1",), frozenset({"e1", "e2"}), 1, False), ""),
    ],
)
def test_what_is_wrong_with_a_list_is_said(nodes: Nodes, text: str) -> None:
    listed = Listed(nodes)
    listed.feed(pack({"Members": [{"Name": "e1", "Status": "alive"}, {"Name": "e2", "Status": "failed"}]}))
    outcome, _, said = listed.judge(0)
    assert (outcome, said) == ((Outcome.WRONG, text) if text else (Outcome.OK, "1 are alive"))


def test_an_agent_that_lists_nobody_is_not_well() -> None:
    listed = Listed(Nodes(("e1",), frozenset(), 0, True))
    listed.feed(pack({"Members": None}))
    assert listed.judge(0).text == "e1 unknown, and should be alive"


# --- query ------------------------------------------------------------------------------------------------------------


def test_a_query_that_everybody_heard_is_right_and_what_comes_late_is_passed_over() -> None:
    def replies(command: str, number: int, body: dict[str, object]) -> bytes:
        assert (command, body) == ("query", {"Name": "cross", "RequestAck": True, "Timeout": 900_000_000})
        late = record(number - 1, "ack", "e2") + record(number - 1, "done") if number > 1 else b""
        heard = record(number, "ack", "e1") + record(number, "response", "e1", b"w1 w2")
        return late + header(number) + heard + record(number, "response", "e2", b"w1 w2")

    with agent(replies) as port:
        got = run(port, ("ask", "query"), ("called", "cross"), ("expect", "e1 w1 w2"), ("timeout", "1"))
    assert names(got) == {"OK"} and len(got) == 10


def test_a_query_that_somebody_did_not_hear_has_no_whole_answer() -> None:
    with agent(lambda _, number, __: header(number) + record(number, "ack", "e1") + record(number, "done")) as port:
        assert names(run(port, ("ask", "query"), ("expect", "e1 e2"))) == {"TIMED_OUT"}
    with agent(lambda _, number, __: header(number) + record(number, "ack", "e1")) as port:
        assert names(run(port, ("ask", "query"), ("expect", "e1 e2"), timeout_s=0.3)) == {"TIMED_OUT"}


def test_a_stranger_who_hears_a_query_is_wrong_and_whoever_misses_it_is_named() -> None:
    heard = Heard(Nodes(("e1", "e2"), frozenset({"e1", "e2"}), 0, True))
    heard.feed(pack({"Type": "ack", "From": "e1"}))
    assert (heard.whole, heard.judge(0).text) == (False, "e2 did not hear it in time")
    heard.feed(pack({"Type": "ack", "From": "x"}))
    assert heard.judge(0) == (Outcome.WRONG, "", "x heard it, and there is no such node")


# --- what is no answer ------------------------------------------------------------------------------------------------


def test_an_error_is_the_agents_and_bytes_that_are_not_serfs_are_wrong() -> None:
    with agent(lambda _, number, __: header(number, "Handshake required")) as port:
        assert names(run(port)) == {"SERVER_ERROR"}
    for strange in (b"\xc1", b"HTTP/1.1 400 Bad Request\r\n\r\n", header(99), header(1) + pack("x")):
        with agent(lambda _, __, ___, strange=strange: strange) as port:  # type: ignore[misc]  # bound here
            assert names(run(port, for_s=0.1)) == {"WRONG"}


def test_an_agent_that_ends_the_connection_has_not_answered() -> None:
    async def gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    with listening(gone) as port:
        assert names(run(port, for_s=0.1)) <= {"CLOSED", "RESET"}


def test_readiness_is_that_so_many_are_alive() -> None:
    with agent(lambda _, number, __: members(number, e1="alive", e2="failed")) as port, inside() as talk:
        talk.say(Once(1, "serf", "127.0.0.1", port, 5.0, (("least", "1"), ("failed", "any"))))
        talk.say(Once(2, "serf", "127.0.0.1", port, 5.0, (("least", "2"), ("failed", "any"))))
        answers = {answer.id: answer for answer in (talk.next(Answered), talk.next(Answered))}
    assert (answers[1].outcome, answers[1].text) == ("OK", "1 are alive")
    assert (answers[2].outcome, answers[2].text) == ("WRONG", "1 are alive, and 2 should be")


@pytest.mark.parametrize("pair", [("ask", "member"), ("failed", "some"), ("least", "-1")])
def test_a_value_that_is_none_of_its_words_is_refused(pair: tuple[str, str]) -> None:
    from harness.client.clients import build

    with pytest.raises(WireError, match=f"option '{pair[0]}'"):
        build("serf", [pair], 0)
