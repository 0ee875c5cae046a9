import errno
import socket
import time
from collections import Counter
from itertools import islice
from statistics import quantiles

import pytest

from harness.client.connection import outcome_of
from harness.operations import Operation, Outcome
from harness.pace import Pace
from harness.wire import Answered, EndLoad, Failed, Heartbeat, LoadDone, Once, Operations, Pulse, Share, Stop, Stretch
from tests.client.peer import HEAD, LAST_CHUNK, Reply, chunk, frames, right_text, serving, whole
from tests.client.talk import Talk, alone, inside, load, peer_alone


def right(number: int, body: bytes) -> Reply:
    return Reply(whole(body))


def outcomes(operations: list[Operation]) -> set[str]:
    return {o.outcome.name for o in operations}


def p99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


# --- the schedule -----------------------------------------------------------------------------------------------------


def test_every_operation_is_due_on_the_absolute_schedule_and_is_recorded_whole() -> None:
    with serving(right) as seen, inside() as talk:
        asked = load(seen.port, rate_per_s=70.0)
        got = talk.run(asked)
        done = next(m for m in talk.heard if isinstance(m, LoadDone))
    assert [o.due_ns for o in got] == [asked.start_ns + round(i * 1e9 / 70) for i in range(35)]
    assert {(o.outcome, o.status, o.node) for o in got} == {(Outcome.OK, 2, "n1")}
    assert all(o.due_ns <= o.sent_ns <= o.done_ns and o.size_bytes > 100 for o in got)
    assert done == LoadDone("chat", 35, done.in_flight_peak)
    assert Counter(right_text(b)[4:8] for b in seen.bodies) == Counter(f"{i % 10}00".zfill(4) for i in range(35))


def test_nothing_is_sent_before_the_start() -> None:
    with serving(right) as seen, inside() as talk:
        asked = load(seen.port, in_s=0.4, for_s=0.1)
        got = talk.run(asked)
    assert len(got) == 5
    assert min(o.sent_ns for o in got) >= asked.start_ns


def test_a_load_that_comes_late_shows_it_as_send_error() -> None:
    with serving(right) as seen, inside() as talk:
        got = talk.run(load(seen.port, in_s=-0.3, for_s=0.4))
    assert len(got) == 20
    assert got[0].send_error_s > 0.29


def test_two_traffics_run_side_by_side() -> None:
    with serving(right) as seen, inside() as talk:
        talk.say(load(seen.port, for_s=0.3), load(seen.port, traffic="other", rate_per_s=20.0, for_s=0.3))
        talk.next(LoadDone)
        talk.next(LoadDone)
        assert (len(talk.operations()), len(talk.operations("other"))) == (15, 6)
        assert outcomes(talk.operations() + talk.operations("other")) == {"OK"}


def test_a_stall_of_two_seconds_shows_in_p99_counted_from_the_due_time() -> None:
    with peer_alone(stall_at_s=0.3, stall_s=2.0) as port, alone() as (talk, _):
        got = talk.run(load(port, rate_per_s=200.0, for_s=2.7, timeout_s=4.0, options=(("tokens", "2"),)))
    assert (len(got), outcomes(got)) == (540, {"OK"})
    assert 1.85 <= p99([o.latency_s for o in got]) < 3.0
    assert sum(o.latency_s > 0.02 for o in got) >= 390  # everyone who came in the stall waited for its end


def test_send_times_are_punctual() -> None:
    with peer_alone() as port, alone() as (talk, _):
        got = talk.run(load(port, rate_per_s=500.0, for_s=2.0))
    errors_ms = [o.send_error_s * 1000 for o in got]
    print(f"send error at 500/s: p50 {quantiles(errors_ms, n=2)[0]:.3f} ms, p99 {p99(errors_ms):.3f} ms")  # noqa: T201 - the figure is the point
    assert (len(got), outcomes(got)) == (1000, {"OK"})
    assert quantiles(errors_ms, n=2)[0] < 2
    assert p99(errors_ms) < 100


