"""A cluster in words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cluster import Cluster, Link, Node

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True).filter(lambda name: not name.endswith("-"))
CLUSTER = Cluster(
    "pair",
    (Node("gateway", "gateway", "gateway", "gateway", ports=(8080, 8405)), Node("n1", "node", "node", "n1")),
)


@given(st.builds(Link, NAMES, NAMES, st.none() | st.integers(1, 65535)))
def test_a_link_reads_back_as_itself(link: Link) -> None:
    assert Link.parse(str(link)) == link


def test_a_link_may_be_written_with_or_without_spaces() -> None:
    assert Link.parse(" a->b:80 ") == Link.parse("a -> b:80") == Link("a", "b", 80)


@pytest.mark.parametrize("text", ["", "a", "a ->", "-> b", "a => b", "a -> b:", "a -> b c", "a -> b:x", "a -> b:-1"])
def test_what_is_no_link_is_told_how_to_write_one(text: str) -> None:
    with pytest.raises(
        ValueError, match=re.escape(f"is '{text}': write a link as 'gateway -> n1' or 'gateway -> n1:11434'") + r"\Z"
    ):
        Link.parse(text)


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_a_port_is_one_that_there_is(port: str) -> None:
    with pytest.raises(ValueError, match=r"a port is a number from 1 to 65535"):
        Link.parse(f"a -> b:{port}")


def test_a_link_without_a_port_means_the_first_of_its_target() -> None:
    assert CLUSTER.resolve(Link("n1", "gateway")) == Link("n1", "gateway", 8080)
    assert CLUSTER.resolve(Link("n1", "gateway", 8405)) == Link("n1", "gateway", 8405)
    assert CLUSTER.resolve(Link("gateway", "n1")) == Link("gateway", "n1", None)


def test_a_node_is_found_by_its_name_and_a_wrong_name_is_told_the_right_one() -> None:
    assert CLUSTER.names() == ("gateway", "n1")
    assert CLUSTER.node("n1").service == "node"
    assert CLUSTER.unknown("n1") is None
    assert CLUSTER.unknown("gatway") == "there is no gatway; did you mean 'gateway'?"
    assert CLUSTER.unknown("redis") == "there is no redis (there are gateway, n1)"
    with pytest.raises(KeyError):
        CLUSTER.node("redis")
