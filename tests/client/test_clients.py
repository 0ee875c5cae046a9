import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.asking import Judged
from harness.client.clients import CLIENTS, build
from harness.client.http import Request
from harness.errors import WireError
from harness.operations import Outcome
from tests.client.peer import frames

SMALL = (("prompt", "hello 3"), ("tokens", "3"))
RIGHT = " n1-0300 n1-0301 n1-0302"


def judged(
    body: bytes, status: int = 200, pairs: tuple[tuple[str, str], ...] = SMALL, cuts: tuple[int, ...] = ()
) -> Judged:
    answer = build("ollama-generate", pairs, 7).questions()[0].answer()
    edges = [0, *sorted(c % (len(body) + 1) for c in cuts), len(body)]
    for start, end in pairwise(edges):
        answer.feed(body[start:end])
    return answer.judge(status)


def requests(client: str, pairs: tuple[tuple[str, str], ...] = ()) -> list[Request]:
    return [one for one in build(client, pairs, 7).questions() if isinstance(one, Request)]


def test_a_question_is_one_valid_request_for_each_digit() -> None:
    questions = requests("ollama-generate")
    assert [(q.method, q.path) for q in questions] == [("POST", "/api/generate")] * 10
    assert [json.loads(q.body) for q in questions] == [
        {
            "model": "tiny",
            "prompt": f"hello {digit}",
            "stream": True,
            "options": {"num_predict": 8, "temperature": 0, "seed": 7},
        }
        for digit in range(10)
    ]


def test_a_prompt_may_hold_any_character() -> None:
    (question,) = requests("ollama-generate", (("prompt", 'say "é\n"\x00 5'), ("stream", "false")))
    asked = json.loads(question.body)
    assert (asked["prompt"], asked["stream"]) == ('say "é\n"\x00 5', False)


@given(st.lists(st.integers(0, 10_000), max_size=6))
def test_an_answer_may_come_in_any_pieces(cuts: list[int]) -> None:
    assert judged(b"".join(frames(RIGHT)), cuts=tuple(cuts)) == Judged(Outcome.OK, "n1", RIGHT)


def test_an_answer_that_is_not_streamed_is_one_frame() -> None:
    body = json.dumps({"model": "tiny", "response": RIGHT, "done": True}).encode()
    assert judged(body) == Judged(Outcome.OK, "n1", RIGHT)


@given(st.data())
def test_an_answer_cut_anywhere_before_its_terminal_frame_is_truncated(data: st.DataObject) -> None:
    body = b"".join(frames(RIGHT))
    last = body.rstrip(b"\n")
    cut = data.draw(st.integers(0, len(last) - 1))
    assert judged(body[:cut]).outcome is Outcome.TRUNCATED


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=3), st.sampled_from([200, 204, 302, 404, 502]))
def test_no_bytes_at_all_break_the_reading_of_an_answer(body: bytes, cuts: list[int], status: int) -> None:
    assert judged(body, status, cuts=tuple(cuts)).outcome is not Outcome.OK


def test_a_line_without_end_is_wrong_and_is_not_kept() -> None:
    assert judged(b"x" * (3 << 20)) == Judged(Outcome.WRONG, "", "a line of more than 1048576 bytes")


def test_what_is_wrong_is_said_in_words() -> None:
    said = [
        judged(b"".join(frames(RIGHT, done=False))),
        judged(b"".join(frames(RIGHT.replace("0302", "0303")))),
        judged(frames(RIGHT)[0] + b'{"error":"the runner is gone"}\n'),
        judged(b'{"error":"model is not there"}', 404),
        judged(b"<html>no server</html>\n", 503),
    ]
    assert said == [
        Judged(Outcome.TRUNCATED, "", f"no terminal frame after '{RIGHT}'"),
        Judged(Outcome.WRONG, "", "not the answer to this prompt: ' n1-0300 n1-0301 n1-0303'"),
        Judged(Outcome.SERVER_ERROR, "", "after 8 characters: the runner is gone"),
        Judged(Outcome.CLIENT_ERROR, "", "HTTP 404: model is not there"),
        Judged(Outcome.SERVER_ERROR, "", "HTTP 503: not a frame: b'<html>no server</html>'"),
    ]


def test_of_another_model_only_the_end_and_the_pattern_are_required() -> None:
    body = b"".join(frames(" the sky is blue"))
    free = (("model", "llama3"),)
    assert judged(body, pairs=free) == Judged(Outcome.OK, "", " the sky is blue")
    assert judged(body, pairs=(*free, ("pattern", "bl.e$"))).outcome is Outcome.OK
    assert judged(body, pairs=(*free, ("pattern", "green"))).outcome is Outcome.WRONG
    assert judged(body[:-5], pairs=free).outcome is Outcome.TRUNCATED


@given(st.integers(0, 20), st.integers(0, 20))
def test_words_are_found_in_a_page_wherever_its_pieces_are_cut(one: int, two: int) -> None:
    answer = build("http", (("body", "is well"),), 0).questions()[0].answer()
    page = b"here all is well again"
    first, last = sorted((one, two))
    for piece in (page[:first], page[first:last], page[last:]):
        answer.feed(piece)
    assert answer.judge(200) == Judged(Outcome.OK, "", page.decode())


def test_a_page_must_be_the_answer_to_its_own_question_where_both_have_a_digit() -> None:
    questions = build("http", (("send", "what is {digit}?"), ("body", "it is {digit}")), 0).questions()
    outcomes = []
    for answer in (questions[3].answer(), questions[4].answer()):
        answer.feed(b"it is 3")
        outcomes.append(answer.judge(200).outcome)
    assert (len(questions), outcomes) == (10, [Outcome.OK, Outcome.WRONG])