def test_a_shape_is_sent_as_it_falls_due() -> None:
    shape = (Stretch(0.2, 20.0, 20.0), Stretch(0.2, 100.0, 100.0))
    with serving(right) as seen, inside() as talk:
        asked = load(seen.port, rate_per_s=20.0, shape=shape, for_s=0.6)
        got = talk.run(asked)
    assert [o.due_ns for o in got] == list(islice(Pace(20.0, shape).dues_ns(asked.start_ns), 28))
    assert (len(got), outcomes(got)) == (28, {"OK"})


def test_users_wait_for_their_answers_and_think_between_them() -> None:
    with serving(lambda number, body: Reply(whole(body), wait_s=0.1)) as seen, inside() as talk:
        asked = load(seen.port, users=3, think_s=0.1, rate_per_s=0.0, for_s=1.0)
        got = talk.run(asked)
        done = talk.heard[-1]
    assert done == LoadDone("chat", len(got), 3)
    assert outcomes(got) == {"OK"}
    assert 3 <= len(got) <= 15  # 3 users, and 0.2 s at least between two questions of each
    assert all(o.due_ns <= o.sent_ns < o.due_ns + 50_000_000 and o.latency_s >= 0.1 for o in got)
    ends = sorted(o.done_ns for o in got)
    assert all(o.sent_ns - end >= 100_000_000 for o, end in zip(got[3:], ends, strict=False))


def test_users_who_do_not_think_ask_again_at_once_and_are_never_more() -> None:
    with serving(right) as seen, inside() as talk:
        got = talk.run(load(seen.port, users=2, think_s=0.0, rate_per_s=0.0, for_s=1.0))
        done = talk.heard[-1]
    assert isinstance(done, LoadDone)
    assert (outcomes(got), done.in_flight_peak, seen.connections) == ({"OK"}, 2, 2)
    assert len(got) > 2


def test_users_whose_answers_never_come_ask_again_after_their_deadline() -> None:
    with serving(lambda number, body: Reply(wait_s=5.0)) as seen, inside() as talk:
        got = talk.run(load(seen.port, users=2, think_s=0.0, rate_per_s=0.0, timeout_s=0.2, for_s=0.5))
    assert outcomes(got) == {"TIMED_OUT"}
    assert 2 <= len(got) <= 6


def test_a_mix_asks_its_parts_by_their_weights() -> None:
    made = (("path", "/seldom"), ("method", "POST"), ("size", "2000"), ("headers", "X-A: b\nX-C: d"))
    mix = (Share(3.0, (("path", "/often"),)), Share(1.0, made))
    with serving(lambda number, body: Reply(plain("200 OK", b"x"))) as seen, inside() as talk:
        got = talk.run(load(seen.port, client="http", rate_per_s=200.0, mix=mix))
    assert (len(got), outcomes(got)) == (100, {"OK"})
    heads = [head.split(b"\r\n") for head in seen.requests if head.startswith(b"POST /seldom HTTP/1.1\r\n")]
    assert all({b"X-A: b", b"X-C: d", b"Content-Length: 2000"} <= set(head) for head in heads)
    assert [len(body) for body in seen.bodies if body] == [2000] * len(heads)
    assert 10 <= len(heads) <= 45
    assert sum(head.startswith(b"GET /often ") for head in seen.requests) == 100 - len(heads)


# --- limits -----------------------------------------------------------------------------------------------------------


def test_a_time_out_counts_from_the_due_time() -> None:
    with serving(lambda number, body: Reply(whole(body), wait_s=1.0)) as seen, inside() as talk:
        got = talk.run(load(seen.port, timeout_s=0.2, for_s=0.3))
    assert outcomes(got) == {"TIMED_OUT"}
    assert all(0.2 <= o.latency_s < 1.2 for o in got)
    assert len(seen.requests) <= seen.connections  # none that timed out was used again


