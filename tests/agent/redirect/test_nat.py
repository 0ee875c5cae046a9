"""The redirects, as nftables text."""

import pytest

from harness.agent.redirect import nat
from harness.errors import AgentError
from harness.primitives import Resolve, Tamper

NAMES = nat.redirect_of("lies", 4000, Resolve("n1", (), "nxdomain"), ())
LINK = nat.redirect_of("bent", 4001, Tamper("n1", "n2", 8000, "flip"), ("127.0.0.2", "fd00::2"))


def test_rules_refer_to_sets_that_are_empty_until_the_fault_fires() -> None:
    assert "add element" not in NAMES.arm() + LINK.arm()
    assert NAMES.fire(12.0) == "add element inet harness-redirect lies/dns { 53 timeout 12000ms }"
    assert LINK.fire(1.5).splitlines() == [
        "add element inet harness-redirect bent/to4 "
        "{ 127.0.0.2 . 8000 timeout 1500ms, 127.0.0.2 . 17071 timeout 1500ms }",
        "add element inet harness-redirect bent/to6 { fd00::2 . 8000 timeout 1500ms, fd00::2 . 17071 timeout 1500ms }",
    ]
    assert LINK.counts() == {"bent/to4": 2, "bent/to6": 2}
    assert LINK.heal().splitlines() == [
        "flush set inet harness-redirect bent/to4",
        "flush set inet harness-redirect bent/to6",
    ]


def test_what_we_and_toxiproxy_send_is_never_redirected() -> None:
    rules = [line for line in nat.entry([NAMES, LINK]).splitlines() if line.startswith("add rule")]
    assert [line.removeprefix("add rule inet harness-redirect redirects ") for line in rules] == [
        "meta mark 93 return",
        "meta skuid 4242 return",
        "jump lies",
        "jump bent",
    ]


def test_the_open_connections_that_a_redirect_misses_are_named() -> None:
    assert NAMES.ss == "dport = :53"
    assert LINK.ss == "( dst 127.0.0.2 and dport = :8000 ) or ( dst [fd00::2] and dport = :8000 )"


def test_a_peer_without_an_address_cannot_be_redirected() -> None:
    with pytest.raises(AgentError, match="no address of n2 is known here"):
        nat.redirect_of("bent", 4001, Tamper("n1", "n2", 8000, "flip"), ())
