"""A user's own class as a client: what it returns and raises is what is recorded."""

from collections import Counter

from harness.wire import LoadDone
from tests.client.peer import Reply, serving, whole
from tests.client.talk import inside, load

SOURCE = """
import asyncio, socket, time
from urllib.request import urlopen

class Ask:
    def __init__(self, host, port, timeout_s):
        self.where = f"http://{host}:{port}/"
        self.timeout_s = timeout_s

    def ask(self, number):
        asked = b'{"prompt": "hello 3", "options": {"num_predict": 2}}'
        with urlopen(self.where, data=asked, timeout=self.timeout_s) as answer:
            assert b'"done": true' in answer.read()
        return "n1"

class Each:
    def __init__(self, host, port, timeout_s):
        self.ends = [None, AssertionError("no"), ConnectionRefusedError(), ConnectionResetError()]
        self.ends += [TimeoutError(), OSError(), KeyError("x")]

    async def ask(self, number):
        await asyncio.sleep(0)
        if end := self.ends[number % len(self.ends)]:
            raise end

class Blocks:
    def __init__(self, host, port, timeout_s):
        pass

    def ask(self, number):
        time.sleep(60 if number % 2 else 0)

class Broken:
    def __init__(self, host, port, timeout_s):
        raise ValueError("no such host")

    def ask(self, number):
        pass
"""


def own(name: str) -> tuple[tuple[str, str], ...]:
    return (("source", SOURCE), ("file", "client.py"), ("class", name))


def test_what_it_returns_is_a_right_answer_by_that_node() -> None:
    with serving(lambda number, body: Reply(whole(body))) as seen, inside() as talk:
        got = talk.run(load(seen.port, client="python", options=own("Ask"), in_s=0.5, rate_per_s=20.0))
    assert {(o.outcome.name, o.node) for o in got} == {("OK", "n1")}
    assert (len(got), len(seen.requests)) == (10, 10)


def test_what_it_raises_is_how_the_operation_ended() -> None:
    with inside() as talk:
        got = talk.run(load(9, client="python", options=own("Each"), in_s=0.5, rate_per_s=28.0))
    named = ("OK", "WRONG", "REFUSED", "RESET", "TIMED_OUT", "UNREACHABLE", "CLIENT_ERROR")
    assert Counter(o.outcome.name for o in got) == dict.fromkeys(named, 2)


def test_one_that_blocks_keeps_no_other_waiting_and_is_given_up_at_its_deadline() -> None:
    with inside() as talk:
        got = talk.run(load(9, client="python", options=own("Blocks"), in_s=0.5, rate_per_s=20.0, timeout_s=2.5))
    assert Counter(o.outcome.name for o in got) == {"OK": 5, "TIMED_OUT": 5}


def test_one_that_cannot_be_made_is_the_clients_own_error() -> None:
    with inside() as talk:
        got = talk.run(load(9, client="python", options=own("Broken"), in_s=0.5, rate_per_s=20.0))
        done = talk.heard[-1]
    assert Counter(o.outcome.name for o in got) == {"CLIENT_ERROR": 10}
    assert isinstance(done, LoadDone)
