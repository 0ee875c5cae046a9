"""Clients that do not speak HTTP, against servers that do as they are told."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from harness.client.frames import Opcode
from harness.client.websocket import accept_of
from harness.operations import Operation
from harness.wire import Answered, Once
from tests.client.peer import Serve, listening
from tests.client.talk import inside, load
from tests.client.test_frames import as_server

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
ECHO = (("send", "say {digit}"), ("expect", "said {digit}"))


@contextmanager
def serving(serve: Serve) -> Iterator[int]:
    """A server on 127.0.0.1, on a thread of its own; its port."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    with listening(one) as port:
        yield port


def names(operations: list[Operation]) -> list[str]:
    return [o.outcome.name for o in operations]


def run(port: int, client: str, options: tuple[tuple[str, str], ...] = ECHO, **changes: object) -> list[Operation]:
    with inside() as talk:
        return talk.run(load(port, client=client, options=options, rate_per_s=20.0, **{"timeout_s": 20.0, **changes}))


def lines(*replies: bytes) -> Serve:
    """To each line the next of the replies, round and round; None of them: the right answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 0
        while line := await reader.readline():
            reply = replies[number % len(replies)] if replies else line.replace(b"say", b"said")
            number += 1
            if not reply:
                return
            writer.write(reply)

    return serve


# --- tcp --------------------------------------------------------------------------------------------------------------


def test_a_line_is_answered_by_its_own_line_on_one_connection() -> None:
    with serving(lines()) as port:
        got = run(port, "tcp")
    assert names(got) == ["OK"] * 10
    assert {(o.status, o.size_bytes) for o in got} == {(0, 7)}


def test_a_line_that_answers_another_question_is_wrong() -> None:
    with serving(lines(b"said 0\n")) as port:
        got = run(port, "tcp")
    assert names(got) == ["OK"] + ["WRONG"] * 9


def test_more_lines_than_were_asked_for_are_wrong_and_so_is_no_end_of_them() -> None:
    with serving(lines(b"said 0\nand 1\n")) as port:
        assert set(names(run(port, "tcp", for_s=0.1))) == {"WRONG"}
    with serving(lines(b"no end")) as port:
        assert set(names(run(port, "tcp", for_s=0.1, timeout_s=0.3))) == {"TIMED_OUT"}


def test_an_answer_may_have_several_lines() -> None:
    with serving(lines(b"one\ntwo\n")) as port:
        got = run(port, "tcp", options=(("send", "x"), ("expect", "two"), ("lines", "2")))
    assert names(got) == ["OK"] * 10


def test_a_connection_that_ends_without_a_line_is_closed_and_in_a_line_truncated() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"said")

    with serving(lines(b"")) as port:
        assert set(names(run(port, "tcp"))) == {"CLOSED"}
    with serving(half) as port:
        assert set(names(run(port, "tcp"))) == {"TRUNCATED"}


# --- websocket --------------------------------------------------------------------------------------------------------


async def message(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """(opcode, data) of one frame of a client, which is masked."""
    first, second = await reader.readexactly(2)
    assert second & 0x80
    mask = await reader.readexactly(4)
    data = await reader.readexactly(second & 0x7F)
    return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


async def shaken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    key = next(line[19:].strip() for line in head.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key: "))
    writer.write(HEAD + accept_of(key) + b"\r\n\r\n")


def echo(*before: bytes, after: bytes = b"") -> Serve:
    """Answers each message, with these frames around the answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shaken(reader, writer)
        while True:
            opcode, data = await message(reader)
            if opcode == Opcode.TEXT:
                writer.write(b"".join((*before, as_server(data.replace(b"say", b"said")), after)))
            elif opcode == Opcode.CLOSE:
                return

    return serve


def test_a_message_is_answered_by_its_own_message_on_one_connection() -> None:
    with serving(echo()) as port:
        got = run(port, "websocket")
    assert names(got) == ["OK"] * 10
    assert {(o.status, o.size_bytes) for o in got} == {(1, 6)}


def test_with_fresh_connections_every_message_has_a_handshake_and_a_goodbye() -> None:
    goodbyes: list[bytes] = []
    all_said = threading.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shaken(reader, writer)
        _, data = await message(reader)
        writer.write(as_server(data.replace(b"say", b"said")))
        opcode, data = await message(reader)
        goodbyes.append(bytes([opcode]) + data)
        if len(goodbyes) == 10:
            all_said.set()

    with serving(serve) as port:
        got = run(port, "websocket", connection="fresh")
        all_said.wait(20)
    assert names(got) == ["OK"] * 10
    assert goodbyes == [b"\x08\x03\xe8"] * 10


