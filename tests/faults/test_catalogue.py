"""What holds of every kind of fault, those that are yet to come too."""

from dataclasses import fields

import pytest

from harness.faults import CATALOGUE, Fault
from harness.words import word_of, words_of

KINDS = list(CATALOGUE.values())


@pytest.mark.parametrize("kind", KINDS, ids=list(CATALOGUE))
def test_a_fault_says_what_it_is_and_what_it_is_not(kind: type[Fault]) -> None:
    assert CATALOGUE[kind.kind] is kind
    assert kind.about
    assert kind.page.endswith(".")


@pytest.mark.parametrize("kind", KINDS, ids=list(CATALOGUE))
def test_every_field_of_a_fault_is_a_word_with_a_meaning(kind: type[Fault]) -> None:
    words = words_of(kind)
    assert {field.name for field in words.values()} == {field.name for field in fields(kind)} - {"targets"}
    assert all((word := word_of(field)) and word.about for field in words.values())
    assert list(words)[:3] == ["name", "at", "for"]
    assert "fault" not in words
