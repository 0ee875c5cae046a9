"""One register of etcd: what is asked of its JSON gateway, and what the answer says."""

from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import ClassVar, Literal

import msgspec

from harness.client.asking import BEGINNING, Judged, not_answered
from harness.client.http import Request
from harness.operations import Outcome

Function = Literal["read", "write", "cas"]
_ANSWER_MAX_BYTES = 1 << 20
_json = msgspec.json.Encoder().encode


class _Header(msgspec.Struct):
    """The gateway writes 64-bit numbers as texts, and leaves out what is 0."""

    revision: str = "0"
    raft_term: str = "0"


class _Pair(msgspec.Struct):
    value: str = ""


class _Answered(msgspec.Struct):
    """What any of the three requests is answered with."""

    header: _Header
    kvs: tuple[_Pair, ...] = ()
    succeeded: bool = False


_decode = msgspec.json.Decoder(_Answered).decode


@dataclass(frozen=True, slots=True)
class Deed:
    """What is asked of the register ``key``. ``value``: what is written; ``old``: of a cas what it compares with.

    ``old`` None: the cas is done where nobody has written yet.
    """

    f: Function
    key: str
    value: int = 0
    old: int | None = None

    def asked(self) -> int | tuple[int | None, int] | None:
        """As a history has it."""
        return None if self.f == "read" else self.value if self.f == "write" else (self.old, self.value)

    def request(self, *, serializable: bool = False) -> Request:
        """``serializable``: a read is answered by whoever is asked, from what it happens to know."""
        key = _text(self.key)
        if self.f == "read":
            return _post("range", {"key": key, "serializable": serializable})
        put = {"key": key, "value": _text(str(self.value))}
        if self.f == "write":
            return _post("put", put)
        # A key that is not there has version 0, and no value that could be compared.
        holds = {"target": "VERSION", "version": "0"} if self.old is None else {"target": "VALUE", "value": self._old()}
        compare = {"key": key, "result": "EQUAL", **holds}
        return _post("txn", {"compare": [compare], "success": [{"requestPut": put}]})

    def _old(self) -> str:
        return _text(str(self.old))


class Body(ABC):
    """An answer of a member of etcd. ``node``: whose it is, or ""."""

    __slots__ = ("_body", "node")
    _nothing: ClassVar[str]  # what is said of a body that cannot be read

    def __init__(self, node: str = "") -> None:
        self.node = node
        self._body = bytearray()

    def feed(self, data: bytes) -> None:
        if len(self._body) <= _ANSWER_MAX_BYTES:
            self._body += data

    def judge(self, status: int) -> Judged:
        beginning = self._body[:BEGINNING].decode("utf-8", "replace")
        if status != 200:
            return not_answered(status, beginning)
        try:
            self._take()
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
            return Judged(Outcome.WRONG, "", f"{self._nothing}: {beginning}")
        return Judged(Outcome.OK, self.node, beginning)

    @abstractmethod
    def _take(self) -> None:
        """Read the body; ``ValueError`` and the like for what is none of a member's."""


class Reply(Body):
    """The body of an answer. ``found``: what was read (None: nobody has written); ``swapped``: whether a cas did.

    ``revision`` and ``term``: of the whole store, and of Raft, as whoever answered knew them.
    """

    __slots__ = ("found", "revision", "swapped", "term")
    _nothing = "no answer of etcd's gateway, or a value that nobody wrote"

    def __init__(self) -> None:
        super().__init__()
        self.found: int | None = None
        self.swapped = False
        self.revision = 0
        self.term = 0

    def _take(self) -> None:
        answered = _decode(self._body)
        self.revision, self.term = int(answered.header.revision), int(answered.header.raft_term)
        self.found = int(b64decode(answered.kvs[0].value, validate=True)) if answered.kvs else None
        self.swapped = answered.succeeded


def _post(method: str, body: object) -> Request:
    return Request("POST", f"/v3/kv/{method}", _json(body), Reply)


def _text(text: str) -> str:
    return b64encode(text.encode()).decode()
