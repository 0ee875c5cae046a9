"""Processes that read, write and swap the registers of a store, and the history of what they were told.

Whoever reads the history must be able to say whether one order explains every answer. So every written value is new,
an operation begins no later than its request left and ends no earlier than its answer came, and one of which nobody
knows whether it was carried out stays open for ever: its process goes on under a new number.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Literal

import msgspec

from harness.client.asking import BEGINNING
from harness.client.etcd import Deed, Function, Reply
from harness.client.exchange import Asked, Exchange
from harness.client.http import OverHttp, Request
from harness.client.members import Member, Members
from harness.client.options import Options
from harness.clock import monotonic_ns, to_s
from harness.operations import Outcome
from harness.units import share
from harness.wire import HISTORY_MAX, Load

Kind = Literal["invoke", "ok", "fail", "info"]
_KEYS_MAX = 1000


class _Line(msgspec.Struct, omit_defaults=True):
    """As ``harness linearizable`` reads it (docs/linearizable.md). ``time_s``: since the load began.

    Beside it, of an answer: which member gave it, and the store's revision and Raft's term as that member knew them.
    """

    process: int
    type: Kind
    f: Function
    key: str
    value: int | tuple[int | None, int] | None
    time_s: float
    error: str = ""
    node: str = ""
    revision: int = 0
    term: int = 0


_encode = msgspec.json.Encoder().encode


class Registers(OverHttp):
    """``keys``: how many registers. Of all operations ``writes`` write, ``swaps`` compare and set, and the rest read.

    ``reads``: linearizable, or serializable, which any member answers from what it happens to know.
    """

    def __init__(self, options: Options, seed: int) -> None:
        self.seed = seed
        self.keys = options.count("keys", 5, 1, _KEYS_MAX)
        self.writes = self._share(options, "writes", "40%")
        self.swaps = self._share(options, "swaps", "20%")
        reads = options.text("reads", "linearizable")
        if reads not in ("linearizable", "serializable"):
            raise options.wrong("reads", f"is '{reads}': write linearizable or serializable")
        if self.writes + self.swaps > 1:
            raise options.wrong("swaps", "and 'writes' are more than 100% together: leave some for reads, or none")
        self.serializable = reads == "serializable"

    @staticmethod
    def _share(options: Options, key: str, default: str) -> float:
        text = options.text(key, default)
        try:
            return share(text)
        except ValueError as error:
            raise options.wrong(key, str(error)) from error

    def questions(self) -> tuple[Request, ...]:
        """What can be asked once, by whoever wants to know whether the store answers."""
        return (Deed("read", "r0").request(),)


class Begun(Reply):
    """The answer of a member to one operation of a process."""

    __slots__ = ("deed", "member", "process")

    def __init__(self, process: int, deed: Deed, member: Member) -> None:
        super().__init__()
        self.process = process
        self.deed = deed
        self.member = member


class Talk:
    """What the processes of one load do next, and what they are told. ``log`` takes the lines of the history."""

    def __init__(self, client: Registers, load: Load, members: Members, log: Callable[[bytes], object]) -> None:
        self._client, self._load, self._members, self._log = client, load, members, log
        self._random = Random(f"{client.seed} {load.traffic}")
        self._free: deque[int] = deque()  # with those at work as many as were ever at work at once
        self._seen: dict[str, int | None] = {}  # what each register held when somebody was told last
        self._written = self._numbered = self._begun = 0

    def next(self) -> tuple[Asked, bytes, Callable[[], Begun]] | None:
        """Whom to ask, what to send, and what reads the answer; None: the history is as long as one may be."""
        if self._begun >= HISTORY_MAX:
            return None
        if not self._free:
            self._free.append(self._process())
        deed, member = self._deed(), self._members.next(monotonic_ns())
        request = deed.request(serializable=self._client.serializable)
        keep = self._load.connection == "keep-alive"
        return member.pool, request.request(member.name, self._load.port, keep), partial(self._begin, deed, member)

    def told(self, exchange: Exchange) -> None:
        """An operation has ended."""
        begun = exchange.answer
        assert isinstance(begun, Begun)
        process, deed, member = begun.process, begun.deed, begun.member
        if exchange.outcome is Outcome.OK:
            exchange.node = member.name
            member.answered()
            self._answered(begun, exchange.done_ns)
            self._free.append(process)
            return
        # What never left us was certainly not carried out; of any other change that failed nobody knows.
        unknown = exchange.written and deed.f != "read"
        line = self._line(process, "info" if unknown else "fail", deed, exchange.done_ns)
        line.error, line.node = f"{exchange.outcome.name.lower()}: {exchange.text}"[:BEGINNING], member.name
        self._log(_encode(line) + b"\n")
        self._free.append(self._process() if unknown else process)
        member.failed(exchange.done_ns)

    def _process(self) -> int:
        self._numbered += 1
        return self._numbered - 1

    def _deed(self) -> Deed:
        key, drawn = f"r{self._random.randrange(self._client.keys)}", self._random.random()
        if drawn >= self._client.writes + self._client.swaps:
            return Deed("read", key)
        self._written += 1
        if drawn < self._client.writes:
            return Deed("write", key, self._written)
        return Deed("cas", key, self._written, self._seen.get(key))

    def _begin(self, deed: Deed, member: Member) -> Begun:
        """It is really asked now: only from here on it is an operation of the history."""
        self._begun += 1
        process = self._free.popleft()
        self._log(_encode(self._line(process, "invoke", deed, monotonic_ns())) + b"\n")
        return Begun(process, deed, member)

    def _answered(self, begun: Begun, done_ns: int) -> None:
        deed = begun.deed
        done = deed.f != "cas" or begun.swapped
        line = self._line(begun.process, "ok" if done else "fail", deed, done_ns)
        line.node, line.revision, line.term = begun.member.name, begun.revision, begun.term
        if deed.f == "read":
            line.value = begun.found
        self._log(_encode(line) + b"\n")
        if done:
            self._seen[deed.key] = begun.found if deed.f == "read" else deed.value

    def _line(self, process: int, kind: Kind, deed: Deed, at_ns: int) -> _Line:
        return _Line(process, kind, deed.f, deed.key, deed.asked(), round(to_s(at_ns - self._load.start_ns), 9))
