"""Reads a history from JSON lines: every problem with its line, what is wrong there and what to write instead."""

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import msgspec

from harness.consistency.history import FUNCTIONS, OF_REGISTERS, OF_SETS, Call, Function, History
from harness.errors import HistoryError, Problem

LINES_MAX = 2_000_000
LINE_BYTES_MAX = 1 << 20
DEPTH_MAX = 8
PROBLEMS_MAX = 20
_TYPES = ("invoke", "ok", "fail", "info")
_ASKED = {
    "write": "a value",
    "cas": "[old, new]",
    "add": "an element",
    "remove": "an element",
    "contains": "an element",
}
_FUNCTIONS: Mapping[str, Function] = {function: function for function in FUNCTIONS}
_MISSING = msgspec.Raw(b"")


class _Bad(Exception):
    """Half a sentence about a line."""


class _Line(msgspec.Struct, gc=False):
    process: int
    type: str
    f: str
    key: str | int | None = None
    value: msgspec.Raw = _MISSING
    time_s: float | None = None
    error: Any = None


class _Invoked(msgspec.Struct, gc=False):
    """``value``: the canonical text of what was asked; of a cas of the new value."""

    line: _Line
    number: int
    at: float
    key: str
    value: str
    old: str


def read(path: Path, name: str) -> History:
    """The history in a file. Raises HistoryError with each problem as ``name:line: what, and what to do``."""
    try:
        with path.open("rb") as stream:
            reader = _Reader(name)
            reader.read(stream)
            return reader.history()
    except OSError as error:
        raise HistoryError([Problem(name, 0, f"cannot be read ({error.strerror}): check its name")]) from error


def read_lines(data: bytes, name: str) -> History:
    """The history in the bytes of such a file. Raises ScenarioError."""
    reader = _Reader(name)
    reader.read(BytesIO(data))
    return reader.history()