def test_a_ping_is_answered_and_is_no_answer() -> None:
    pongs: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shaken(reader, writer)
        writer.write(as_server(b"are you there", Opcode.PING))
        while True:
            opcode, data = await message(reader)
            if opcode == Opcode.PONG:
                pongs.append(data)
            else:
                writer.write(as_server(data.replace(b"say", b"said")))

    with serving(serve) as port:
        got = run(port, "websocket")
    assert names(got) == ["OK"] * 10
    assert b"are you there" in pongs


def test_what_comes_unasked_after_an_answer_is_passed_over() -> None:
    with serving(echo(after=as_server(b"news"))) as port:
        assert names(run(port, "websocket")) == ["OK"] * 10


def test_another_message_than_the_answer_is_wrong() -> None:
    with serving(echo(as_server(b"news"))) as port:
        assert set(names(run(port, "websocket"))) == {"WRONG"}


STREAM = (("send", "say {digit}"), ("expect", "2 of {digit}"), ("until", "done"), ("error", "sorry"))


def pieces(*wanted: bytes) -> Serve:
    """To each message these, with the number that was asked for in place of N."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shaken(reader, writer)
        while True:
            _, data = await message(reader)
            for text in wanted:
                writer.write(as_server(text.replace(b"N", data[-1:])))
                await asyncio.sleep(0)

    return serve


def test_an_answer_in_pieces_is_whole_with_its_last_one_and_what_comes_after_it_belongs_to_nothing() -> None:
    with serving(pieces(b"here it comes", b"1 of N", b"2 of N", b"done", b"took 3 ms")) as port:
        got = run(port, "websocket", STREAM)
    assert names(got) == ["OK"] * 10
    assert {o.size_bytes for o in got} <= {13 + 6 + 6 + 4, 9 + 13 + 6 + 6 + 4}  # what is late comes with the next


def test_an_answer_in_pieces_is_wrong_where_one_is_missing_and_lost_where_the_last_one_is() -> None:
    with serving(pieces(b"1 of N", b"done")) as port:
        assert set(names(run(port, "websocket", STREAM))) == {"WRONG"}
    with serving(pieces(b"1 of N", b"2 of N")) as port:
        assert set(names(run(port, "websocket", STREAM, for_s=0.1, timeout_s=0.3))) == {"TIMED_OUT"}


def test_a_message_that_says_there_is_no_answer_is_the_servers_error_and_not_a_wrong_answer() -> None:
    with serving(pieces(b"1 of N", b"sorry, no N today")) as port:
        assert set(names(run(port, "websocket", STREAM))) == {"SERVER_ERROR"}


def test_a_close_in_place_of_an_answer_is_closed_and_bytes_that_are_no_frames_are_wrong() -> None:
    with serving(echo(as_server(b"\x03\xe9", Opcode.CLOSE))) as port:
        assert set(names(run(port, "websocket"))) == {"CLOSED"}
    with serving(echo(b"\xff\xff")) as port:
        assert set(names(run(port, "websocket"))) == {"WRONG"}


def test_a_handshake_that_is_refused_or_not_ours_is_told() -> None:
    async def not_ours(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + accept_of(b"another") + b"\r\n\r\n")
        await reader.read()

    async def refused(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    for serve, outcome in ((not_ours, "WRONG"), (refused, "SERVER_ERROR")):
        with serving(serve) as port:
            assert set(names(run(port, "websocket", for_s=0.1))) == {outcome}


def test_a_handshake_without_end_times_out() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    with serving(silent) as port:
        assert set(names(run(port, "websocket", for_s=0.1, timeout_s=0.3))) == {"TIMED_OUT"}


def test_a_readiness_question_can_be_asked_of_every_client() -> None:
    for client, serve in (("tcp", lines()), ("websocket", echo())):
        with serving(serve) as port, inside() as talk:
            talk.say(Once(1, client, "127.0.0.1", port, 7.0, ECHO))
            answered = talk.next(Answered)
        assert (answered.outcome, answered.text.strip()) == ("OK", "said 0")
