"""A bulk there and back, against small servers on loopback that each behave in one way."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from harness.agent import bulk
from harness.agent.bulk import Moved, Mover, move
from harness.agent.streams import bulk as bulk_of
from harness.primitives import Toxic

HERE = "127.0.0.1"
Serve = Callable[[socket.socket], None]


@contextmanager
def served(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> Iterator[None]:
    """Every connection is given to ``serve`` in a thread of its own, then closed."""
    with socket.create_server((HERE, 0)) as server:
        monkeypatch.setattr(bulk, "ECHO_PORT", server.getsockname()[1])

        def one(stream: socket.socket) -> None:
            with stream:
                serve(stream)

        def accept() -> None:
            while True:
                try:
                    stream, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(stream,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield
        server.shutdown(socket.SHUT_RDWR)


def echo(stream: socket.socket) -> None:
    while data := stream.recv(1 << 16):
        stream.sendall(data)


def half(stream: socket.socket) -> None:
    stream.sendall(stream.recv(1 << 16)[:100])


def silence(stream: socket.socket) -> None:
    while stream.recv(1 << 16):
        pass


def test_a_bulk_comes_back_whole_and_its_stream_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, echo):
        moved = move(HERE, 100_000, 5.0)
    assert moved is not None
    assert moved.came_bytes == 100_000
    assert moved.pieces >= 25
    assert moved.bits_per_s() > 1e6
    assert moved.close_s is not None


def test_a_stream_that_is_cut_short_brings_what_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, half):
        moved = move(HERE, 50_000, 5.0)
    assert moved is not None
    assert (moved.came_bytes, moved.close_s) == (100, None)


def test_silence_ends_with_the_time_that_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, silence):
        moved = move(HERE, 1000, 0.2)
    assert moved is not None
    assert (moved.came_bytes, moved.bits_per_s()) == (0, 0.0)


def test_where_nobody_listens_nothing_is_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HERE, 0)) as server:
        monkeypatch.setattr(bulk, "ECHO_PORT", server.getsockname()[1])
    assert move(HERE, 1000, 0.5) is None


def test_what_was_seen_before_a_turn_is_not_told_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, echo):
        mover = Mover(HERE, 20_000, 5.0)
        assert mover.look(5.0) is not None
        mover.turn()
        monkeypatch.setattr(bulk, "ECHO_PORT", 1)  # nobody answers any more
        assert mover.look(5.0) is None


def test_a_bulk_is_moved_now_and_then_only(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    def count(ip: str, size_bytes: int, timeout_s: float) -> Moved:
        begun.append(size_bytes)
        return Moved(size_bytes, size_bytes, 2, 1, 0.1, 0.1, 0.0)

    monkeypatch.setattr(bulk, "move", count)
    mover = Mover(HERE, 20_000, 5.0)
    assert [mover.look(5.0) is not None for _ in range(5)] == [True] * 5
    assert begun == [20_000]


def toxic(kind: str, **values: int) -> Toxic:
    return Toxic("gateway", "n1", 80, kind, "downstream", tuple(values.items()))


MOVED = Moved(9000, 9000, 9, 1000, 0.8, 0.9, 0.5)


@pytest.mark.parametrize(
    ("of", "size_bytes", "figures"),
    [
        (toxic("bandwidth", rate=100), 30_000, {"bits_per_s": 80_000.0}),
        (toxic("bandwidth", rate=1), 12_000, {"bits_per_s": 80_000.0}),
        (toxic("slicer", average_size=50, size_variation=0, delay=30_000), 500, {"piece_s": 0.09}),
        (toxic("slicer", average_size=50, size_variation=0, delay=1_000_000), 200, {"piece_s": 0.225}),
        (toxic("limit_data", bytes=5000), 9096, {"came_bytes": 9000}),
        (toxic("slow_close", delay=500), 1000, {"close_s": 0.5}),
    ],
)
def test_a_bulk_is_as_large_as_shows_the_toxic(of: Toxic, size_bytes: int, figures: dict[str, float]) -> None:
    found = bulk_of(of)
    assert found is not None
    assert found.size_bytes == size_bytes
    assert dict(found.figures(MOVED)) == pytest.approx(figures)


@pytest.mark.parametrize("kind", ["latency", "timeout", "reset_peer"])
def test_what_a_probe_shows_needs_no_bulk(kind: str) -> None:
    assert bulk_of(toxic(kind)) is None


def test_a_bulk_that_did_not_come_whole_tells_no_rate() -> None:
    found = bulk_of(toxic("bandwidth", rate=100))
    assert found is not None
    assert not found.figures(Moved(9000, 100, 1, 100, 0.0, 0.1, None))
