"""What is asked next: one cycle of questions, or a mix of several, drawn by the load's seed."""

from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, cycle
from random import Random
from typing import NamedTuple

from harness.client.asking import Answer
from harness.client.clients import Client, build
from harness.client.connection import Opening, Pool
from harness.client.target import Target
from harness.wire import Load


class Weighted(NamedTuple):
    """Of every ``sum of weights`` operations, about ``weight`` are asked by this client."""

    weight: float
    client: Client


class Ask(NamedTuple):
    """One operation: which connections it goes over, its bytes, and what reads its answer."""

    pool: Pool
    request: bytes
    answer: Callable[[], Answer]


class Pools:
    """Connections to one target: one pool for all whose questions may share them."""

    def __init__(self, load: Load) -> None:
        self._target = Target(load.host, load.port)
        self._keep = load.connection == "keep-alive"
        self._pools: dict[Opening, Pool] = {}

    def of(self, opening: Opening) -> Pool:
        return self._pools.setdefault(opening, Pool(self._target, self._keep, opening))

    @property
    def unasked(self) -> int:
        """How often something came that nobody had asked for."""
        return sum(pool.unasked for pool in self._pools.values())

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()


def clients_of(load: Load) -> tuple[Weighted, ...]:
    """``WireError`` for a client or an option that is none."""
    if not load.mix:
        return (Weighted(1.0, build(load.client, load.options, load.seed)),)
    return tuple(Weighted(share.weight, build(load.client, share.options, load.seed)) for share in load.mix)


def asks(load: Load, clients: Sequence[Weighted], pools: Pools) -> Iterator[Ask]:
    """Without end. Every part of a mix goes through its own questions in turn."""
    cycles = [cycle(_made(load, one.client, pools)) for one in clients]
    return cycles[0] if len(cycles) == 1 else _drawn(load, clients, cycles)


def _made(load: Load, client: Client, pools: Pools) -> list[Ask]:
    """Made once: nothing is left to do at the due time but to write."""
    keep, pool = load.connection == "keep-alive", pools.of(client.opening(load.host, load.port))
    return [Ask(pool, one.request(load.host, load.port, keep), one.answer) for one in client.questions()]


def _drawn(load: Load, clients: Sequence[Weighted], cycles: Sequence[Iterator[Ask]]) -> Iterator[Ask]:
    up_to = list(accumulate(one.weight for one in clients))
    draw = Random(f"{load.seed} {load.traffic}").random
    while True:
        yield next(cycles[bisect(up_to, draw() * up_to[-1], hi=len(up_to) - 1)])