def test_beyond_the_cap_nothing_is_sent_and_each_is_recorded_as_capped() -> None:
    with serving(lambda number, body: Reply(whole(body), wait_s=0.6)) as seen, inside() as talk:
        got = talk.run(load(seen.port, in_flight_max=4, rate_per_s=40.0))
        assert isinstance(talk.heard[-1], LoadDone)
        assert talk.heard[-1] == LoadDone("chat", 4, 4)
    assert [o.outcome.name for o in got] == ["OK"] * 4 + ["CAPPED"] * 16
    assert len(seen.requests) == 4


# --- connections ------------------------------------------------------------------------------------------------------


def test_keep_alive_opens_no_more_connections_than_were_in_use_at_once() -> None:
    with serving(right) as seen, inside() as talk:
        got = talk.run(load(seen.port, rate_per_s=20.0))
        done = talk.heard[-1]
    assert isinstance(done, LoadDone)
    assert (len(got), outcomes(got), seen.connections) == (10, {"OK"}, done.in_flight_peak)
    assert done.in_flight_peak < 10


def test_fresh_opens_one_connection_for_each() -> None:
    with serving(right) as seen, inside() as talk:
        got = talk.run(load(seen.port, rate_per_s=20.0, connection="fresh"))
    assert (len(got), outcomes(got), seen.connections) == (10, {"OK"}, 10)
    assert all(b"Connection: close\r\n" in head for head in seen.requests)


def test_a_reused_connection_that_closes_without_a_byte_is_closed_and_asked_once() -> None:
    def behaviour(number: int, body: bytes) -> Reply:
        return Reply(whole(body)) if number % 2 == 0 else Reply(then="close")

    with serving(behaviour) as seen, inside() as talk:
        got = talk.run(load(seen.port, rate_per_s=20.0))
        done = talk.heard[-1]
    assert Counter(o.outcome.name for o in got) == {"OK": 5, "CLOSED": 5}
    assert len(seen.requests) == 10
    assert isinstance(done, LoadDone)
    assert seen.connections <= done.in_flight_peak + 5, "one more for each that was closed"


def test_an_idle_connection_that_the_server_ends_is_not_used_again() -> None:
    with serving(lambda number, body: Reply(whole(body), then="close")) as seen, inside() as talk:
        got = talk.run(load(seen.port, rate_per_s=20.0))
    answered = [o.done_ns for o in got]
    idle = [o for o in got if not any(0 <= o.sent_ns - done_ns < 10_000_000 for done_ns in answered)]
    assert (len(got), outcomes(idle)) == (10, {"OK"})
    assert seen.connections >= len(idle) > 0


def test_bytes_that_nobody_asked_for_end_the_connection() -> None:
    with serving(lambda number, body: Reply(whole(body) + whole(body))) as seen, inside() as talk:
        got = talk.run(load(seen.port, rate_per_s=20.0))
    assert (outcomes(got), seen.connections) == ({"OK"}, 10)


def test_a_port_where_nobody_listens_refuses() -> None:
    with inside() as talk:
        got = talk.run(load(free_port(), for_s=0.1))
    assert [(o.outcome.name, o.status, o.node) for o in got] == [("REFUSED", 0, "")] * 5


