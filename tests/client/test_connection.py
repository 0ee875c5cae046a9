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
