"""What the supervisor does: holds the namespace, runs Toxiproxy and the echo, watches them and the agent.

It restarts nothing: a part that died makes the run inconclusive, and what matters then is that the network is whole
again. When the agent or Toxiproxy dies or the agent falls silent, our packet rules, queueing disciplines and toxics are
removed and one line says why.
"""

import asyncio
import os
import signal
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import cast

from harness.agent import tie
from harness.agent.kernel import Kernel, library, remove_everything
from harness.agent.redirect.flows import forget_redirected
from harness.agent.toxics import Toxics
from harness.errors import AgentError
from harness.wire import ECHO_PORT, TOXIPROXY_PORT, TOXIPROXY_UID

_CHUNK_BYTES = 1 << 16
_GRACE_S = 1.0  # for an agent that was told to end
_PEER = struct.Struct("iII")


def say(text: str) -> None:
    """One line in the container's log."""
    sys.stdout.write(f"supervisor: {text}\n")
    sys.stdout.flush()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What comes in goes out again, until the other end closes."""
    with suppress(OSError):
        while data := await reader.read(_CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    writer.close()


class DatagramEcho(asyncio.DatagramProtocol):
    """A datagram goes back to its sender; not to another echo, or it would never end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr[1] != ECHO_PORT:
            self._transport.sendto(data, addr)


async def echo_datagrams() -> None:
    """On the same port as the TCP echo, IPv4 and, where there is such a thing here, IPv6."""
    for family, ip in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        with suppress(OSError):
            served = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                served.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            served.bind((ip, ECHO_PORT))
            await asyncio.get_running_loop().create_datagram_endpoint(DatagramEcho, sock=served)


def start_toxiproxy() -> "subprocess.Popen[bytes]":
    """As a user of its own, which the redirects leave alone; on loopback, for its API has no authentication."""
    return subprocess.Popen(
        ["toxiproxy-server", "-host", "127.0.0.1", "-port", str(TOXIPROXY_PORT)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", ""), "LOG_LEVEL": "fatal"},
        user=TOXIPROXY_UID,
        group=TOXIPROXY_UID,
        extra_groups=[],
    )


class Supervisor:
    def __init__(self) -> None:
        self._kernel = Kernel(library())
        self._toxics = Toxics()
        self._toxiproxy = start_toxiproxy()
        self._toxiproxy_ended: str | None = None
        self._agents: dict[int, asyncio.StreamWriter] = {}  # by process id

    async def run(self) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        self._reap()  # what died before the handler was there
        await asyncio.start_server(echo, None, ECHO_PORT)
        await echo_datagrams()
        with suppress(FileNotFoundError):
            Path(tie.PATH).unlink()
        await asyncio.start_unix_server(self._watch, tie.PATH)
        await stop.wait()

    def _reap(self) -> None:
        """Every child that ended, ours and the orphans a first process inherits."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._toxiproxy.pid:
                self._lost_toxiproxy(os.waitstatus_to_exitcode(status))

    def _lost_toxiproxy(self, code: int) -> None:
        self._toxiproxy_ended = f"Toxiproxy ended ({code})"
        self._clean()
        say(f"{self._toxiproxy_ended}; packet rules and redirects are removed, links work directly")
        for pid, writer in self._agents.items():
            self._dismiss(pid, writer)

    def _dismiss(self, pid: int, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{self._toxiproxy_ended}; all faults of this pod are removed\n".encode())
        asyncio.get_running_loop().call_later(_GRACE_S, self._end_agent, pid)

    def _end_agent(self, pid: int) -> None:
        if pid in self._agents:
            _kill(pid)

    async def _watch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One agent, from its first beat to its last."""
        pid = _peer_pid(writer)
        self._agents[pid] = writer
        if self._toxiproxy_ended:
            self._dismiss(pid, writer)
        heard, how = b"", "ended without a goodbye"
        try:
            while data := await asyncio.wait_for(reader.read(_CHUNK_BYTES), tie.SILENT_S):
                heard = data
        except TimeoutError:
            how = f"was silent for {tie.SILENT_S:g} s and is killed"
            _kill(pid)
        except OSError:
            pass
        finally:
            del self._agents[pid]
            writer.close()
        if not heard.endswith(tie.GOODBYE):
            self._clean()
            say(f"the agent (process {pid}) {how}; packet rules and toxics are removed")

    def _clean(self) -> None:
        """The network as it was before us, by whatever still works."""
        try:
            remove_everything(self._kernel)
        except AgentError as error:
            say(str(error))
        forget_redirected()
        if self._toxiproxy_ended:
            return
        try:
            self._toxics.reset()
        except AgentError as error:
            say(f"{error}; it is killed")
            _kill(self._toxiproxy.pid)

    def end_children(self) -> None:
        for pid in (*self._agents, self._toxiproxy.pid):
            _kill(pid)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _peer_pid(writer: asyncio.StreamWriter) -> int:
    peer = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    pid: int = _PEER.unpack(peer)[0]
    return pid


def watch() -> None:
    """Until SIGTERM."""
    supervisor = Supervisor()
    try:
        asyncio.run(supervisor.run())
    finally:
        supervisor.end_children()
