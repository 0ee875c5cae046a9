"""Datagrams that meet a fault because they travel as the traffic does: a thread of the agent sends them to the peers.

Their way is the network's, not the queue's program's: what it claims to have done does not enter.
"""

import select
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from itertools import count
from pathlib import Path

from harness.agent.queue.volley import (
    DATAGRAM_BYTES,
    DATAGRAMS,
    FLOWS,
    IN_A_ROW,
    Tally,
    Volley,
    datagram,
    figures,
    number_of,
)
from harness.clock import monotonic_ns, to_ns
from harness.wire import ECHO_PORT

_EVERY_S = 0.5
_SETTLED_S = 0.3  # a round trip without a fault, on a busy machine, with margin
_NAP_S = 0.02


class _Peer:
    """One peer's sockets, and its volleys that are not over."""

    def __init__(self, ip: str) -> None:
        family = socket.AF_INET6 if ip_address(ip).version == 6 else socket.AF_INET
        self.sockets = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(FLOWS)]
        for flow in self.sockets:
            flow.setblocking(False)
            flow.connect((ip, ECHO_PORT))
        self.volleys: list[Volley] = []
        self.tally = Tally()

    def volley(self, first: int, patience_ns: int) -> None:
        volley = Volley(first, patience_ns)
        for index in range(DATAGRAMS):
            volley.sent(monotonic_ns())
            with suppress(OSError):  # what cannot be sent is lost
                self.sockets[index // IN_A_ROW].send(datagram(first + index))
        self.volleys.append(volley)

    def hear(self, flow: socket.socket) -> None:
        with suppress(OSError):  # an unreachable of an earlier datagram comes out here
            while True:
                number, intact = number_of(flow.recv(2 * DATAGRAM_BYTES))
                now_ns = monotonic_ns()
                for volley in self.volleys:
                    if volley.first <= number < volley.first + DATAGRAMS:
                        volley.came(number, now_ns, intact)

    def settle(self) -> None:
        now_ns = monotonic_ns()
        for volley in [v for v in self.volleys if v.over(now_ns)]:
            self.volleys.remove(volley)
            self.tally += volley.tally()

    def start_over(self) -> None:
        self.volleys, self.tally = [], Tally()

    def close(self) -> None:
        for flow in self.sockets:
            flow.close()


class Witness:
    """Of one fault: from ``start`` to ``stop``. ``ips``: of its peers; ``late_s``: the most a packet may wait now."""

    def __init__(self, ips: Sequence[str], late_s: Callable[[], float]) -> None:
        self._ips, self._late_s = tuple(ips), late_s
        self._lock = threading.Lock()
        self._peers: tuple[_Peer, ...] = ()
        self._turned = threading.Event()
        self._stopped = threading.Event()
        self._numbers = count(1, DATAGRAMS)
        self._errors = 0
        self._thread = threading.Thread(target=self._run, name="volleys", daemon=True)

    def start(self) -> None:
        """Raises ``OSError`` where a peer has no route."""
        self._peers = tuple(_Peer(ip) for ip in self._ips)
        self._errors = checksum_errors()
        self._thread.start()

    def turn(self) -> None:
        """The fault was applied or taken away: what is under way counts for neither."""
        self._turned.set()

    def readings(self) -> dict[str, float]:
        """Since the last time, or since the last turn; empty where nothing is known yet."""
        if self._turned.is_set():
            return {}
        with self._lock:
            found = figures([peer.tally for peer in self._peers])
            if found:
                for peer in self._peers:
                    peer.tally = Tally()
                errors, before = checksum_errors(), self._errors
                self._errors, found["checksum_errors"] = errors, float(errors - before)
        return found

    def stop(self) -> None:
        self._stopped.set()
        if self._peers:  # else it never started
            self._thread.join()
        for peer in self._peers:
            peer.close()

    def _run(self) -> None:
        flows = {flow: peer for peer in self._peers for flow in peer.sockets}
        next_ns = 0
        while not self._stopped.is_set():
            with self._lock:
                if self._turned.is_set():
                    self._start_over()
                    next_ns = 0
                if monotonic_ns() >= next_ns:
                    next_ns = monotonic_ns() + to_ns(_EVERY_S)
                    patience_ns = to_ns(self._late_s() + _SETTLED_S)
                    for peer in self._peers:
                        peer.volley(next(self._numbers), patience_ns)
            self._listen(flows)

    def _start_over(self) -> None:
        for peer in self._peers:
            peer.start_over()
        self._errors = checksum_errors()
        self._turned.clear()

    def _listen(self, flows: Mapping[socket.socket, _Peer]) -> None:
        ready, _, _ = select.select(tuple(flows), (), (), _NAP_S)
        with self._lock:
            for flow in ready:
                flows[flow].hear(flow)
            for peer in self._peers:
                peer.settle()


def checksum_errors() -> int:
    """Packets this namespace's kernel threw away for their checksum, TCP and UDP, IPv4 and IPv6."""
    lines = Path("/proc/net/snmp").read_text().splitlines()
    found = 0
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        if names.startswith(("Tcp:", "Udp:")):
            found += int(dict(zip(names.split(), values.split(), strict=True)).get("InCsumErrors", 0))
    with suppress(FileNotFoundError):
        for line in Path("/proc/net/snmp6").read_text().splitlines():
            name, value = line.split()
            found += int(value) if name == "Udp6InCsumErrors" else 0
    return found
