"""The stream itself, on a pair of sockets: frames as an engine writes them, and both ways in which it can end."""

import json
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any, cast

import docker
import docker.errors
import pytest
import requests

from harness.drivers.streams import AttachStream, ExecStream
from harness.errors import AgentError
from harness.wire import Heal, Heartbeat

OUT, ERR = 1, 2


class Engine:
    """The engine's end of one exec; to ``ExecStream`` it looks as docker-py's client does."""

    def __init__(self) -> None:
        self.ours, self._theirs = socket.socketpair()

    def exec_create(self, container: str, command: list[str], **kinds: bool) -> dict[str, str]:
        self.asked = (container, command, kinds)
        return {"Id": "e1"}

    def exec_start(self, exec_id: str, *, socket: bool) -> Any:
        assert (exec_id, socket) == ("e1", True)
        file = self._theirs.makefile("rb", buffering=0)
        file._sock = self._theirs  # type: ignore[attr-defined]  # as docker-py's has it
        return file

    def attach_socket(self, container: str, *, params: dict[str, int]) -> Any:
        self.asked_in_order = [f"attach {container} {sorted(params)}"]
        return self.exec_start("e1", socket=True)

    def start(self, container: str) -> None:
        self.asked_in_order.append(f"start {container}")
        if container == "broken":
            response = requests.Response()
            response.status_code = 400
            raise docker.errors.APIError("400", response, "no such pid namespace")

    def write(self, source: int, data: bytes) -> None:
        self.ours.sendall(struct.pack(">BxxxL", source, len(data)) + data)

    def heard(self) -> bytes:
        return self.ours.recv(4096)


@pytest.fixture
def engine() -> Iterator[Engine]:
    found = Engine()
    yield found
    found.ours.close()
    found._theirs.close()


@pytest.fixture
def stream(engine: Engine) -> ExecStream:
    return ExecStream(cast(docker.APIClient, engine), "n1-pod", ["python3", "-m", "harness.agent"])


def test_a_program_is_started_with_its_input_and_both_outputs(engine: Engine, stream: ExecStream) -> None:
    kinds = {"stdin": True, "stdout": True, "stderr": True}
    assert engine.asked == ("n1-pod", ["python3", "-m", "harness.agent"], kinds)


def test_a_message_is_one_line_of_its_input(engine: Engine, stream: ExecStream) -> None:
    stream.send(Heartbeat(7))
    stream.send(Heal("lost-n1"))
    assert [json.loads(line) for line in engine.heard().splitlines()] == [
        {"is": "Heartbeat", "number": 7},
        {"is": "Heal", "fault": "lost-n1"},
    ]


def test_lines_are_whole_however_the_frames_cut_them(engine: Engine, stream: ExecStream) -> None:
    for part in (b"one\ntw", b"o\n", b"three", b"\nhalf a line"):
        engine.write(OUT, part)
    engine.ours.shutdown(socket.SHUT_WR)
    assert list(stream.lines()) == [b"one", b"two", b"three"]


def test_what_stands_on_standard_error_is_said_at_the_end(engine: Engine, stream: ExecStream) -> None:
    engine.write(OUT, b"one\n")
    engine.write(ERR, b"x" * 5000 + b"Traceback ...\n")
    engine.write(OUT, b"two\n")
    engine.ours.shutdown(socket.SHUT_WR)
    lines = stream.lines()
    assert [next(lines), next(lines)] == [b"one", b"two"]
    with pytest.raises(AgentError) as said:
        next(lines)
    assert str(said.value).startswith("the program in n1-pod said: xxx")
    assert str(said.value).endswith("xTraceback ...")
    assert len(str(said.value)) < 4100


def test_closing_is_the_end_of_the_programs_input_and_of_our_reading(engine: Engine, stream: ExecStream) -> None:
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.extend(stream.lines()))
    reader.start()
    stream.close()
    stream.close()
    reader.join(5)
    assert (reader.is_alive(), read, engine.heard()) == (False, [], b"")


def test_who_speaks_to_a_program_that_is_gone_is_told_so(engine: Engine, stream: ExecStream) -> None:
    engine.ours.close()
    with pytest.raises(AgentError, match=r"the program in n1-pod is gone: .*Broken pipe"):
        stream.send(Heartbeat(1))


def test_a_container_is_attached_to_before_it_is_started_so_that_no_word_is_lost(engine: Engine) -> None:
    stream = AttachStream(cast(docker.APIClient, engine), "c1", "the agent beside n1")
    assert engine.asked_in_order == ["attach c1 ['stderr', 'stdin', 'stdout', 'stream']", "start c1"]
    engine.write(OUT, b"one\n")
    stream.send(Heartbeat(7))
    assert next(stream.lines()) == b"one"
    assert json.loads(engine.heard()) == {"is": "Heartbeat", "number": 7}
    stream.close()
    assert engine.heard() == b""


def test_a_container_that_does_not_start_is_said_and_let_go(engine: Engine) -> None:
    with pytest.raises(AgentError, match="the agent beside n1 could not be started: no such pid namespace"):
        AttachStream(cast(docker.APIClient, engine), "broken", "the agent beside n1")
    assert engine.heard() == b""
