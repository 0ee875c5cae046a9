"""How a field says which key fills it."""

import re
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.words import (
    COUNT,
    DURATION,
    NAME,
    NODE,
    RATE,
    SHARE,
    SIZE,
    SPAN,
    TEXT,
    Reader,
    choice,
    word,
    word_of,
    words_of,
)

READERS = (COUNT, DURATION, NAME, NODE, RATE, SHARE, SIZE, SPAN, TEXT, choice("drop", "reject"))


@dataclass(frozen=True)
class Sample:
    at_s: float = field(metadata=word("at", DURATION, "when"))
    made: int = 0
    nodes: tuple[str, ...] = field(default=(), metadata=word("nodes", NODE, "who", many=True))


def test_only_fields_with_a_word_can_be_set_by_a_file() -> None:
    found = words_of(Sample)
    assert {key: one.name for key, one in found.items()} == {"at": "at_s", "nodes": "nodes"}
    assert [one.many for key in found if (one := word_of(found[key]))] == [False, True]
    assert word_of(Sample.__dataclass_fields__["made"]) is None


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.noun)
def test_a_reader_reads_its_own_example(reader: Reader) -> None:
    assert reader.read(reader.example) is not None


@given(st.sampled_from([r for r in READERS if r.pattern]), st.text(max_size=20))
def test_what_a_reader_takes_its_pattern_takes(reader: Reader, text: str) -> None:
    try:
        reader.read(text)
    except ValueError:
        return
    assert re.fullmatch(reader.pattern, text)


@pytest.mark.parametrize(
    ("reader", "text", "said"),
    [
        (choice("drop", "reject"), "block", "is 'block': write one of drop, reject"),
        (NAME, "N1", "is 'N1': a name starts with a letter and has only a-z, 0-9 and '-', at most 40 characters"),
        (NAME, "a\n", "is 'a\n': a name starts with a letter and has only a-z, 0-9 and '-', at most 40 characters"),
        (NODE, "300% of node", "is '300%': a share cannot be more than 100%"),
        (
            NODE,
            "most of node",
            "is 'most of node': write a node's name, its role, or how many, such as '2 of ROLE' or '30%'",
        ),
        (SPAN, "3", "is '3': write a duration or a range of them, such as 3s..8s"),
        (SPAN, "8s..3s", "is '8s..3s', which ends before it begins: write the shorter one first"),
        (NODE, "n 1", "is 'n 1': write a node's name, its role, or how many, such as '2 of ROLE' or '30%'"),
    ],
)
def test_what_is_no_such_word_is_told_what_to_write(reader: Reader, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said) + r"\Z"):
        reader.read(text)


def test_a_word_for_nodes_may_say_how_many_or_which() -> None:
    words = ("node", "2 of node", "1", "30%", "33.3 % of node", "minority of node", "leader", "follower of node")
    assert tuple(NODE.read(text) for text in words) == words


def test_a_range_may_be_one_duration() -> None:
    assert SPAN.read("3s..8s") == SPAN.read("3s .. 8s") == (3.0, 8.0)
    assert SPAN.read("250ms") == (0.25, 0.25)


def test_a_node_is_called_as_compose_allows_it() -> None:
    assert [NODE.read(name) for name in ("n1", "Redis_1", "db.main", "w-3")] == ["n1", "Redis_1", "db.main", "w-3"]
