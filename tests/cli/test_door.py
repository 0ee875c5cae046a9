"""The door of a cluster that is up, with nobody but a test on either side of it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.cli.door import DOOR, Caller, Door, Down, Ended, Inject, Request, ask
from harness.errors import EngineError

CUT = Inject("partition", ("n1",), {"from": "everyone"}, 10.0)
# A record lies deeper than the hundred characters or so that the path of a socket may have.
DEEP = "a-folder-with-quite-a-long-name/" * 4


@pytest.fixture
def record(tmp_path: Path) -> Path:
    folder = tmp_path / DEEP
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def door(record: Path) -> Iterator[Door]:
    found = Door(record)
    yield found
    found.close()
    assert not (record / DOOR).exists()


class Asking:
    """Somebody asks, in a thread of their own."""

    def __init__(self, record: Path, request: Request) -> None:
        self.said: list[str] = []
        self.ended: Ended | EngineError | None = None
        self._thread = threading.Thread(target=self._ask, args=(record, request))
        self._thread.start()

    def _ask(self, record: Path, request: Request) -> None:
        try:
            self.ended = ask(record, request, self.said.append)
        except EngineError as error:
            self.ended = error

    def over(self) -> Ended | EngineError | None:
        self._thread.join(10)
        return self.ended


def come(door: Door) -> Caller:
    caller = door.next(60)
    assert caller is not None
    return caller


@pytest.mark.parametrize("request_", [CUT, Down()])
def test_what_is_asked_for_arrives_and_so_does_every_answer(record: Path, door: Door, request_: Request) -> None:
    asking = Asking(record, request_)
    caller = come(door)
    assert caller.request == request_ and not caller.gone()
    caller.say("one")
    caller.say("two\nlines")
    caller.end(3, "why")
    assert asking.over() == Ended(3, "why") and asking.said == ["one", "two\nlines"]


def test_only_its_owner_may_come_to_the_door(record: Path, door: Door) -> None:
    assert (record / DOOR).stat().st_mode & 0o777 == 0o600


def test_where_nobody_keeps_anything_up_whoever_asks_is_told_so(record: Path) -> None:
    ended = Asking(record, Down()).over()
    assert isinstance(ended, EngineError) and "nobody keeps the cluster" in str(ended)


def test_a_keeper_that_dies_is_not_waited_for(record: Path, door: Door) -> None:
    asking = Asking(record, CUT)
    caller = come(door)
    caller._connection.close()
    ended = asking.over()
    assert isinstance(ended, EngineError) and "the keeper of the cluster is gone" in str(ended)


@pytest.mark.parametrize("words", [b"", b"{}\n", b'{"type":"Rm"}\n', b"x" * 2_000_000])
def test_who_speaks_another_language_is_sent_away_and_the_next_is_heard(
    record: Path, door: Door, words: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    from harness.cli import door as module

    monkeypatch.setattr(module, "_ASKED_WITHIN_S", 0.1)
    with socket.socket(socket.AF_UNIX) as stranger:
        with module._short(record) as path:
            stranger.connect(path)
        feeding = threading.Thread(target=_feed, args=(stranger, words))
        feeding.start()
        assert door.next(10) is None
        feeding.join(10)
    asking = Asking(record, CUT)
    come(door).end(0)
    assert asking.over() == Ended(0)


def _feed(stranger: object, words: bytes) -> None:
    try:
        stranger.sendall(words)  # type: ignore[attr-defined]
    except OSError:
        return


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_death_of_who_asked_is_known_at_once(record: Path, door: Door, number: signal.Signals) -> None:
    with _asker(record) as process:
        caller = come(door)
        assert not caller.gone()
        os.kill(process.pid, number)
        within(1.0, caller)
        caller.say("nobody hears this")
        caller.end(0)


def test_ctrl_c_says_that_it_is_not_wanted_any_longer_and_what_comes_of_it_is_still_heard(
    record: Path, door: Door
) -> None:
    with _asker(record) as process:
        caller = come(door)
        os.kill(process.pid, signal.SIGINT)
        within(1.0, caller)
        caller.say("healed")
        caller.end(0)
        output, _ = process.communicate(timeout=20)
        assert (process.returncode, output) == (130, b"healed\n")


@contextmanager
def _asker(record: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Somebody asks, in a process of their own."""
    program = (
        "import signal, sys; from pathlib import Path; from harness.cli.door import Down, ask\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"sys.exit(ask(Path({str(record)!r}), Down(), print).exit_code)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def within(seconds: float, caller: Caller) -> None:
    began_s = time.monotonic()
    while not caller.gone():
        assert time.monotonic() - began_s < seconds
        time.sleep(0.01)
