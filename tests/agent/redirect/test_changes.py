"""What tampering makes of bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agent.redirect.changes import Change, Picks, flip
from harness.client.answers import node_of, text_of

TOKEN = '{"model":"tiny","created_at":"2026-11-21T14:00:00.123Z","response":"%s","done":false}\n'


@given(st.binary(min_size=1))
def test_a_flip_changes_exactly_one_bit(body: bytes) -> None:
    other = flip(body)
    assert len(other) == len(body)
    assert sum((a ^ b).bit_count() for a, b in zip(body, other, strict=True)) == 1


@given(st.integers(0, 9), st.integers(1, 20))
def test_a_flip_in_an_answer_of_the_model_is_valid_json_and_a_wrong_answer(digit: int, tokens: int) -> None:
    text = text_of("n1", digit * 100, tokens)
    found = json.loads(flip((TOKEN % text).encode()))
    assert found["created_at"] == "2026-11-21T14:00:00.123Z"
    assert found["response"] != text
    assert node_of(found["response"], digit * 100, tokens) is None


@given(st.dictionaries(st.text(), st.text(min_size=1), min_size=1))
def test_a_flip_leaves_strings_of_json_valid(document: dict[str, str]) -> None:
    text = json.dumps(document)
    if any(character.isalnum() and character.isascii() for value in document.values() for character in value):
        json.loads(flip(text.encode()))


@pytest.mark.parametrize(
    ("body", "other"),
    [
        (b'{"answer": "42", "n": 7}', b'{"answer": "43", "n": 7}'),
        (b'{"answer": "b\\n"}', b'{"answer": "c\\n"}'),
        (b"$5\r\nhello\r\n", b"$5\r\nhelln\r\n"),
        (b"\x00\xff", b"\x00\xfe"),
    ],
)
def test_a_flip_is_where_somebody_would_believe_it(body: bytes, other: bytes) -> None:
    assert flip(body) == other


@pytest.mark.parametrize(
    ("change", "body", "before", "fixed", "made"),
    [
        (Change("replace", b"yes", b"no"), b"yes, yes", b"", False, b"no, no"),
        (Change("replace", b"yes", b"no"), b"yes, yes", b"", True, b"no , no "),
        (Change("replace", b"no", b"yes"), b"no, no", b"", True, b"ye, ye"),
        (Change("replay", b"", b""), b"two", b"one", False, b"one"),
        (Change("truncate", b"", b""), b"abcdef", b"", False, b"abc"),
        (Change("forge", b"", b"no {n}"), b"abcdef", b"", False, b"no 5"),
    ],
)
def test_every_change_does_what_it_says(change: Change, body: bytes, before: bytes, fixed: bool, made: bytes) -> None:
    assert change.can(body, before)
    assert change.make(body, before, 5, fixed=fixed) == made


def test_a_chunk_with_nothing_to_change_does_not_count() -> None:
    assert not Change("replace", b"yes", b"no").can(b"maybe", b"")
    assert not Change("replay", b"", b"").can(b"first", b"")
    assert not Change("replay", b"", b"").can(b"same", b"same")
    assert not Change("flip", b"", b"").can(b"", b"")


def test_every_third_is_every_third_and_a_share_is_drawn_from_the_seed() -> None:
    third = Picks(3, 1.0, "1")
    assert [third.take() for _ in range(6)] == [False, False, True, False, False, True]
    one, same, other = (Picks(None, 0.3, seed) for seed in ("1", "1", "2"))
    drawn = [[picks.take() for _ in range(1000)] for picks in (one, same, other)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert 250 < sum(drawn[0]) < 350
