"""What a traffic orders, and what is wrong with it on a cluster."""

from dataclasses import replace

import pytest

from harness.traffic import CLIENTS, Traffic
from harness.traffic.http import Http
from harness.traffic.mix import PART, Part
from harness.traffic.ollama import OllamaGenerate
from harness.traffic.shapes import SHAPE, Shape
from harness.traffic.tcp import Tcp
from harness.wire import Load, Share, Stretch
from tests.recording.builder import CLUSTER


def test_questions_to_ollama_become_one_order_for_the_load() -> None:
    chat = OllamaGenerate(name="chat", to="gateway", rate_per_s=50, timeout_s=4.0, tokens=3, in_flight_max=9)
    assert chat.load(CLUSTER, 100, 200, 7, warmup_s=10, faults_s=30) == Load(
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
    order = web.load(CLUSTER, 1, 2, 3, warmup_s=10, faults_s=30)
    assert (order.client, order.port, order.connection) == ("http", 11434, "fresh")
    assert order.options == (("path", "/up"), ("status", "204"), ("body", "ok"))


def test_another_port_of_the_node_is_asked_where_it_says_so_and_must_be_declared() -> None:
    health = Http(name="health", to="n2", port=11434, rate_per_s=1)
    assert health.load(CLUSTER, 1, 2, 3, warmup_s=10, faults_s=30).port == 11434
    assert list(health.check(CLUSTER)) == []
    assert list(replace(health, port=81).check(CLUSTER)) == [
        ("port", "is 81, and n2 declares 11434: write one of them")
    ]


def shape(text: str) -> Shape:
    found = SHAPE.read(text)
    assert isinstance(found, Shape)
    return found


def part(text: str) -> Part:
    found = PART.read(text)
    assert isinstance(found, Part)
    return found


def test_a_shape_is_played_after_the_warm_up_and_so_many_operations_are_expected() -> None:
    web = Http(name="web", to="n2", shape=shape("spike 50/s to 500/s at 10s for 5s"))
    order = web.load(CLUSTER, 1, 2, 3, warmup_s=10, faults_s=30)
    assert (order.rate_per_s, order.shape) == (50, (Stretch(10, 50, 50), Stretch(10, 50, 50), Stretch(5, 500, 500)))
    assert web.due(10, 30, 60) == 55 * 50 + 5 * 500
    assert web.due(10, 30, 22) == 20 * 50 + 2 * 500
    assert web.gap_s == 1 / 500
    assert web.says() == "spike 50/s to 500/s at 10s for 5s"


def test_a_constant_rate_is_expected_as_ever() -> None:
    web = Http(name="web", to="n2", rate_per_s=50)
    assert web.due(10, 30, 60) == 3000
    assert (web.gap_s, web.says(), list(web.notes())) == (0.02, "50/s", [])


def test_users_are_a_closed_loop_and_it_says_what_that_hides() -> None:
    web = Http(name="web", to="n2", users=100, think_s=0.5)
    order = web.load(CLUSTER, 1, 2, 3, warmup_s=10, faults_s=30)
    assert (order.users, order.think_s, order.rate_per_s, order.shape) == (100, 0.5, 0.0, ())
    assert (web.due(10, 30, 60), web.gap_s, web.closed) == (None, 0.0, True)
    assert web.says() == "100 users in a closed loop, each thinks 0.5 s"
    (note,) = web.notes()
    assert note.startswith("web is a closed loop: its users ask nothing while they wait, so a stall hides the requests")


def test_a_mix_is_several_orders_in_one() -> None:
    parts = (part("80 path=/"), part("20 path=/orders method=POST size=4kB 'headers=X-A: b' status=201"))
    order = Http(name="web", to="n2", rate_per_s=1, body="ok", mix=parts).load(
        CLUSTER, 1, 2, 3, warmup_s=10, faults_s=30
    )
    often = (("path", "/"), ("status", "200"), ("body", "ok"))
    seldom = (("path", "/orders"), ("status", "201"), ("body", "ok"))
    made = (("method", "POST"), ("headers", "X-A: b"), ("size", "4000"))
    assert (order.options, order.mix) == ((), (Share(80.0, often), Share(20.0, (*seldom, *made))))


@pytest.mark.parametrize(
    ("text", "half"),
    [
        ("path=/", "is 'path=/': write a weight above 0 first, such as '20 path=/search status=200'"),
        ("0 path=/", "is '0 path=/': write a weight above 0 first, such as '20 path=/search status=200'"),
        ("5 path", "is '5 path': after its weight write key=value, such as '20 path=/search status=200'"),
        ("5 path=/ path=/", "is '5 path=/ path=/', which says one key twice: leave one out"),
        ("5 'path", "is '5 'path': write it like '20 path=/search status=200', a value with spaces in quotes"),
        ("", "is '': write it like '20 path=/search status=200', a value with spaces in quotes"),
    ],
)
def test_what_is_no_part_of_a_mix_is_told_how_one_is_written(text: str, half: str) -> None:
    with pytest.raises(ValueError) as caught:
        PART.read(text)
    assert str(caught.value) == half


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
        (Http(name="w", to="gateway"), [("rate", "is missing: write 'rate: 50/s', a 'shape', or 'users'")]),
        (
            Http(name="w", to="gateway", rate_per_s=1, users=3),
            [("users", "stands beside 'rate': a traffic has one of rate, shape and users; leave one out")],
        ),
        (
            Http(name="w", to="gateway", users=3000, think_s=7200),
            [
                ("users", "is 3000: write one from 1 to 2000, which is 'in-flight'"),
                ("think", "is 7200 s: write at most 1h"),
            ],
        ),
        (
            Http(name="w", to="gateway", shape=shape("ramp 1/s to 30000/s")),
            [("shape", "is 30000/s: write one from 1/m to 20000/s")],
        ),
        (
            Http(name="w", to="gateway", rate_per_s=1, send="x", size_bytes=20 << 20, json="$.a = 1"),
            [
                ("size", "stands beside 'send': the body is either written or made; leave one out"),
                ("size", "is 20,971,520 bytes: write at most 16MiB"),
                ("json", "is '$.a = 1': write a path, and what must be there, such as '$.nodes[0].state == \"up\"'"),
            ],
        ),
        (
            Http(
                name="w", to="gateway", rate_per_s=1, mix=(part("1 rate=5/s"), part("1 status=x"), part("1 status=99"))
            ),
            [
                (
                    "mix",
                    "has '1 rate=5/s': 'rate' cannot differ in it "
                    "(there are path, method, headers, send, size, status, body, json)",
                ),
                ("mix", "has '1 status=x', in which 'status' is 'x': write a whole number such as 7"),
                (
                    "mix",
                    "has '1 status=99', in which 'status' is 99: write the status of a good answer, from 200 to 599",
                ),
            ],
        ),
        (
            Tcp(name="w", to="gateway", rate_per_s=1, send="a\nb", lines=0),
            [
                ("send", "has more than one line: write one (the client ends it)"),
                ("lines", "is 0: write one from 1 to 1000"),
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


def test_another_model_is_asked_something_and_its_answer_must_look_like_something() -> None:
    chat = OllamaGenerate(name="chat", to="gateway", rate_per_s=5, prompt="Name a colour.", pattern="(?i)red|blue")
    other = chat.asking("llama3.2")
    words = (("tokens", "8"), ("prompt", "Name a colour."))
    assert chat.options() == (("model", "tiny"), *words)  # whose every token is known: that is more than a pattern
    assert other.options() == (("model", "llama3.2"), *words, ("pattern", "(?i)red|blue"))
    assert (other.asking("x"), [*other.check(CLUSTER)]) == (other, [])


def test_who_asks_several_models_says_which() -> None:
    mixed = (part("3"), part("1 model=slow tokens=32"))
    assert OllamaGenerate(name="chat", to="gateway", rate_per_s=5, mix=mixed).models_asked() == ("tiny", "slow")
    assert Http(name="web", to="gateway", rate_per_s=5).models_asked() == ()


@pytest.mark.parametrize(
    ("model", "pattern", "said"),
    [
        ("slow", "x", ("pattern", "is for other models: every token of slow is known, leave it out")),
        ("tiny:latest", "x", ("pattern", "is for other models: every token of tiny:latest is known, leave it out")),
        ("", None, ("model", "is empty: write a model's name, such as tiny, or leave it out")),
    ],
)
def test_what_a_model_cannot_be_asked_is_said(model: str, pattern: str | None, said: tuple[str, str]) -> None:
    chat = OllamaGenerate(name="chat", to="gateway", rate_per_s=5, model=model, pattern=pattern)
    assert [*chat.check(CLUSTER)] == [said]


def test_a_pattern_that_is_none_is_said() -> None:
    chat = OllamaGenerate(name="chat", to="gateway", rate_per_s=5, model="m", pattern="(")
    ((key, text),) = chat.check(CLUSTER)
    assert (key, text.partition(":")[0]) == ("pattern", "is '(', which is not a regular expression")
