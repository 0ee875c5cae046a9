"""A node that takes no more connections, and what shows it."""

from dataclasses import replace

import pytest

from harness.faults.connection_limit import ConnectionLimit
from harness.primitives import Limit
from tests.faults.records import CLUSTER, read, sighting

FULL = ConnectionLimit(name="f", at_s=5, for_s=10, nodes=("n1",), connections=3)


def test_a_limit_is_on_the_nodes_first_port_or_the_one_that_is_named() -> None:
    assert FULL.compile(CLUSTER, ()) == (Limit("n1", 80, 3),)
    assert replace(FULL, port=81).compile(CLUSTER, ()) == (Limit("n1", 81, 3),)
    assert FULL.describe() == "n1 takes at most 3 connections at a time"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (FULL, []),
        (replace(FULL, nodes=()), [("nodes", "is empty: name at least one node")]),
        (replace(FULL, nodes=("n11",)), [("nodes", "names 'n11': there is no n11; did you mean 'n1'?")]),
        (
            replace(FULL, connections=0),
            [("connections", "is 0: write one from 1 to 1,000,000; for none, use a partition")],
        ),
        (replace(FULL, port=81), [("port", "is 81: n1 serves no such port (it has 80)")]),
        (
            replace(FULL, port=70_000),
            [
                ("port", "is 70000: a port is a number from 1 to 65535"),
                ("port", "is 70000: n1 serves no such port (it has 80)"),
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_limit_is_told(fault: ConnectionLimit, said: list[tuple[str, str]]) -> None:
    assert list(fault.check(CLUSTER)) == said


def test_a_limit_is_seen_by_what_was_refused_while_no_more_were_open() -> None:
    reads = [read("established", "during", 11, 3, "n1"), read("established", "during", 12, 2, "n1")]
    found = sighting(FULL, reads, nodes=("n1",), packets=12)
    assert (found.seen, found.exercised) == (True, True)
    assert found.witness == "12 connections refused; at most 3 open at a look (before it 0, which nobody ends)"


def test_connections_that_were_open_before_do_not_count_against_it() -> None:
    many = [read("established", "during", 11, 5, "n1")]
    assert not sighting(FULL, many, nodes=("n1",), packets=12).seen
    assert sighting(FULL, [*many, read("established", "before", 9, 2, "n1")], nodes=("n1",), packets=12).seen


def test_a_limit_that_refused_nobody_was_not_seen() -> None:
    found = sighting(FULL, [read("established", "during", 11, 1, "n1")], nodes=("n1",))
    assert (found.seen, found.exercised) == (False, False)


def test_a_limit_that_nobody_looked_at_was_not_seen() -> None:
    assert not sighting(FULL, nodes=("n1",), packets=12).seen
