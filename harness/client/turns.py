"""How a client goes on asking: operations one after the other, and the connections that they go over."""

from collections.abc import Callable, Iterator
from itertools import cycle
from typing import NamedTuple, Protocol, TypeVar

from harness.client.asking import Answer, Question
from harness.client.connection import Opening, Pool
from harness.client.exchange import Asked, Exchange
from harness.client.target import Target
from harness.operations import Outcome
from harness.wire import Load

Log = Callable[[bytes], object]  # takes lines of a load's history


class Ask(NamedTuple):
    """One operation: which connections it goes over, its bytes, what reads its answer, and who is told how it ended."""

    pool: Asked
    request: bytes
    answer: Callable[[], Answer]
    told: Callable[[Exchange], object] | None = None


class Placed(Protocol):
    """What is to be known of a client for its connections."""

    def at(self, host: str, port: int) -> tuple[str, int]:
        """Where its connections go for what is asked of ``host`` and ``port``."""

    def opening(self, host: str, port: int) -> Opening:
        """What makes its connections; equal for all whose questions may go over the same ones."""


class Kept(Protocol):
    """Connections that a client keeps in a way of its own."""

    @property
    def unasked(self) -> int:
        """How often something came on them that nobody had asked for."""

    def close(self) -> None: ...


_Kept = TypeVar("_Kept", bound=Kept)


class Pools:
    """Connections of one load: one pool for all whose questions may share them, and what clients keep besides."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._targets: dict[tuple[str, int], Target] = {}
        self._pools: dict[tuple[Opening, Target], Pool] = {}
        self._besides: list[Kept] = []

    def of(self, client: Placed, host: str = "") -> Pool:
        """To the load's first host, where none is named."""
        host, port = host or self._load.host, self._load.port
        at, opening = client.at(host, port), client.opening(host, port)
        target = self._targets[at] = self._targets.get(at) or Target(*at)
        pool = self._pools.get((opening, target)) or Pool(target, self._load.connection == "keep-alive", opening)
        return self._pools.setdefault((opening, target), pool)

    def keep(self, connections: _Kept) -> _Kept:
        """They end with the load, too."""
        self._besides.append(connections)
        return connections

    @property
    def unasked(self) -> int:
        """How often something came that nobody had asked for."""
        return sum(one.unasked for one in (*self._pools.values(), *self._besides))

    def close(self) -> None:
        for one in (*self._pools.values(), *self._besides):
            one.close()


class _Cycling(Placed, Protocol):
    def questions(self) -> tuple[Question, ...]:
        """At least one."""


class InTurn:
    """Questions that follow each other without end, whatever is answered; several hosts are asked by turns."""

    def asks(self: _Cycling, load: Load, pools: Pools, log: Log) -> Iterator[Ask]:
        """Made once: nothing is left to do at the due time but to write."""
        keep, hosts, questions = load.connection == "keep-alive", (load.host, *load.others), self.questions()
        return cycle(
            [
                Ask(pools.of(self, host), one.request(host, load.port, keep), one.answer, _named(host, load))
                for one in questions
                for host in hosts
            ]
        )


def _named(host: str, load: Load) -> Callable[[Exchange], None] | None:
    """Where several hosts are asked by turns, a good answer is that host's; else it may say itself whose it is."""

    def told(exchange: Exchange) -> None:
        if exchange.outcome is Outcome.OK:
            exchange.node = host

    return told if load.others else None