def test_a_connection_that_never_stands_times_out_and_comes_to_nothing_later() -> None:
    with socket.socket() as full, socket.socket() as first, inside() as talk:
        full.bind(("127.0.0.1", 0))
        full.listen(0)  # room for one; the next one's SYN is not answered
        first.connect(full.getsockname())
        got = talk.run(load(full.getsockname()[1], for_s=0.1, timeout_s=0.3))
    assert [o.outcome.name for o in got] == ["TIMED_OUT"] * 5
    assert all(0.3 <= o.latency_s < 0.55 for o in got)


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (errno.ECONNREFUSED, Outcome.REFUSED),
        (errno.ETIMEDOUT, Outcome.TIMED_OUT),
        (errno.ECONNRESET, Outcome.RESET),
        (errno.EPIPE, Outcome.RESET),
        (errno.EHOSTUNREACH, Outcome.UNREACHABLE),
        (errno.ENETUNREACH, Outcome.UNREACHABLE),
        (errno.EPERM, Outcome.UNREACHABLE),
        (errno.EMFILE, Outcome.CAPPED),
        (errno.EADDRNOTAVAIL, Outcome.CAPPED),
    ],
)
def test_each_error_of_a_connection_has_its_own_outcome(number: int, outcome: Outcome) -> None:
    assert outcome_of(OSError(number, "x")) is outcome


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    with inside() as talk:
        got = talk.run(load(1, host="n" * 64, for_s=0.1))
    assert [o.outcome.name for o in got] == ["UNREACHABLE"] * 5


# --- what an answer can be --------------------------------------------------------------------------------------------


def streamed(lines: list[bytes], last: bytes = LAST_CHUNK) -> bytes:
    return HEAD + b"".join(map(chunk, lines)) + last


RIGHT = " n1-0000 n1-0001 n1-0002"
PLAIN = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s"


def plain(status: str, body: bytes) -> bytes:
    return PLAIN % (status.encode(), len(body), body)


@pytest.mark.parametrize(
    ("reply", "outcome", "status"),
    [
        (Reply(streamed(frames(RIGHT))), "OK", 2),
        (Reply(b"HTTP/1.1 103 Early Hints\r\n\r\n" + streamed(frames(RIGHT))), "OK", 2),
        (Reply(b"HTTP/1.0 200 OK\r\n\r\n" + b"".join(frames(RIGHT)), then="close"), "OK", 2),
        (Reply(plain("200 OK", frames(RIGHT, done=False)[0])), "TRUNCATED", 2),
        (Reply(streamed(frames(RIGHT, done=False))), "TRUNCATED", 2),
        (Reply(streamed(frames(RIGHT), last=b""), then="close"), "TRUNCATED", 2),
        (Reply(streamed(frames(RIGHT)[:2], last=b""), then="close"), "TRUNCATED", 2),
        (Reply(HEAD[:20], then="close"), "TRUNCATED", 0),
        (Reply(HEAD, then="close"), "TRUNCATED", 2),
        (Reply(b"HTTP/1.1 103 Early Hints\r\n\r\n", then="close"), "TRUNCATED", 1),
        (Reply(streamed(frames(RIGHT)[:2], last=b""), then="reset"), "RESET", 2),
        (Reply(then="reset"), "RESET", 0),
        (Reply(then="close"), "CLOSED", 0),
        (Reply(streamed(frames(RIGHT)[:2], last=b""), wait_s=0.0), "TIMED_OUT", 2),
        (Reply(streamed(frames(RIGHT.replace("n1-0001", "n2-0001")))), "WRONG", 2),
        (Reply(streamed(frames(RIGHT + " n1-0003"))), "WRONG", 2),
        (Reply(streamed(frames(RIGHT[:16]))), "WRONG", 2),
        (Reply(streamed(frames(RIGHT) + frames(RIGHT))), "WRONG", 2),
        (Reply(streamed([b'{"response": 7}\n'])), "WRONG", 2),
        (Reply(b"what?\r\n\r\n"), "WRONG", 0),
        (Reply(streamed([*frames(RIGHT)[:1], b'{"error":"llama runner is gone"}\n'])), "SERVER_ERROR", 2),
        (Reply(plain("503 Service Unavailable", b"<html>no server</html>")), "SERVER_ERROR", 5),
        (Reply(plain("404 Not Found", b'{"error":"model \'tiny\' not found"}')), "CLIENT_ERROR", 4),
        (Reply(plain("302 Found", b"")), "WRONG", 3),
    ],
)
def test_each_way_an_answer_can_end_has_its_own_outcome(reply: Reply, outcome: str, status: int) -> None:
    options = (("prompt", "hello 0"), ("tokens", "3"))
    with serving(lambda number, body: reply) as seen, inside() as talk:
        timeout_s = 1.0 if outcome == "TIMED_OUT" else 5.0
        got = talk.run(load(seen.port, for_s=0.02, timeout_s=timeout_s, options=options))
    assert [(o.outcome.name, o.status, o.node) for o in got] == [(outcome, status, "n1" if outcome == "OK" else "")]


