"""Chat answers: where the text is, and where the answer ends."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.asking import Judged
from harness.client.clients import build
from harness.client.http import Request
from harness.operations import Outcome

SMALL = (("prompt", "hello 3"), ("tokens", "3"))
WORDS = (" n1-0300", " n1-0301", " n1-0302")
RIGHT = "".join(WORDS)


def asked(client: str, pairs: tuple[tuple[str, str], ...] = SMALL) -> Request:
    question = build(client, pairs, 7).questions()[0]
    assert isinstance(question, Request)
    return question


def judged(
    client: str,
    body: bytes,
    status: int = 200,
    cuts: tuple[int, ...] = (),
    pairs: tuple[tuple[str, str], ...] = SMALL,
) -> Judged:
    answer = asked(client, pairs).answer()
    edges = [0, *sorted(c % (len(body) + 1) for c in cuts), len(body)]
    for start, end in pairwise(edges):
        answer.feed(body[start:end])
    return answer.judge(status)


def frames(*words: str, done: bool = True) -> bytes:
    said = [{"model": "tiny", "message": {"role": "assistant", "content": word}, "done": False} for word in words]
    last = [{"model": "tiny", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "length"}]
    return b"".join(json.dumps(frame).encode() + b"\n" for frame in (*said, *(last if done else [])))


def events(*words: str, done: bool = True, end: bytes = b"\n\n") -> bytes:
    def chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return json.dumps({"object": "chat.completion.chunk", "model": "tiny", "choices": [choice]}).encode()

    said = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": word}) for word in words)]
    said += [chunk({}, "length"), json.dumps({"choices": [], "usage": {"total_tokens": 9}}).encode()]
    return b"".join(b"data: " + one + end for one in (*said, *([b"[DONE]"] if done else [])))


def test_a_question_to_ollamas_chat_is_one_valid_request() -> None:
    question = asked("ollama-chat")
    assert (question.method, question.path) == ("POST", "/api/chat")
    assert json.loads(question.body) == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "hello 3"}],
        "stream": True,
        "options": {"num_predict": 3, "temperature": 0, "seed": 7},
    }


def test_a_question_to_openais_chat_is_one_valid_request() -> None:
    question = asked("openai-chat")
    assert (question.method, question.path) == ("POST", "/v1/chat/completions")
    assert json.loads(question.body) == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "hello 3"}],
        "stream": True,
        "max_tokens": 3,
        "temperature": 0,
        "seed": 7,
    }


@pytest.mark.parametrize("text", [RIGHT, RIGHT.lstrip()])
@pytest.mark.parametrize(("client", "said"), [("ollama-chat", frames), ("openai-chat", events)])
@given(cuts=st.lists(st.integers(0, 10_000), max_size=6))
def test_an_answer_may_come_in_any_pieces_and_without_its_first_blank(
    client: str, said: object, text: str, cuts: list[int]
) -> None:
    assert callable(said)
    words = text.split("(?= )")
    assert judged(client, said(*words), cuts=tuple(cuts)) == Judged(Outcome.OK, "n1", text)


@pytest.mark.parametrize(("client", "body"), [("ollama-chat", frames(*WORDS)), ("openai-chat", events(*WORDS))])
@given(data=st.data())
def test_an_answer_cut_anywhere_before_its_end_is_never_right(client: str, body: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(body.rstrip()) - 1))
    assert judged(client, body[:cut]).outcome in (Outcome.TRUNCATED, Outcome.WRONG)


@pytest.mark.parametrize("client", ["ollama-chat", "openai-chat"])
@given(body=st.binary(max_size=300), status=st.sampled_from([200, 204, 404, 502]))
def test_no_bytes_at_all_break_the_reading_of_an_answer(client: str, body: bytes, status: int) -> None:
    assert judged(client, body, status).outcome is not Outcome.OK


@pytest.mark.parametrize(
    ("client", "body", "judgement"),
    [
        ("ollama-chat", frames(*WORDS, done=False), (Outcome.TRUNCATED, f"no terminal frame after '{RIGHT}'")),
        ("ollama-chat", frames(*WORDS) + frames("x"), (Outcome.WRONG, "not a frame")),
        ("ollama-chat", frames(" n1-0300", " n2-0301", " n1-0302"), (Outcome.WRONG, "not the answer to this prompt")),
        ("ollama-chat", frames(WORDS[0], done=False) + b'{"error":"gone"}\n', (Outcome.SERVER_ERROR, "after 8")),
        ("openai-chat", events(*WORDS, done=False), (Outcome.TRUNCATED, f"no terminal frame after '{RIGHT}'")),
        ("openai-chat", events(*WORDS) + events("x"), (Outcome.WRONG, "not a frame")),
        ("openai-chat", events(*WORDS[:2]), (Outcome.WRONG, "not the answer to this prompt")),
        ("openai-chat", events(WORDS[0]) + b"\r\n: ping\n", (Outcome.WRONG, "not the answer to this prompt")),
        (
            "openai-chat",
            b'data: {"error": {"message": "gone"}}\n\n',
            (Outcome.SERVER_ERROR, "after 0 characters: gone"),
        ),
        ("openai-chat", b'data: {"error": "gone"}\n\n', (Outcome.SERVER_ERROR, "after 0 characters: gone")),
    ],
)
def test_what_is_wrong_is_said_in_words(client: str, body: bytes, judgement: tuple[Outcome, str]) -> None:
    found = judged(client, body)
    assert (found.outcome, found.text[: len(judgement[1])]) == judgement


def test_an_error_with_another_status_is_quoted() -> None:
    found = judged("openai-chat", b'{"error":{"message":"no such model","type":"api_error"}}\n', 404)
    assert found == Judged(Outcome.CLIENT_ERROR, "", "HTTP 404: no such model")


def test_an_answer_that_is_not_streamed_is_one_document() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": RIGHT}, "finish_reason": "length"}
    body = json.dumps({"object": "chat.completion", "choices": [choice]}).encode()
    assert judged("openai-chat", body, pairs=(*SMALL, ("stream", "false"))) == Judged(Outcome.OK, "n1", RIGHT)
    assert judged("openai-chat", body).outcome is Outcome.TRUNCATED


def test_event_streams_may_end_their_lines_either_way_and_carry_comments() -> None:
    body = b": hello\r\n\r\nevent: x\r\n" + events(*WORDS, end=b"\r\n\r\n")
    assert judged("openai-chat", body) == Judged(Outcome.OK, "n1", RIGHT)


def test_of_another_model_only_the_end_and_the_pattern_are_required() -> None:
    free = (("model", "llama3"), ("pattern", "sky"))
    assert judged("openai-chat", events("the sky"), pairs=free).outcome is Outcome.OK
    assert judged("ollama-chat", frames("the sea"), pairs=free).outcome is Outcome.WRONG
