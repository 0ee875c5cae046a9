"""Volleys against an echo on loopback that behaves as a fault would."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from harness.agent.queue import witness
from harness.agent.queue.volley import DATAGRAMS
from harness.agent.queue.witness import Witness

Answer = Callable[[bytes], list[bytes]]


class Echo:
    def __init__(self) -> None:
        self.answer: Answer = lambda data: [data]
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            data, sender = self._socket.recvfrom(1000)
            if not data:
                return
            for back in self.answer(data):
                self._socket.sendto(back, sender)

    def end(self) -> None:
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join(5)
        self._socket.close()


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Iterator[Echo]:
    made = Echo()
    monkeypatch.setattr(witness, "ECHO_PORT", made.port)
    yield made
    made.end()


@pytest.fixture
def watching(echo: Echo) -> Iterator[Witness]:
    made = Witness(["127.0.0.1"], lambda: 0.01)
    made.start()
    yield made
    made.stop()


def read(watching: Witness) -> dict[str, float]:
    end_s = time.monotonic() + 5
    while not (found := watching.readings()):
        assert time.monotonic() < end_s, "no reading in time"
        time.sleep(0.01)
    return found


def test_an_undisturbed_peer_sends_everything_back_once(watching: Witness) -> None:
    found = read(watching)
    assert found["datagrams"] == DATAGRAMS
    assert [found[name] for name in ("lost_share", "doubled_share", "overtaken_share", "corrupted_share")] == [0.0] * 4
    assert found["round_trip_s"] < 0.3


def test_what_happens_after_a_turn_is_read_apart_from_what_was_before(echo: Echo, watching: Witness) -> None:
    read(watching)
    echo.answer = lambda data: []
    watching.turn()
    assert read(watching)["lost_share"] == 1.0
    echo.answer = lambda data: [data, data]
    watching.turn()
    assert read(watching)["doubled_share"] == 1.0
    echo.answer = lambda data: [bytes((data[0] ^ 4,)) + data[1:]]
    watching.turn()
    assert read(watching)["corrupted_share"] == 1.0
