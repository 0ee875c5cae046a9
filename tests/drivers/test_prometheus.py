"""What we make of answers in the form Prometheus documents; that a real one gives them is seen in the cluster tests."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlparse

import pytest

from harness.drivers.prometheus import Prometheus
from harness.engine import Answer, Range


class Said(HTTPServer):
    """Says ``body`` to every question on 127.0.0.1, and remembers them."""

    body: bytes = b""
    asked: dict[str, list[str]]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Said)
        self.server.asked = parse_qs(urlparse(self.path).query)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def said() -> Iterator[Said]:
    server = Said()
    yield server
    server.shutdown()
    server.server_close()


def _vector(*values: str) -> dict[str, object]:
    data = {"resultType": "vector", "result": [{"metric": {}, "value": [1.0, value]} for value in values]}
    return {"status": "success", "data": data}


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (_vector("3"), Answer(3.0)),
        ({"status": "success", "data": {"resultType": "scalar", "result": [1.0, "0.25"]}}, Answer(0.25)),
        (_vector(), Answer(None, "Prometheus has no data for it at that time")),
        (_vector("1", "2"), Answer(None, "it gives 2 series; aggregate them to one, for instance with max()")),
        (_vector("NaN"), Answer(None, "it gives NaN, which is not a number to compare")),
        (_vector("+Inf"), Answer(None, "it gives +Inf, which is not a number to compare")),
        (
            {"status": "error", "errorType": "bad_data", "error": "parse error: unexpected end of input"},
            Answer(None, "Prometheus refused the query: parse error: unexpected end of input"),
        ),
        ({"status": "error"}, Answer(None, "Prometheus refused the query: no reason given")),
    ],
)
def test_an_answer_is_one_number_or_the_reason_why_there_is_none(said: Said, body: object, answer: Answer) -> None:
    said.body = json.dumps(body).encode()
    with_session = Prometheus(said.server_port)
    assert with_session.ask('up{job="client"}', 1_700_000_000.12345) == answer
    assert said.asked == {"query": ['up{job="client"}'], "time": ["1700000000.123"]}
    with_session._session.close()


def _matrix(*series: list[list[object]]) -> dict[str, object]:
    data = {"resultType": "matrix", "result": [{"metric": {}, "values": values} for values in series]}
    return {"status": "success", "data": data}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (_matrix([[1000.1, "0"], [1000.2, "1"], [1000.4, "NaN"]]), Range((0.0, 1.0, None, None, None))),
        (_matrix(), Range((None,) * 5)),
        (_matrix([], []), Range((), "it gives 2 series; aggregate them to one, for instance with max()")),
        ({"status": "error", "error": "too long"}, Range((), "Prometheus refused the query: too long")),
    ],
)
def test_a_course_has_a_value_or_a_hole_for_every_step(said: Said, body: object, found: Range) -> None:
    said.body = json.dumps(body).encode()
    prometheus = Prometheus(said.server_port)
    assert prometheus.range("up", 1000.1, 1000.5, 0.1) == found
    assert said.asked == {"query": ["up"], "start": ["1000.100"], "end": ["1000.500"], "step": ["0.100"]}
    prometheus._session.close()


def test_a_page_that_is_no_answer_is_no_number(said: Said) -> None:
    said.body = b"<html>"
    prometheus = Prometheus(said.server_port)
    answer = prometheus.ask("up", 1.0)
    prometheus._session.close()
    assert answer.value is None and str(answer.error).startswith("Prometheus did not answer: ")


def test_a_prometheus_that_is_gone_is_no_number() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        prometheus = Prometheus(free.getsockname()[1])
        answer = prometheus.ask("up", 1.0)
        prometheus._session.close()
    assert answer.value is None and "refused" in str(answer.error)


def test_a_prometheus_that_is_gone_has_no_course() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        prometheus = Prometheus(free.getsockname()[1])
        found = prometheus.range("up", 1.0, 2.0, 0.1)
        prometheus._session.close()
    assert found.values == () and "refused" in str(found.error)
