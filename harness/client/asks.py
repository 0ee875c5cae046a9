"""What is asked next: by one client as it goes on asking, or by several of a mix, drawn by the load's seed."""

from bisect import bisect
from collections.abc import Iterator, Sequence
from itertools import accumulate
from random import Random
from typing import NamedTuple

from harness.client.clients import Client, build
from harness.client.turns import Ask, Log, Pools
from harness.wire import Load


class Weighted(NamedTuple):
    """Of every ``sum of weights`` operations, about ``weight`` are asked by this client."""

    weight: float
    client: Client


def clients_of(load: Load) -> tuple[Weighted, ...]:
    """``WireError`` for a client or an option that is none."""
    if not load.mix:
        return (Weighted(1.0, build(load.client, load.options, load.seed)),)
    return tuple(Weighted(share.weight, build(load.client, share.options, load.seed)) for share in load.mix)


def asks(load: Load, clients: Sequence[Weighted], pools: Pools, log: Log = len) -> Iterator[Ask]:
    """Until one of them has nothing left to ask. ``log``: takes the lines of a history; nobody keeps them otherwise."""
    each = [one.client.asks(load, pools, log) for one in clients]
    return each[0] if len(each) == 1 else _drawn(load, clients, each)


def _drawn(load: Load, clients: Sequence[Weighted], each: Sequence[Iterator[Ask]]) -> Iterator[Ask]:
    up_to = list(accumulate(one.weight for one in clients))
    draw = Random(f"{load.seed} {load.traffic}").random
    while (ask := next(each[bisect(up_to, draw() * up_to[-1], hi=len(up_to) - 1)], None)) is not None:
        yield ask
