from collections.abc import Iterator
from typing import Any

import pytest

from harness.objectives import OBJECTIVES, Moment, Objective
from harness.words import words_of
from tests.recording.builder import CLUSTER

TRAFFIC, FAULTS = ("chat",), ("lost-n1", "slow-n2")


def written(key: str, **words: str) -> Objective:
    """An objective as a file writes it: ``in`` and ``is`` are Python's words, so they come as ``in_`` and ``is_``.

    A word that takes several has blanks between them.
    """
    kind = OBJECTIVES[key]
    known = words_of(kind)
    values: dict[str, Any] = {}
    for written_key, text in words.items():
        field = known[written_key.rstrip("_")]
        one = field.metadata["word"]
        values[field.name] = tuple(map(one.reader.read, text.split())) if one.many else one.reader.read(text)
    return kind(**values)


def test_every_key_of_the_table_is_a_word_of_its_class() -> None:
    assert [(key, kind.key, key in words_of(kind)) for key, kind in OBJECTIVES.items()] == [
        (key, key, True) for key in OBJECTIVES
    ]


def test_what_names_something_that_is_not_there_is_told_what_there_is() -> None:
    def complaints() -> Iterator[tuple[str, str]]:
        yield from written("success", name="a", of="chatt", in_="lost-n2", success=">= 99%").check(TRAFFIC, FAULTS)
        yield from written("p99", name="b", of="chat", in_="nowhere", needs="x", p99="<= 1s").check(TRAFFIC, FAULTS)
        yield from written("restored", name="c", of="x", after="end", hold="0s", restored="<= 3s").check(TRAFFIC, ())
        yield from written("restored", name="d", of="chat", after="slow-n1", restored="<= 3s").check(TRAFFIC, FAULTS)
        yield from written("promql", name="e", promql=" ", is_="<= 2", at="lost-n1").check(TRAFFIC, FAULTS)

    assert list(complaints()) == [
        ("of", "is 'chatt': there is no traffic of that name; did you mean 'chat'?"),
        ("in", "is 'lost-n2': there is no window or fault of that name; did you mean 'lost-n1'?"),
        (
            "in",
            "is 'nowhere': there is no window or fault of that name "
            "(there are all, warmup, faults, recovery, lost-n1, slow-n2)",
        ),
        ("needs", "is 'x': there is no fault of that name (there are lost-n1, slow-n2)"),
        ("hold", "is 0: a service that was well for no time at all is not restored; write one such as 5s"),
        ("of", "is 'x': there is no traffic of that name (there are chat)"),
        ("after", "is 'end': nothing comes after that; write a fault's name, or 'end of' and its name"),
        ("after", "is 'slow-n1': there is no fault of that name; did you mean 'slow-n2'?"),
        ("promql", "is empty: write an instant query"),
        ("at", "is 'lost-n1': write 'end', or 'end of lost-n1'"),
    ]


def test_a_node_that_is_not_there_is_told_what_there_is() -> None:
    wrong = (
        written("claimed", name="a", after="lost-n1", line="DOWN", on="gatway", claimed="<= 1s"),
        written("log", name="b", line="panic", on="n1 m2", log="== 0"),
        written("amplification", name="c", of="chat", to="node m3", amplification="<= 2"),
        written("success", name="d", of="chat", success=">= 99%"),
    )
    assert [problem for one in wrong for problem in one.check_on(CLUSTER)] == [
        ("on", "names 'gatway': there is no gatway; did you mean 'gateway'?"),
        ("on", "names 'm2': there is no m2 (there are gateway, n1, n2, n3)"),
        ("to", "names 'm3': there is no m3 (there are gateway, n1, n2, n3)"),
    ]


def test_what_names_only_what_is_there_is_right() -> None:
    for objective in (
        written("wrong", name="a", of="chat", in_="lost-n1", needs="lost-n1", wrong="== 0"),
        written("max", name="b", of="chat", max="<= 5s"),
        written("restored", name="c", of="chat", after="end of slow-n2", restored="<= 3s"),
        written("promql", name="d", promql="up", is_=">= -1.5", at="end of  lost-n1"),
    ):
        assert list(objective.check(TRAFFIC, FAULTS)) == []


def test_an_objective_speaks_of_the_faults_it_names() -> None:
    named = [
        written("success", name="a", of="chat", success=">= 99%").faults(),
        written("success", name="b", of="chat", in_="lost-n1", needs="slow-n2", success=">= 99%").faults(),
        written("restored", name="c", of="chat", after="end of lost-n1", restored="<= 3s").faults(),
        written("promql", name="d", promql="up", is_="== 1", at="end of lost-n1").faults(),
    ]
    assert named == [frozenset(), {"lost-n1", "slow-n2"}, {"lost-n1"}, {"lost-n1"}]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("end", Moment(None, True)),
        ("lost-n1", Moment("lost-n1", False)),
        ("end of lost-n1", Moment("lost-n1", True)),
        ("  end   of lost-n1 ", Moment("lost-n1", True)),
    ],
)
def test_a_moment_is_read_and_written_back(text: str, moment: Moment) -> None:
    objective = written("promql", name="a", promql="up", is_="== 1", at=text)
    assert (objective.at, str(objective.at)) == (moment, " ".join(text.split()))  # type: ignore[attr-defined]  # a Promql


@pytest.mark.parametrize("text", ["", "end of ", "after lost-n1", "end of two faults"])
def test_a_moment_that_cannot_be_read_says_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="write a fault's name, or 'end of' and a fault's name"):
        written("promql", name="a", promql="up", is_="== 1", at=text)


@pytest.mark.parametrize("text", ["<= 2s", "<= nan", "<= inf", "== x", "2"])
def test_prometheus_answers_in_plain_numbers(text: str) -> None:
    with pytest.raises(ValueError, match="write a"):
        written("promql", name="a", promql="up", is_=text)


def test_a_promql_objective_tells_the_runner_what_to_ask_and_when_and_no_other_does() -> None:
    asked = written("promql", name="a", promql="up", is_="== 1", at="end of lost-n1").question()
    last = written("promql", name="a", promql="up", is_="== 1").question()
    other = written("max", name="b", of="chat", max="<= 5s").question()
    assert asked is not None and (asked.query, asked.fault) == ("up", "lost-n1")
    assert last is not None and (last.query, last.fault) == ("up", None)
    assert other is None
