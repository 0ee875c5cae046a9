import json

import pytest

from harness.agent.kernel import Count, Held, Kernel, parse
from harness.errors import AgentError

LISTING = json.dumps(
    {
        "nftables": [
            {"metainfo": {"version": "1.1.3", "json_schema_version": 1}},
            {"table": {"family": "inet", "name": "harness", "handle": 2}},
            {"chain": {"family": "inet", "table": "harness", "name": "faults-in", "handle": 6, "prio": -300}},
            {"counter": {"family": "inet", "name": "lost/packets", "table": "harness", "packets": 3, "bytes": 180}},
            {"set": {"name": "lost/in4-drop", "flags": ["timeout"], "elem": [{"elem": {"val": "10.0.0.2"}}]}},
            {"set": {"name": "lost/in6-drop", "flags": ["timeout"]}},
            {"map": {"name": "redirects4", "map": "inet_service", "elem": [[{"concat": ["10.0.0.2", 80]}, 18000]]}},
            {"rule": {"chain": "faults-in", "handle": 22, "expr": [{"accept": None}]}},
            {"rule": {"chain": "faults-in", "handle": 23, "expr": [{"jump": {"target": "lost/in"}}]}},
        ]
    }
)


class Library:
    """Answers every command the same way, as libnftables would."""

    def __init__(self, *answer: int | str) -> None:
        self.answer = answer

    def cmd(self, cmdline: str) -> tuple[int, str, str]:
        code, output, error = self.answer
        return int(code), str(output), str(error)

    def set_json_output(self, val: bool) -> None: ...


def test_a_listing_is_counted() -> None:
    assert parse(LISTING) == Held(
        elements={"lost/in4-drop": 1, "lost/in6-drop": 0, "redirects4": 1},
        rules={"faults-in": 2},
        counters={"lost/packets": Count(3, 180)},
    )


def test_a_table_that_is_not_there_holds_nothing() -> None:
    kernel = Kernel(Library(-1, "", "Error: No such file or directory\nlist table inet harness\n"))
    assert kernel.held() == Held({}, {}, {})


def test_what_the_kernel_refuses_is_said_in_one_line() -> None:
    kernel = Kernel(Library(-1, "", "Error: Operation not permitted\nadd table inet harness\n^^^\n"))
    with pytest.raises(AgentError) as error:
        kernel.change("add table inet harness")
    assert str(error.value) == (
        "the kernel refused a change of its packet rules: Error: Operation not permitted add table inet harness ^^^"
    )


def test_a_listing_in_other_words_is_an_error() -> None:
    with pytest.raises(AgentError, match="libnftables listed our table in words we do not know"):
        parse('{"nft": 1}')
