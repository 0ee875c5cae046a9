"""What the queue needs of the agent's other parts: an echo for datagrams, and a namespace that can be emptied."""

import asyncio
import json

from harness.agent.kernel import Kernel
from harness.agent.watch import DatagramEcho
from harness.wire import ECHO_PORT


class Transport(asyncio.DatagramTransport):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[bytes, object]] = []

    def sendto(self, data: object, addr: object = None) -> None:
        assert isinstance(data, bytes)
        self.sent.append((data, addr))


def test_a_datagram_goes_back_to_its_sender_but_two_echoes_do_not_talk_for_ever() -> None:
    echo, transport = DatagramEcho(), Transport()
    echo.connection_made(transport)
    echo.datagram_received(b"hello", ("127.0.0.1", 5000))
    echo.datagram_received(b"hello", ("127.0.0.1", ECHO_PORT))
    assert transport.sent == [(b"hello", ("127.0.0.1", 5000))]


class Library:
    """Lists these tables."""

    def __init__(self, *tables: tuple[str, str]) -> None:
        self._tables = tables

    def cmd(self, cmdline: str) -> tuple[int, str, str]:
        assert cmdline == "list tables"
        tables = [{"table": {"family": family, "name": name, "handle": 1}} for family, name in self._tables]
        return 0, json.dumps({"nftables": [{"metainfo": {"version": "1.1.3"}}, *tables]}), ""

    def set_json_output(self, val: bool) -> None: ...


def test_our_tables_are_those_whose_name_begins_with_ours() -> None:
    kernel = Kernel(Library(("ip", "nat"), ("inet", "harness"), ("inet", "harness-queue"), ("ip6", "harness-queue")))
    assert kernel.tables() == ("inet harness", "inet harness-queue", "ip6 harness-queue")