def test_a_page_with_the_expected_status_is_right_whatever_the_status_is() -> None:
    answer = build("http", (("status", "404"),), 0).questions()[0].answer()
    assert (answer.judge(404).outcome, answer.judge(200).outcome) == (Outcome.OK, Outcome.WRONG)


@pytest.mark.parametrize(
    ("client", "text"),
    [
        ("htp", "'htp' is not a client; did you mean 'http'?"),
        ("x", f"'x' is not a client; there are {', '.join(CLIENTS)}"),
    ],
)
def test_a_client_that_is_not_there_is_one_sentence(client: str, text: str) -> None:
    with pytest.raises(WireError) as caught:
        build(client, (), 7)
    assert str(caught.value) == text


NO_PATTERN = "is '(', which is not a regular expression: missing ), unterminated subpattern at position 0"
NO_NEED = "is for other models: every token of tiny is known, leave it out"


@pytest.mark.parametrize(
    ("client", "pairs", "text"),
    [
        (
            "http",
            "x=1",
            "'x' is not one of its options; there are path, method, headers, send, size, status, body, json",
        ),
        ("http", "path=up", "option 'path' is 'up': write an absolute path without spaces, such as /health"),
        ("http", "path=/ X", "option 'path' is '/ X': write an absolute path without spaces, such as /health"),
        ("http", "path=/\r\n", "option 'path' is '/\r\n': write an absolute path without spaces, such as /health"),
        ("http", "status=20", "option 'status' is 20: write a number from 200 to 599"),
        ("http", "body=a&body=b", "option 'body' is given twice: leave one out"),
        ("ollama-generate", "modle=x", "'modle' is not one of its options; did you mean 'model'?"),
        ("ollama-generate", "tokens=many", "option 'tokens' is 'many': write a whole number such as 7"),
        ("ollama-generate", "stream=yes", "option 'stream' is 'yes': write true or false"),
        ("ollama-generate", "model=", "option 'model' is empty: write a model's name, such as tiny"),
        ("ollama-generate", "pattern=x", f"option 'pattern' {NO_NEED}"),
        ("ollama-generate", "model=m&pattern=(", f"option 'pattern' {NO_PATTERN}"),
    ],
)
def test_a_wrong_option_is_one_sentence(client: str, pairs: str, text: str) -> None:
    given = [(key, value) for key, _, value in (pair.partition("=") for pair in pairs.split("&"))]
    with pytest.raises(WireError) as caught:
        build(client, given, 7)
    assert str(caught.value) == f"client {client}: {text}"


@pytest.mark.parametrize(
    ("client", "pairs", "text"),
    [
        (
            "http",
            (("method", "BREW"),),
            "option 'method' is 'BREW': write one of GET, POST, PUT, PATCH, DELETE, OPTIONS",
        ),
        ("http", (("json", "$.a = 1"),), "option 'json' is '$.a = 1': write a path, and what must be there"),
        ("http", (("headers", "A: b\nHost: x"),), "option 'headers' is 'Host: x': the client writes Host itself"),
        ("http", (("headers", "A"),), "option 'headers' is 'A': write a header such as 'Accept: application/json'"),
        ("tcp", (("send", "a\nb"),), "option 'send' has more than one line: write one"),
        ("websocket", (("path", "up"),), "option 'path' is 'up': write an absolute path without spaces"),
    ],
)
def test_a_wrong_option_of_the_others_is_one_sentence_too(
    client: str, pairs: tuple[tuple[str, str], ...], text: str
) -> None:
    with pytest.raises(WireError) as caught:
        build(client, pairs, 7)
    assert str(caught.value).startswith(f"client {client}: {text}")


def test_any_request_can_be_written() -> None:
    (put,) = requests(
        "http", (("method", "PUT"), ("path", "/a"), ("send", "é"), ("headers", "content-type: text/plain\nX-A: b"))
    )
    assert put.request("::1", 80, True) == (
        b"PUT /a HTTP/1.1\r\nHost: [::1]:80\r\nConnection: keep-alive\r\ncontent-type: text/plain\r\nX-A: b\r\n"
        b"Content-Length: 2\r\n\r\n\xc3\xa9"
    )
    (post,) = requests("http", (("method", "POST"),))
    assert post.request("h", 80, False) == (
        b"POST / HTTP/1.1\r\nHost: h:80\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    )


def test_a_made_body_has_the_size_and_the_type_that_it_should() -> None:
    (one,) = requests("http", (("size", "100001"),))
    assert (len(one.body), one.headers) == (100_001, ("Content-Type: application/octet-stream",))
    assert one.body == requests("http", (("size", "100001"),))[0].body


@pytest.mark.parametrize(
    ("body", "outcome", "text"),
    [
        (b'{"state": "up", "n": [1]}', Outcome.OK, '{"state": "up", "n": [1]}'),
        (b'{"state": "down"}', Outcome.WRONG, '$.state is "down", not "up"'),
        (b"{}", Outcome.WRONG, "there is no $.state in it"),
        (b"<html>", Outcome.WRONG, "the answer is not JSON: JSON is malformed: invalid character (byte 0)"),
        (b'"' + b"x" * (1 << 20) + b'"', Outcome.WRONG, "a document of more than 1048576 bytes"),
    ],
)
def test_a_document_must_have_its_value(body: bytes, outcome: Outcome, text: str) -> None:
    answer = build("http", (("json", '$.state == "up"'),), 0).questions()[0].answer()
    for start in range(0, len(body), 100_000):
        answer.feed(body[start : start + 100_000])
    assert answer.judge(200) == Judged(outcome, "", text)
    assert answer.judge(503).outcome is Outcome.SERVER_ERROR


def test_every_client_has_a_question_without_any_option() -> None:
    assert all(build(name, (), 7).questions() for name in CLIENTS)
