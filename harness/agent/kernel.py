"""The kernel's packet filter through the resident libnftables: changed in transactions, and read back."""

import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from harness.agent import packets
from harness.errors import AgentError
from harness.wire import Met

_SS_TIMEOUT_S = 1.0
_OURS = packets.TABLE.split()[1]


@dataclass(frozen=True, slots=True)
class Count:
    packets: int = 0
    bytes: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.packets + other.packets, self.bytes + other.bytes)

    def __sub__(self, other: "Count") -> "Count":
        return Count(self.packets - other.packets, self.bytes - other.bytes)


@dataclass(frozen=True, slots=True)
class Held:
    """What our table holds: elements by set or map, rules by chain, counters by name. All empty: there is no table."""

    elements: Mapping[str, int]
    rules: Mapping[str, int]
    counters: Mapping[str, Count]

    def count(self, counter: str) -> Count:
        return self.counters.get(counter, Count())

    def met(self, fault: str) -> Met:
        """What the two counters of a fault say: of the traffic, and of our own echoes."""
        traffic, echoes = self.count(f"{fault}/packets"), self.count(f"{fault}/echoes")
        return Met(fault, traffic.packets, traffic.bytes, echoes.packets)

    def filled(self, names: Iterable[str]) -> list[str]:
        """Those of these sets and maps that are not empty."""
        return [name for name in names if self.elements.get(name)]


class _Elements(msgspec.Struct):
    name: str
    elem: list[msgspec.Raw] = []


class _Rule(msgspec.Struct):
    chain: str


class _Counter(msgspec.Struct):
    name: str
    packets: int
    bytes: int


class _Table(msgspec.Struct):
    family: str
    name: str


class _Item(msgspec.Struct):
    table: _Table | None = None
    set: _Elements | None = None
    map: _Elements | None = None
    rule: _Rule | None = None
    counter: _Counter | None = None


class _Listing(msgspec.Struct):
    nftables: list[_Item]


_listing = msgspec.json.Decoder(_Listing)


def parse(listing: str) -> Held:
    """From what ``nft -j list table`` says. Raises ``AgentError`` for anything else."""
    try:
        items = _listing.decode(listing).nftables
    except msgspec.MsgspecError as error:
        raise AgentError(f"libnftables listed our table in words we do not know: {error}") from error
    sets = (found for item in items for found in (item.set, item.map) if found)
    return Held(
        {found.name: len(found.elem) for found in sets},
        Counter(item.rule.chain for item in items if item.rule),
        {c.name: Count(c.packets, c.bytes) for item in items if (c := item.counter)},
    )


class Library(Protocol):
    """The part of ``nftables.Nftables`` (Debian's python3-nftables) we use."""

    def cmd(self, cmdline: str) -> tuple[int, str, str]: ...
    def set_json_output(self, val: bool) -> object: ...


def library() -> Library:
    from nftables import Nftables  # exists in the sidecar's image only

    found: Library = Nftables()
    found.set_json_output(True)
    return found


class Kernel:
    """Not for several threads at once."""

    def __init__(self, nft: Library) -> None:
        self._nft = nft

    def change(self, text: str) -> None:
        """All of ``text`` in one transaction, or ``AgentError`` and nothing has changed."""
        code, _, error = self._nft.cmd(text)
        if code:
            raise AgentError(f"the kernel refused a change of its packet rules: {' '.join(error.split())[:300]}")

    def take_away(self, text: str, table: str = packets.TABLE) -> None:
        """``change``, but a table that is gone holds nothing any more, so that nothing is left to be done."""
        try:
            self.change(text)
        except AgentError:
            if self.held(table).rules:
                raise

    def held(self, table: str = packets.TABLE) -> Held:
        """What one of our tables holds; empty where there is no such table."""
        code, listing, error = self._nft.cmd(f"list table {table}")
        if code and "No such file" in error:
            return Held({}, {}, {})
        if code:
            raise AgentError(f"the kernel did not list its packet rules: {' '.join(error.split())[:300]}")
        return parse(listing)

    def tables(self) -> tuple[str, ...]:
        """Ours that are there, such as ``inet harness``: all whose name begins so."""
        code, listing, error = self._nft.cmd("list tables")
        if code:
            raise AgentError(f"the kernel did not list its tables: {' '.join(error.split())[:300]}")
        found = (item.table for item in _listing.decode(listing).nftables)
        return tuple(f"{t.family} {t.name}" for t in found if t and t.name.startswith(_OURS))


def end_sockets(ss_filter: str) -> None:
    """Reset the established TCP connections an ``ss`` filter names; the other end is told by a RST."""
    _run("ss", "--no-header", "--kill", "--tcp", "--numeric", "state", "synchronized", ss_filter)


def remove_everything(kernel: Kernel) -> None:
    """Our tables and any queueing discipline: the namespace as it was before us."""
    if tables := kernel.tables():  # one may go while we ask: adding first makes deleting it no error
        kernel.change("\n".join(f"add table {table}\ndelete table {table}" for table in tables))
    for device in Path("/sys/class/net").iterdir():
        if device.name != "lo":
            _run("tc", "qdisc", "del", "dev", device.name, "root")


def _run(*argv: str) -> None:
    try:
        subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SS_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AgentError(f"{argv[0]} did not run in the sidecar: {error}") from error