# --- orders, and the end ----------------------------------------------------------------------------------------------


def test_one_question_is_answered_beside_a_load() -> None:
    def question(n: int, port: int, **options: str) -> Once:
        return Once(n, "ollama-generate", "127.0.0.1", port, 3.0, tuple(options.items()))

    with serving(right) as seen, inside() as talk:
        talk.say(load(seen.port), question(1, seen.port, prompt="hello 3", tokens="2"), question(2, free_port()))
        answers = sorted((talk.next(Answered), talk.next(Answered)), key=lambda a: a.id)
        talk.next(LoadDone)
    assert [(a.id, a.outcome) for a in answers] == [(1, "OK"), (2, "REFUSED")]
    assert answers[0].text == " n1-0300 n1-0301"
    assert 0 < answers[0].latency_s < 3
    assert outcomes(talk.operations()) == {"OK"}


def test_one_question_without_an_answer_times_out() -> None:
    with serving(lambda number, body: Reply(wait_s=2.0)) as seen, inside() as talk:
        talk.say(Once(1, "http", "127.0.0.1", seen.port, 0.2))
        answer = talk.next(Answered)
    assert (answer.outcome, answer.text) == ("TIMED_OUT", "no whole answer in time")
    assert 0.2 <= answer.latency_s < 1.2


def test_a_heartbeat_is_answered_at_once() -> None:
    with inside() as talk:
        talk.say(Heartbeat(41), Heartbeat(42))
        assert [talk.next(Pulse).number, talk.next(Pulse).number] == [41, 42]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"client": "olama-generate"}, "'olama-generate' is not a client; did you mean 'ollama-generate'?"),
        (
            {"options": (("modle", "x"),)},
            "client ollama-generate: 'modle' is not one of its options; did you mean 'model'?",
        ),
        ({"rate_per_s": 0.0}, "traffic chat: rate_per_s is 0.0; it must be more than 0"),
        ({"users": -1}, "traffic chat: users is -1; it must be more than 0"),
        ({"users": 2, "think_s": -1.0}, "traffic chat: think_s is -1.0; it cannot be less than 0"),
        ({"shape": (Stretch(1.0, 0.0, 5.0),)}, "traffic chat: rate_per_s is 0.0; it must be more than 0"),
        ({"shape": (Stretch(0.0, 1.0, 5.0),)}, "traffic chat: a stretch's for_s is 0.0; it must be more than 0"),
        ({"mix": (Share(0.0, ()),)}, "traffic chat: a share's weight is 0.0; it must be more than 0"),
        ({"for_s": -1.0}, "traffic chat: it ends 1000000000 ns before it starts"),
    ],
)
def test_a_load_that_cannot_be_is_refused_in_one_sentence(changes: dict[str, object], text: str) -> None:
    with inside() as talk:
        talk.say(load(1, **changes))
        assert talk.next(Failed) == Failed(text)


def test_a_traffic_that_runs_already_is_refused_and_runs_on() -> None:
    with serving(right) as seen, inside() as talk:
        talk.say(load(seen.port), load(seen.port))
        text = "traffic chat is running already; its load must end before another begins"
        assert talk.next(Failed) == Failed(text)
        talk.next(LoadDone)
        assert len(talk.operations()) == 25


