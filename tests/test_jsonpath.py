import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.jsonpath import JsonPath

DOCUMENT = b'{"nodes": [{"state": "up", "load": 0.5}, null], "a b": {"n": 1}, "ready": true}'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('$.nodes[0].state == "up"', ""),
        ("$.nodes[0].load == 0.5", ""),
        ("$['a b'].n == 1", ""),
        ("$.nodes[1] == null", ""),
        ('$.nodes[0] == {"load": 0.5, "state": "up"}', ""),
        ("$", ""),
        ("$.ready", ""),
        ("$.ready == 1", "$.ready is true, not 1"),
        ('$.nodes[0].state == "down"', '$.nodes[0].state is "up", not "down"'),
        ("$.nodes[2]", "there is no $.nodes[2] in it"),
        ("$.nodes.state", "there is no $.nodes.state in it"),
        ("$.ready[0]", "there is no $.ready[0] in it"),
    ],
)
def test_a_value_is_found_and_compared(text: str, problem: str) -> None:
    assert JsonPath.parse(text).problem(DOCUMENT) == problem


@pytest.mark.parametrize("text", ["ready", "$.ready = 1", "$.nodes[*]", "$..ready", "", "$.a =="])
def test_what_is_no_path_to_one_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"is '{text}': write a path")):
        JsonPath.parse(text)


def test_a_wanted_text_needs_its_quotes() -> None:
    with pytest.raises(ValueError, match="after '==' write JSON"):
        JsonPath.parse("$.state == up")


@given(st.binary(max_size=200))
def test_no_document_at_all_breaks_it(document: bytes) -> None:
    assert isinstance(JsonPath.parse("$.a[0]").problem(document), str)


def test_a_document_of_brackets_alone_is_not_json() -> None:
    assert JsonPath.parse("$").problem(b"[" * 100_000).startswith("the answer is not JSON")
