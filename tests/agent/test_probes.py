import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from harness.agent import probes
from harness.agent.probes import Prober, probe
from harness.agent.watch import echo
from harness.wire import Probe

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def probed(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Probe:
    """One probe of a server on loopback that behaves as told."""

    async def run() -> Probe:
        served = asyncio.Event()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await serve(reader, writer)
            writer.close()
            await writer.wait_closed()
            served.set()

        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            monkeypatch.setattr(probes, "ECHO_PORT", server.sockets[0].getsockname()[1])
            found = await probe("n1", "127.0.0.1", 0.2)
            await served.wait()
            return found

    return asyncio.run(run())


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readexactly(probes.PAYLOAD_BYTES)


async def lie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(bytes(await reader.readexactly(probes.PAYLOAD_BYTES))[::-1])
    await reader.read()


def test_an_echo_that_comes_back_has_a_round_trip_time(monkeypatch: pytest.MonkeyPatch) -> None:
    found = probed(echo, monkeypatch)
    assert found.error is None
    assert found.rtt_s is not None
    assert 0 < found.rtt_s < 0.2


@pytest.mark.parametrize(
    ("serve", "error"),
    [
        (silence, "no answer within 0.2 s"),
        (hang_up, "closed without an answer"),
        (lie, "the answer was not what was sent"),
    ],
)
def test_a_lost_echo_says_how_it_was_lost(serve: Serve, error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = probed(serve, monkeypatch)
    assert (found.peer, found.rtt_s, found.error) == ("n1", None, error)


def test_a_port_where_nobody_listens_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(probes, "ECHO_PORT", server.getsockname()[1])
    found = asyncio.run(probe("n1", "127.0.0.1", 0.2))
    assert (found.rtt_s, found.error) == (None, "Connection refused")


def test_a_peer_that_is_silent_delays_no_other_probe_and_not_its_own_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:  # its kernel accepts, nobody answers
        monkeypatch.setattr(probes, "ECHO_PORT", server.getsockname()[1])
        seen: list[Probe] = []
        enough = threading.Event()

        def tell(found: Probe) -> None:
            seen.append(found)
            if len(seen) == 8:
                enough.set()

        prober = Prober(tell)
        prober.start({"a": "127.0.0.1", "b": "127.0.0.1"}, 0.05, 0.3)
        assert enough.wait(5)
        prober.start({}, 1.0, 1.0)
    sent_s = [sorted(p.sent_ns / 1e9 for p in seen if p.peer == peer) for peer in "ab"]
    assert all(later - earlier < 0.3 for times in sent_s for earlier, later in pairwise(times))
    assert {p.error for p in seen} == {"no answer within 0.3 s"}