class _Reader:
    """Walks the lines; ``problems`` grows, and reading goes on, until there are ``PROBLEMS_MAX``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._problems: list[Problem] = []
        self._calls: list[Call] = []
        self._open: dict[int, _Invoked] = {}
        self._last: dict[int, float] = {}  # of each process, the instant of its last line
        self._first_of: dict[str, tuple[Function, int]] = {}  # key -> the function that says what it is, its line
        self._timed: bool | None = None
        self._decoder = msgspec.json.Decoder(_Line)

    def read(self, stream: IO[bytes]) -> None:
        number = 0
        while data := stream.readline(LINE_BYTES_MAX + 1):
            number += 1
            if number > LINES_MAX:
                self._say(number, f"is one line too many: a history has at most {LINES_MAX:,}; check a part of it")
                break
            if len(data) > LINE_BYTES_MAX:
                self._say(number, f"is longer than {LINE_BYTES_MAX:,} bytes: write one JSON object a line")
                break
            if not data.strip():
                continue
            try:
                self._line(number, data)
            except _Bad as bad:
                self._say(number, str(bad))
            if len(self._problems) >= PROBLEMS_MAX:
                break

    def history(self) -> History:
        """What was read. Raises HistoryError."""
        for invoked in self._open.values():
            self._keep(invoked, "info", None, None, 0)
        if not self._problems:
            self._whole_sets()
        if not self._problems and not self._calls:
            self._say(0, "has no operations that ended: write an invoke and an ok line for each")
        if self._problems:
            raise HistoryError(self._problems)
        self._calls.sort(key=lambda call: (call.invoked, call.line))
        return History(tuple(self._calls), timed=bool(self._timed))

    def _say(self, number: int, text: str) -> None:
        self._problems.append(Problem(self._name, number, text))

    def _line(self, number: int, data: bytes) -> None:
        line = self._decoded(data)
        at = self._instant(number, line)
        if line.type == "invoke":
            self._begin(number, at, line)
        else:
            self._end(number, at, line)

    def _decoded(self, data: bytes) -> _Line:
        try:
            line = self._decoder.decode(data)
        except msgspec.ValidationError as error:
            raise _Bad(f"is not a line of a history ({error})") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _Bad(f"is not JSON ({error}): write one object a line") from error
        except RecursionError as error:
            raise _Bad(f"is nested too deep: write values with at most {DEPTH_MAX} levels") from error
        if line.type not in _TYPES:
            raise _Bad(f"type is {_quoted(line.type)}: write invoke, ok, fail or info")
        if line.f not in _FUNCTIONS:
            raise _Bad(f"f is {_quoted(line.f)}: write {', '.join(FUNCTIONS[:-1])} or {FUNCTIONS[-1]}")
        if line.key is None:
            raise _Bad("has no key: write the name of the register or set")
        return line

    def _instant(self, number: int, line: _Line) -> float:
        """Its time; of a file without times its number."""
        timed = line.time_s is not None
        if self._timed is None:
            self._timed = timed
        if timed is not self._timed:
            here, before = ("a", "none") if timed else ("no", "one")
            raise _Bad(f"has {here} time_s and the lines before have {before}: write it on every line, or on none")
        at = float(number) if line.time_s is None else line.time_s
        last = self._last.get(line.process, at)
        if at < last:
            raise _Bad(f"is at {at:g} s, and process {line.process} was at {last:g} s already: order its lines by time")
        self._last[line.process] = at
        return at

    def _begin(self, number: int, at: float, line: _Line) -> None:
        if (before := self._open.get(line.process)) is not None:
            raise _Bad(
                f"process {line.process} has an open {before.line.f} since line {before.number}: end that one first, "
                "with ok, fail or info"
            )
        key, function = json.dumps(line.key), _FUNCTIONS[line.f]
        self._fits(number, key, function)
        value, old = _asked(line)
        self._open[line.process] = _Invoked(line, number, at, key, value, old)

    def _fits(self, number: int, key: str, function: Function) -> None:
        """A key is a register or a set, not both."""
        if function == "read":
            return
        first, since = self._first_of.setdefault(key, (function, number))
        if (first in OF_SETS) is not (function in OF_SETS):
            kind, other = ("set", OF_SETS) if first in OF_SETS else ("register", OF_REGISTERS)
            words = ", ".join(sorted(other | {"read"}))
            raise _Bad(f"{function} on key {key}, which is a {kind} since line {since}: a {kind} has {words}")

    def _end(self, number: int, at: float, line: _Line) -> None:
        invoked = self._open.pop(line.process, None)
        if invoked is None:
            raise _Bad(f"{line.type} of process {line.process}, which has nothing open: write its invoke line before")
        asked = invoked.line
        if line.f != asked.f or line.key != asked.key:
            raise _Bad(
                f"{line.type} of {line.f} on key {json.dumps(line.key)}, but process {line.process} has {asked.f} on "
                f"key {invoked.key} open since line {invoked.number}: end what was begun"
            )
        self._keep(invoked, line.type, line, at, number)

    def _keep(self, invoked: _Invoked, ended: str, line: _Line | None, at: float | None, number: int) -> None:
        """Make a call of it, unless nothing can be known from it. ``at`` None: it never ended."""
        function = _FUNCTIONS[invoked.line.f]
        call = Call(
            invoked.line.process, function, invoked.key, invoked.value, invoked.at, old=invoked.old, line=invoked.number
        )
        if ended == "info" or line is None or at is None:
            if function not in ("read", "contains"):
                self._calls.append(call._replace(ended=number))
        elif ended == "fail":
            # Only a cas that was carried out and did not match says something; one that gives an error was not.
            if function == "cas" and line.error is None:
                self._calls.append(call._replace(returned=at, answer=False, ended=number))
        else:
            self._calls.append(_answered(call, line, at, number))

    def _whole_sets(self) -> None:
        """A read of a set has a list for an answer."""
        for call in self._calls:
            first = self._first_of.get(call.key)
            if call.f == "read" and call.members is None and first and first[0] in OF_SETS:
                self._say(call.ended, f"a read of the set {call.key} is {call.value}: write the list of its elements")


def _answered(call: Call, line: _Line, at: float, number: int) -> Call:
    """The same with what its ok line says."""
    ended = call._replace(returned=at, ended=number)
    if call.f == "read":
        if line.value == _MISSING:
            raise _Bad("ok of a read without a value: write what was read (null: nothing)")
        value = _value(line.value)
        members = _members(value) if isinstance(value, list) else None
        return ended._replace(value=_text(value), members=members)
    if call.f == "contains":
        answer = _value(line.value) if line.value != _MISSING else None
        if not isinstance(answer, bool):
            raise _Bad("ok of contains without its answer: write true or false as the value")
        return ended._replace(answer=answer)
    if bytes(line.value) not in (b"", b"null") and _asked(line) != (call.value, call.old):
        raise _Bad(f"ok of {call.f} with another value than line {call.line} asks for: write that one, or null")
    return ended._replace(answer=True) if call.f == "cas" else ended


def _asked(line: _Line) -> tuple[str, str]:
    """(value, old) of what is asked for."""
    if line.f == "read":
        return "", ""
    if line.value == _MISSING:
        raise _Bad(f"{line.f} without a value: write {_ASKED[line.f]}")
    value = _value(line.value)
    if line.f != "cas":
        return _text(value), ""
    if not isinstance(value, list) or len(value) != 2:
        raise _Bad(f"value of a cas is {_quoted(_text(value))}: write [old, new]")
    return _text(value[1]), _text(value[0])


def _members(value: list[Any]) -> frozenset[str]:
    """The elements; one that is there twice is also a member of its own that nobody added, so that no order fits."""
    members: set[str] = set()
    for element in map(_text, value):
        members.add(f"{element} (twice)" if element in members else element)
    return frozenset(members)


def _value(raw: msgspec.Raw) -> Any:
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _Bad(f"its value cannot be read ({error}): write plain JSON") from error
    if isinstance(value, (list, dict)) and _too_deep(value, DEPTH_MAX):
        raise _Bad(f"its value is nested too deep: write one with at most {DEPTH_MAX} levels")
    return value


def _too_deep(value: Any, levels: int) -> bool:
    if not isinstance(value, (list, dict)):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return not levels or any(_too_deep(part, levels - 1) for part in parts)


def _text(value: Any) -> str:
    """Canonical JSON in ASCII: equal values have equal texts, others never (1 and 1.0 are one number)."""
    if type(value) is int:
        return str(value)
    return json.dumps(_canonical(value), sort_keys=True)


def _canonical(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_canonical(part) for part in value]
    if isinstance(value, dict):
        return {key: _canonical(part) for key, part in value.items()}
    return value


def _quoted(text: str) -> str:
    """For a message: what a file says, in ASCII and not longer than a line."""
    shown = json.dumps(text)[1:-1]
    return f"'{shown if len(shown) <= 40 else shown[:37] + '...'}'"
