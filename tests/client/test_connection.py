import asyncio
import time

from harness.client.clients import build
from harness.client.connection import Pool
from harness.client.exchange import Exchange
from harness.client.target import Target
from harness.clock import monotonic_ns
from tests.client.peer import Reply, serving, whole


def test_a_connection_whose_end_was_seen_is_not_used_in_the_same_turn_of_the_loop() -> None:
    async def story(port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        client = build("ollama-generate", (), 7)
        pool = Pool(Target("127.0.0.1", port), True, client.opening("127.0.0.1", port))
        question = client.questions()[0]
        ended: asyncio.Queue[str] = asyncio.Queue()

        def ask() -> None:
            request = question.request("127.0.0.1", port, keep=True)
            pool.ask(Exchange(monotonic_ns(), request, question.answer(), lambda e: ended.put_nowait(e.outcome.name)))

        ask()
        outcomes = [await ended.get()]
        loop.call_later(0.1, ask)
        time.sleep(0.4)  # the loop stands still: afterwards the server's FIN and our turn to ask are both due
        outcomes.append(await ended.get())
        pool.close()
        await asyncio.sleep(0)
        return outcomes

    with serving(lambda number, body: Reply(whole(body), linger_s=0.15, then="close")) as seen:
        assert asyncio.run(story(seen.port)) == ["OK", "OK"]
    assert seen.connections == 2


def test_an_answer_that_nobody_asked_for_is_counted_and_its_connection_ended() -> None:
    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length"))
        answer = whole(await reader.readexactly(int(length.partition(b":")[2])))
        writer.write(answer)
        await writer.drain()
        await again.wait()  # the first has been judged: nobody waits any more
        writer.write(answer)
        await reader.read()
        writer.close()

    again = asyncio.Event()

    async def story() -> tuple[str, int]:
        server = await asyncio.start_server(twice, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = build("ollama-generate", (), 7)
        pool, question = Pool(Target("127.0.0.1", port), True, client.opening("127.0.0.1", port)), client.questions()[0]
        ended: asyncio.Queue[str] = asyncio.Queue()
        request = question.request("127.0.0.1", port, keep=True)
        pool.ask(Exchange(monotonic_ns(), request, question.answer(), lambda e: ended.put_nowait(e.outcome.name)))
        outcome = await ended.get()
        again.set()
        async with asyncio.timeout(10):
            while not pool.unasked:
                await asyncio.sleep(0.01)
        server.close()
        return outcome, pool.unasked

    assert asyncio.run(story()) == ("OK", 1)
