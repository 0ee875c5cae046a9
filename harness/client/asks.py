"""What is asked next: one cycle of questions, or a mix of several, drawn by the load's seed."""

from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, cycle
from random import Random
from typing import NamedTuple

from harness.client.asking import Answer
from harness.client.clients import Client, build
from harness.client.connection import Opening, Pool
from harness.client.exchange import Exchange
from harness.client.members import Member, Members
from harness.client.registers import Registers, Talk
from harness.client.target import Target
from harness.operations import Outcome
from harness.wire import Load


class Weighted(NamedTuple):
    """Of every ``sum of weights`` operations, about ``weight`` are asked by this client."""

    weight: float
    client: Client


class Ask(NamedTuple):
    """One operation: which connections it goes over, its bytes, what reads its answer, and who is told how it ended."""

    pool: Pool
    request: bytes
    answer: Callable[[], Answer]
    told: Callable[[Exchange], object] | None = None


class Pools:
    """Connections of one load: one pool for all whose questions may share them."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._targets: dict[tuple[str, int], Target] = {}
        self._pools: dict[tuple[Opening, Target], Pool] = {}

    def of(self, client: Client, host: str = "") -> Pool:
        """To the load's first host, where none is named."""
        host, port = host or self._load.host, self._load.port
        at, opening = client.at(host, port), client.opening(host, port)
        target = self._targets[at] = self._targets.get(at) or Target(*at)
        pool = self._pools.get((opening, target)) or Pool(target, self._load.connection == "keep-alive", opening)
        return self._pools.setdefault((opening, target), pool)

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


def asks(
    load: Load, clients: Sequence[Weighted], pools: Pools, log: Callable[[bytes], object] | None = None
) -> Iterator[Ask]:
    """Without end, but for a history. Every part of a mix goes through its own questions in turn."""
    first = clients[0].client
    if isinstance(first, Registers) and len(clients) == 1:
        return _talked(first, load, pools, log or _nobody)
    cycles = [cycle(_made(load, one.client, pools)) for one in clients]
    return cycles[0] if len(cycles) == 1 else _drawn(load, clients, cycles)


def _made(load: Load, client: Client, pools: Pools) -> list[Ask]:
    """Made once: nothing is left to do at the due time but to write."""
    keep, hosts, questions = load.connection == "keep-alive", (load.host, *load.others), client.questions()
    return [
        Ask(pools.of(client, host), one.request(host, load.port, keep), one.answer, _named(host, load))
        for one in questions
        for host in hosts
    ]


def _named(host: str, load: Load) -> Callable[[Exchange], None] | None:
    """Where several hosts are asked by turns, a good answer is that host's; else it may say itself whose it is."""

    def told(exchange: Exchange) -> None:
        if exchange.outcome is Outcome.OK:
            exchange.node = host

    return told if load.others else None


def _talked(client: Registers, load: Load, pools: Pools, log: Callable[[bytes], object]) -> Iterator[Ask]:
    """What is asked next depends on what was answered; it ends where the history may not grow."""
    hosts = (load.host, *load.others)
    members = Members([Member(host, pools.of(client, host)) for host in hosts])
    talk = Talk(client, load, members, log)
    return (Ask(*found, talk.told) for found in iter(talk.next, None))


def _nobody(line: bytes) -> None:
    """Nobody keeps the history."""


def _drawn(load: Load, clients: Sequence[Weighted], cycles: Sequence[Iterator[Ask]]) -> Iterator[Ask]:
    up_to = list(accumulate(one.weight for one in clients))
    draw = Random(f"{load.seed} {load.traffic}").random
    while True:
        yield next(cycles[bisect(up_to, draw() * up_to[-1], hi=len(up_to) - 1)])
