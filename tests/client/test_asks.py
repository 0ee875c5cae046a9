"""What is asked next. Whole loads against a server are in test_load."""

import asyncio
from collections import Counter
from itertools import islice

from harness.client.asks import asks, clients_of
from harness.client.turns import Pools
from harness.wire import Load, Share
from tests.client.talk import load


def drawn(asked: Load, count: int) -> list[bytes]:
    async def draw() -> list[bytes]:
        found = asks(asked, clients_of(asked), Pools(asked))
        return [ask.request.split(b" ", 2)[1] for ask in islice(found, count)]

    return asyncio.run(draw())


def mix(*weights: float) -> tuple[Share, ...]:
    return tuple(Share(weight, (("path", f"/{i}"),)) for i, weight in enumerate(weights))


def test_without_a_mix_the_questions_come_in_turn() -> None:
    asked = load(1, client="http", options=(("path", "/item/{digit}"),))
    assert drawn(asked, 12) == [f"/item/{i % 10}".encode() for i in range(12)]


def test_a_mix_is_the_same_for_the_same_seed_and_traffic_and_no_other() -> None:
    parts = mix(1.0, 1.0)
    first = drawn(load(1, client="http", mix=parts, seed=1), 200)
    assert first == drawn(load(1, client="http", mix=parts, seed=1), 200)
    assert first != drawn(load(1, client="http", mix=parts, seed=2), 200)
    assert first != drawn(load(1, client="http", mix=parts, seed=1, traffic="other"), 200)


def test_the_parts_of_a_mix_come_as_often_as_their_weights_say() -> None:
    counts = Counter(drawn(load(1, client="http", mix=mix(70.0, 25.0, 5.0)), 20_000))
    for path, expected in ((b"/0", 14_000), (b"/1", 5_000), (b"/2", 1_000)):
        assert abs(counts[path] - expected) < 5 * expected**0.5  # five standard deviations at most


def test_questions_share_connections_only_where_every_connection_would_do() -> None:
    async def pools(client: str) -> int:
        asked = load(1, client=client, mix=mix(1.0, 1.0))
        return len({id(ask.pool) for ask in islice(asks(asked, clients_of(asked), Pools(asked)), 50)})

    assert asyncio.run(pools("http")) == 1
    assert asyncio.run(pools("websocket")) == 2  # a handshake goes to one path