def test_a_line_that_is_no_message_is_told_and_the_next_one_is_obeyed() -> None:
    with inside() as talk:
        talk.say_bytes(b'{"is":"Dance"}\n')
        assert talk.next(Failed).text.startswith("a line that is not one of our messages (Invalid value 'Dance'")
        talk.say(Heartbeat(1))
        assert talk.next(Pulse).number == 1


@pytest.mark.parametrize("order", ["stop", "end of input"])
def test_stop_and_the_end_of_input_end_it_at_once(order: str) -> None:
    with (
        serving(lambda number, body: Reply(whole(body), wait_s=3.0 if number > 4 else 0.0)) as seen,
        alone() as (
            talk,
            process,
        ),
    ):
        talk.say(load(seen.port, for_s=60.0, timeout_s=30.0))
        talk.next(Operations)
        begun_s = time.monotonic()
        if order == "stop":
            talk.say(Stop())
        else:
            talk.end_input()
        assert process.wait(3) == 0
        assert time.monotonic() - begun_s < 1.0
        assert not [m for m in talk.rest() if isinstance(m, LoadDone | Failed)]


def test_a_reader_who_stops_reading_does_not_stop_the_load() -> None:
    options = (("tokens", "1"),)
    with serving(right) as seen, inside() as talk:
        asked = load(seen.port, rate_per_s=400.0, for_s=1.0, options=options)
        _small_pipe(talk)
        talk.say(asked)
        time.sleep(1.3)  # nobody reads meanwhile: some 20 kB wait behind a pipe of 4 kB
        talk.next(LoadDone)
    got = talk.operations()
    assert (len(got), outcomes(got)) == (400, {"OK"})
    assert max(o.sent_ns for o in got) < asked.end_ns + 250_000_000


def _small_pipe(talk: Talk) -> None:
    import fcntl

    fcntl.fcntl(talk.from_fd, fcntl.F_SETPIPE_SZ, 4096)


def test_a_reader_who_is_gone_ends_it() -> None:
    with serving(right) as seen, alone() as (talk, process):
        talk.say(load(seen.port, for_s=60.0))
        talk.next(Operations)
        process.stdout.close()  # type: ignore[union-attr]  # it is a pipe
        assert process.wait(3) == 0


def test_a_fault_of_our_own_is_told_and_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(self: object, data: bytes) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("harness.client.asking.Page.feed", feed)
    with serving(lambda number, body: Reply(plain("200 OK", b"x"))) as seen, inside() as talk:
        talk.say(load(seen.port, client="http", for_s=60.0))
        said = talk.next(Failed).text
        assert not [m for m in talk.rest() if isinstance(m, LoadDone)]
    assert said.startswith("the load generator broke: HttpParserCallbackError")
    assert said.endswith("its figures are not sound")


def test_a_page_needs_its_status_and_its_words() -> None:
    def behaviour(number: int, body: bytes) -> Reply:
        return Reply(plain("200 OK", b"all is well" if number % 2 == 0 else b"all is not well"))

    with serving(behaviour) as seen, inside() as talk:
        options = (("path", "/health"), ("body", "is well"))
        got = talk.run(load(seen.port, client="http", rate_per_s=20.0, options=options))
    assert Counter(o.outcome.name for o in got) == {"OK": 5, "WRONG": 5}
    assert {head.split(b"\r\n")[0] for head in seen.requests} == {b"GET /health HTTP/1.1"}


def test_a_load_that_is_told_to_end_sooner_sends_nothing_that_falls_due_later() -> None:
    with serving(right) as seen, inside() as talk:
        asked = load(seen.port, for_s=60.0, rate_per_s=50.0)
        end_ns = asked.start_ns + 400_000_000
        talk.say(asked, EndLoad("chat", end_ns), EndLoad("nobody", end_ns))
        done = talk.next(LoadDone)
        assert ([o.due_ns for o in talk.operations()], done.sent) == (
            [asked.start_ns + i * 20_000_000 for i in range(20)],
            20,
        )
