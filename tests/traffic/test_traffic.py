"""What a traffic orders, and what is wrong with it on a cluster."""

import pytest

from harness.traffic import CLIENTS, Traffic
from harness.traffic.http import Http
from harness.traffic.ollama import OllamaGenerate
from harness.wire import Load
from tests.recording.builder import CLUSTER


def test_questions_to_ollama_become_one_order_for_the_load() -> None:
    chat = OllamaGenerate(name="chat", to="gateway", rate_per_s=50, timeout_s=4.0, tokens=3, in_flight_max=9)
    assert chat.load(CLUSTER, 100, 200, 7) == Load(
        traffic="chat",
        client="ollama-generate",
        host="gateway",
        port=8080,
        rate_per_s=50,
        timeout_s=4.0,
        start_ns=100,
        end_ns=200,
        connection="keep-alive",
        in_flight_max=9,
        seed=7,
        options=(("model", "tiny"), ("tokens", "3")),
    )


def test_plain_requests_say_what_a_good_answer_is() -> None:
    web = Http(name="web", to="n2", rate_per_s=1, connection="fresh", path="/up", status=204, body="ok")
    order = web.load(CLUSTER, 1, 2, 3)
    assert (order.client, order.port, order.connection) == ("http", 11434, "fresh")
    assert order.options == (("path", "/up"), ("status", "204"), ("body", "ok"))


def test_every_client_is_found_under_its_own_name() -> None:
    assert {name: kind.client for name, kind in CLIENTS.items()} == {name: name for name in CLIENTS}


@pytest.mark.parametrize(
    ("traffic", "problems"),
    [
        (Http(name="w", to="gateway", rate_per_s=1), []),
        (
            Http(name="w", to="gatway", rate_per_s=0, timeout_s=700.0, in_flight_max=0),
            [
                ("to", "names 'gatway': there is no gatway; did you mean 'gateway'?"),
                ("rate", "is 0/s: write one from 1/m to 20000/s"),
                ("timeout", "is 700 s: write one from 1us to 10m"),
                ("in-flight", "is 0: nothing would be sent"),
            ],
        ),
        (
            Http(name="w", to="gateway", rate_per_s=1, path="up", status=99),
            [
                ("path", "is 'up': write one that starts with '/' and has no spaces"),
                ("status", "is 99: write the status of a good answer, from 200 to 599"),
            ],
        ),
        (
            OllamaGenerate(name="w", to="gateway", rate_per_s=1, tokens=1),
            [("tokens", "is 1: write one from 2 (one token has no sequence to check) to 1000")],
        ),
    ],
)
def test_what_is_wrong_is_said_key_by_key(traffic: Traffic, problems: list[tuple[str, str]]) -> None:
    assert list(traffic.check(CLUSTER)) == problems
