"""DNS questions and answers, as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agent.redirect import messages
from harness.agent.redirect.messages import AAAA, NXDOMAIN, SERVFAIL, A, address_for, asked, heard, question, refusal

LABEL = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True).filter(lambda text: text.isascii())
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


@given(NAME, st.integers(0, 0xFFFF), st.sampled_from((A, AAAA, 16)))
def test_a_question_is_read_as_it_was_asked_in_lower_case(name: str, number: int, kind: int) -> None:
    found = asked(question(number, name, kind))
    assert found
    assert (found.number, found.name, found.type) == (number, name.lower(), kind)


@given(NAME, st.integers(0, 0xFFFF), st.sampled_from((("nxdomain", NXDOMAIN), ("servfail", SERVFAIL))))
def test_a_refusal_answers_its_own_question_and_no_other(name: str, number: int, code: tuple[str, int]) -> None:
    found = asked(query := question(number, name))
    assert found
    answer = refusal(found, code[1])
    assert heard(answer) == messages.Heard(number, code[0], ())  # type: ignore[arg-type]  # one of its words
    assert answer[12:] == query[12:]
    assert asked(answer) is None


@pytest.mark.parametrize(
    ("kind", "address", "addresses"),
    [(A, "127.0.0.9", ("127.0.0.9",)), (AAAA, "127.0.0.9", ()), (A, "fd00::9", ()), (AAAA, "fd00::9", ())],
)
def test_a_wrong_address_is_given_to_who_asks_for_its_kind_and_an_empty_answer_to_others(
    kind: int, address: str, addresses: tuple[str, ...]
) -> None:
    found = asked(question(7, "n2", kind))
    assert found
    answer = address_for(found, address)
    assert heard(answer) == messages.Heard(7, "noerror", addresses)
    assert (int.from_bytes(answer[6:8]) == 1) == ((kind == AAAA) == (":" in address))


@given(st.binary(max_size=80))
def test_bytes_that_are_no_dns_message_hurt_nobody(noise: bytes) -> None:
    asked(noise)
    heard(noise)
    assert heard(question(7, "n2")) is None
