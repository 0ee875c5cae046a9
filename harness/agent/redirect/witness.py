"""Witnesses of what is redirected: they ask and connect as any program of the pod does, and see what comes back."""

import random
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from math import ceil
from pathlib import Path

from harness.agent.redirect import messages
from harness.agent.redirect.nat import DNS_PORT
from harness.errors import AgentError
from harness.primitives import Resolve, Tamper
from harness.wire import ECHO_PORT

_EVERY_S = 0.25
_LOOKUP_S = 1.0  # without an answer for so long (longer than any delay that was asked for) it is silence
_ECHO_S = 0.25
_ECHOES_MAX = 40
_CHUNK_BYTES = 1 << 16


def resolver_of(resolv_conf: Path = Path("/etc/resolv.conf")) -> str:
    """Whom this namespace's programs ask first. Raises ``AgentError`` where nobody is named."""
    try:
        lines = resolv_conf.read_text().splitlines()
    except OSError as error:
        raise AgentError(f"{resolv_conf} cannot be read in this pod: {error.strerror}") from error
    for line in lines:
        if line.split()[:1] == ["nameserver"] and len(line.split()) > 1:
            return line.split()[1]
    raise AgentError(f"{resolv_conf} names no nameserver, so nobody here asks for names")


class Witness(ABC):
    """Looks every ``_EVERY_S`` from a thread of its own until it is stopped. What it saw is of one turn only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._turn = 0
        self._fired = False
        self._last: Mapping[str, float] = {}

    def start(self) -> None:
        threading.Thread(target=self._run, name="redirect-witness", daemon=True).start()

    def turn(self, *, fired: bool) -> None:
        """What is seen from now on is of the fault in force, or not; a look that began before counts for neither."""
        with self._lock:
            self._turn += 1
            self._fired, self._last = fired, {}

    def readings(self) -> Mapping[str, float]:
        with self._lock:
            return dict(self._last)

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                turn, fired = self._turn, self._fired
            seen = self.look(fired)
            with self._lock:
                if turn == self._turn:
                    self._last = self.note(self._last, seen)
            self._stop.wait(_EVERY_S)
        self.close()

    @abstractmethod
    def look(self, fired: bool) -> Mapping[str, float]: ...

    @abstractmethod
    def note(self, last: Mapping[str, float], seen: Mapping[str, float]) -> Mapping[str, float]:
        """What is said after one more look; ``last``: what was said in this turn before, empty where it begins."""

    @abstractmethod
    def close(self) -> None:
        """No further look comes."""


class Asker(Witness):
    """Asks one name again and again from one open socket, so that it also sees that open sockets are met."""

    def __init__(self, change: Resolve, resolver: str) -> None:
        super().__init__()
        self._name = change.names[0] if change.names else change.node
        self._timeout_s = _LOOKUP_S + change.delay_s
        self._true: set[str] = set()  # what the name meant before
        self._number = random.randrange(1 << 15)
        self._socket = socket.socket(socket.AF_INET6 if ":" in resolver else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((resolver, DNS_PORT))
        self.port: int = self._socket.getsockname()[1]

    def look(self, fired: bool) -> Mapping[str, float]:
        start_s = time.monotonic()
        heard = self._ask(start_s + self._timeout_s)
        if heard is None:
            return {"heard": 0.0, "answered": 0.0}
        took_s = time.monotonic() - start_s
        if not fired:
            self._true |= set(heard.addresses)
        return {
            "heard": 1.0,
            "answered": float(bool(heard.addresses)),
            "nxdomain": float(heard.code == "nxdomain"),
            "servfail": float(heard.code == "servfail"),
            "wrong_address": float(bool(set(heard.addresses) - self._true)),
            "lookup_s": took_s,
        }

    def note(self, last: Mapping[str, float], seen: Mapping[str, float]) -> Mapping[str, float]:
        return seen

    def _ask(self, until_s: float) -> messages.Heard | None:
        self._number = (self._number + 1) & 0xFFFF
        try:
            self._socket.settimeout(max(until_s - time.monotonic(), 0.001))
            self._socket.send(messages.question(self._number, self._name))
            while (left_s := until_s - time.monotonic()) > 0:
                self._socket.settimeout(left_s)
                heard = messages.heard(self._socket.recv(_CHUNK_BYTES))
                if heard and heard.number == self._number:
                    return heard
        except OSError:
            return None
        return None

    def close(self) -> None:
        self._socket.close()


class Echoer(Witness):
    """Sends to the peer's echo what a tamperer would change, and compares what comes back."""

    def __init__(self, change: Tamper, address: str) -> None:
        super().__init__()
        self._address, self._find = address, change.find
        self._at_once = min(_ECHOES_MAX, 1 + (change.every or ceil(4 / change.share)))
        self._number = 0

    def look(self, fired: bool) -> Mapping[str, float]:
        sent = changed = 0
        while not changed and sent < self._at_once:
            more = self._talk(self._at_once - sent)
            if more == (0, 0):
                break
            sent, changed = sent + more[0], changed + more[1]
        return {"echoes": float(sent), "changed": float(changed)}

    def note(self, last: Mapping[str, float], seen: Mapping[str, float]) -> Mapping[str, float]:
        echoes = last.get("echoes", 0.0) + seen["echoes"]
        if not echoes:
            return {}
        changed = last.get("changed_share", 0.0) * last.get("echoes", 0.0) + seen["changed"]
        return {"echoes": echoes, "changed_share": changed / echoes}

    def close(self) -> None:
        """Nothing is open between two looks."""

    def _talk(self, count: int) -> tuple[int, int]:
        """(sent, changed) over one connection, until an answer differs: what follows it would be out of step."""
        sent = 0
        with suppress(OSError), socket.create_connection((self._address, ECHO_PORT), _ECHO_S) as connection:
            for _ in range(count):
                self._number += 1
                payload = f"witness {self._number:08} {self._find}".encode()
                connection.sendall(payload)
                answer = connection.recv(_CHUNK_BYTES)
                sent += 1
                if answer != payload:
                    return sent, 1
        return sent, 0
