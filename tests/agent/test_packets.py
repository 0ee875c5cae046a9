from textwrap import dedent
from typing import Literal

import pytest

from harness.agent import packets
from harness.agent.packets import Cuts
from harness.errors import AgentError
from harness.primitives import Cut, Style
from harness.wire import Redirect

IPS = {"n2": ("10.0.0.2", "fd00::2"), "n3": ("10.0.0.3",)}


def text(block: str) -> str:
    return dedent(block).strip()


def cut(
    peer: str,
    hook: Literal["in", "out"] = "in",
    style: Style = "drop",
    port: int | None = None,
    port_of: Literal["node", "peer"] | None = None,
) -> Cut:
    return Cut("n1", peer, hook, style, port, port_of)


def test_a_drop_of_everything_from_a_peer_names_all_its_addresses_and_counts_echoes_apart() -> None:
    cuts = Cuts.of("lost-n2", [cut("n2"), cut("n2", "out")], IPS)
    assert cuts.arm() == text("""
        add counter inet harness lost-n2/packets
        add counter inet harness lost-n2/echoes
        add chain inet harness lost-n2/drop
        add rule inet harness lost-n2/drop tcp dport 17071 counter name lost-n2/echoes drop
        add rule inet harness lost-n2/drop tcp sport 17071 counter name lost-n2/echoes drop
        add rule inet harness lost-n2/drop counter name lost-n2/packets drop
        add chain inet harness lost-n2/in
        add set inet harness lost-n2/in4-drop { type ipv4_addr; flags timeout; }
        add rule inet harness lost-n2/in ip saddr @lost-n2/in4-drop goto lost-n2/drop
        add set inet harness lost-n2/in6-drop { type ipv6_addr; flags timeout; }
        add rule inet harness lost-n2/in ip6 saddr @lost-n2/in6-drop goto lost-n2/drop
        add chain inet harness lost-n2/out
        add set inet harness lost-n2/out4-drop { type ipv4_addr; flags timeout; }
        add rule inet harness lost-n2/out ip daddr @lost-n2/out4-drop goto lost-n2/drop
        add set inet harness lost-n2/out6-drop { type ipv6_addr; flags timeout; }
        add rule inet harness lost-n2/out ip6 daddr @lost-n2/out6-drop goto lost-n2/drop
    """)
    assert cuts.fire(22.0) == text("""
        add element inet harness lost-n2/in4-drop { 10.0.0.2 timeout 22000ms }
        add element inet harness lost-n2/in6-drop { fd00::2 timeout 22000ms }
        add element inet harness lost-n2/out4-drop { 10.0.0.2 timeout 22000ms }
        add element inet harness lost-n2/out6-drop { fd00::2 timeout 22000ms }
    """)
    assert cuts.heal() == text("""
        flush set inet harness lost-n2/in4-drop
        flush set inet harness lost-n2/in6-drop
        flush set inet harness lost-n2/out4-drop
        flush set inet harness lost-n2/out6-drop
    """)
    assert cuts.remove() == text("""
        flush chain inet harness lost-n2/in
        flush chain inet harness lost-n2/out
        flush chain inet harness lost-n2/drop
        delete chain inet harness lost-n2/in
        delete chain inet harness lost-n2/out
        delete chain inet harness lost-n2/drop
        delete set inet harness lost-n2/in4-drop
        delete set inet harness lost-n2/in6-drop
        delete set inet harness lost-n2/out4-drop
        delete set inet harness lost-n2/out6-drop
        delete counter inet harness lost-n2/packets
        delete counter inet harness lost-n2/echoes
    """)
    assert cuts.counts() == dict.fromkeys(f"lost-n2/{h}{v}-drop" for h in ("in", "out") for v in (4, 6)) | {
        f"lost-n2/{h}{v}-drop": 1 for h in ("in", "out") for v in (4, 6)
    }


@pytest.mark.parametrize(
    ("hook", "port_of", "match"),
    [
        ("in", "node", "ip saddr . meta l4proto . th dport @link/in4-dport-drop"),
        ("in", "peer", "ip saddr . meta l4proto . th sport @link/in4-sport-drop"),
        ("out", "node", "ip daddr . meta l4proto . th sport @link/out4-sport-drop"),
        ("out", "peer", "ip daddr . meta l4proto . th dport @link/out4-dport-drop"),
    ],
)
def test_a_cut_link_carries_the_port_as_destination_toward_its_owner(
    hook: Literal["in", "out"], port_of: Literal["node", "peer"], match: str
) -> None:
    cuts = Cuts.of("link", [cut("n3", hook, port=80, port_of=port_of)], IPS)
    name = match.split("@")[1]
    assert cuts.arm().splitlines()[-3:] == [
        f"add chain inet harness link/{hook}",
        f"add set inet harness {name} {{ type ipv4_addr . inet_proto . inet_service; flags timeout; }}",
        f"add rule inet harness link/{hook} {match} goto link/drop",
    ]
    keys = ("10.0.0.3 . tcp . 80", "10.0.0.3 . udp . 80", "10.0.0.3 . tcp . 17071")
    assert cuts.fire(3.5) == (
        f"add element inet harness {name} {{ {', '.join(f'{key} timeout 3500ms' for key in keys)} }}"
    )


def test_two_ports_of_one_peer_share_a_set_and_one_echo() -> None:
    cuts = Cuts.of("f", [cut("n3", port=80, port_of="node"), cut("n3", port=81, port_of="node")], IPS)
    assert cuts.counts() == {"f/in4-dport-drop": 5}


def test_a_reject_lets_answers_pass_and_answers_each_protocol_in_its_own_words() -> None:
    arm = Cuts.of("no-n3", [cut("n3", style="reject")], IPS).arm()
    assert arm == text("""
        add counter inet harness no-n3/packets
        add counter inet harness no-n3/echoes
        add chain inet harness no-n3/reject
        add rule inet harness no-n3/reject tcp flags & rst == rst return
        add rule inet harness no-n3/reject icmp type destination-unreachable return
        add rule inet harness no-n3/reject icmpv6 type destination-unreachable return
        add rule inet harness no-n3/reject tcp dport 17071 counter name no-n3/echoes reject with tcp reset
        add rule inet harness no-n3/reject tcp sport 17071 counter name no-n3/echoes reject with tcp reset
        add rule inet harness no-n3/reject meta l4proto tcp counter name no-n3/packets reject with tcp reset
        add rule inet harness no-n3/reject counter name no-n3/packets reject with icmpx port-unreachable
        add chain inet harness no-n3/in
        add set inet harness no-n3/in4-reject { type ipv4_addr; flags timeout; }
        add rule inet harness no-n3/in ip saddr @no-n3/in4-reject goto no-n3/reject
    """)


def test_who_asks_for_a_connection_is_refused_by_the_peer_so_that_every_attempt_arrives_where_it_is_counted() -> None:
    arm = Cuts.of("no-n3", [cut("n3", "out", "reject")], IPS).arm()
    assert [line for line in arm.splitlines() if "no-n3/out " in line] == [
        "add rule inet harness no-n3/out ip daddr @no-n3/out4-reject tcp flags & (syn | ack) == syn return",
        "add rule inet harness no-n3/out ip daddr @no-n3/out4-reject goto no-n3/reject",
    ]
    assert not [line for line in Cuts.of("no-n3", [cut("n3", "out")], IPS).arm().splitlines() if "return" in line]


def test_a_reject_ends_the_sockets_it_cuts_and_a_drop_none() -> None:
    cuts = [
        cut("n2", style="reject"),
        cut("n3", "out", "reject", 80, "peer"),
        cut("n3", "in", "reject", 81, "node"),
        cut("n3", "in", "drop"),
    ]
    assert packets.kill_filter(cuts, IPS) == (
        "( dst 10.0.0.2 ) or ( dst [fd00::2] ) or ( dst 10.0.0.3 and dport = :80 ) or ( dst 10.0.0.3 and sport = :81 )"
    )
    assert packets.kill_filter(cuts[3:], IPS) == ""


def test_loopback_and_metrics_come_before_every_fault() -> None:
    one, other = Cuts.of("a", [cut("n3")], IPS), Cuts.of("b", [cut("n3", "out"), cut("n3")], IPS)
    entry = packets.entry([one, other])
    assert entry == text("""
        flush chain inet harness faults-in
        add rule inet harness faults-in iif lo accept
        add rule inet harness faults-in tcp dport { 17072, 17073 } accept
        add rule inet harness faults-in tcp sport { 17072, 17073 } accept
        add rule inet harness faults-in jump a/in
        add rule inet harness faults-in jump b/in
        flush chain inet harness faults-out
        add rule inet harness faults-out oif lo accept
        add rule inet harness faults-out tcp dport { 17072, 17073 } accept
        add rule inet harness faults-out tcp sport { 17072, 17073 } accept
        add rule inet harness faults-out jump b/out
    """)
    assert packets.rules_of(entry) == {"faults-in": 5, "faults-out": 4}


def test_the_table_of_every_run_counts_ports_and_redirects_links_with_their_echo() -> None:
    redirects = [Redirect("n2", 80, 18000, 18001), Redirect("n2", 81, 18002, 18003)]
    routes = packets.routes(redirects, IPS)
    base = packets.base((8000,), routes, (8405,)).splitlines()
    assert [(r.label, r.port, r.listen) for r in routes] == [
        ("80", 80, 18000),
        ("echo", 17071, 18001),
        ("81", 81, 18002),
    ]
    ours = "{ 17071, 17072, 17073, 8405 }"
    assert base[:16] == [
        "add table inet harness",
        "delete table inet harness",
        "add table inet harness",
        "add chain inet harness arrived { type filter hook prerouting priority -310; policy accept; }",
        "add chain inet harness sent { type filter hook output priority -310; policy accept; }",
        "add chain inet harness left { type filter hook postrouting priority 0; policy accept; }",
        "add chain inet harness faults-in { type filter hook prerouting priority raw; policy accept; }",
        "add chain inet harness faults-out { type filter hook output priority raw; policy accept; }",
        "add counter inet harness own/in",
        f"add rule inet harness arrived iif != lo tcp dport {ours} counter name own/in",
        f"add rule inet harness arrived iif != lo tcp sport {ours} counter name own/in",
        "add counter inet harness own/out",
        f"add rule inet harness left oif != lo tcp dport {ours} counter name own/out",
        f"add rule inet harness left oif != lo tcp sport {ours} counter name own/out",
        "add counter inet harness arrived/8000",
        "add counter inet harness opens/8000",
    ]
    assert [line for line in base if "harness redirects" in line] == [
        "add chain inet harness redirects { type nat hook output priority -100; policy accept; }",
        "add rule inet harness redirects meta skuid 4242 return",
        "add map inet harness redirects4 { type ipv4_addr . inet_service : inet_service; }",
        "add element inet harness redirects4 "
        "{ 10.0.0.2 . 80 : 18000, 10.0.0.2 . 17071 : 18001, 10.0.0.2 . 81 : 18002 }",
        "add rule inet harness redirects meta l4proto tcp redirect to :ip daddr . tcp dport map @redirects4",
        "add map inet harness redirects6 { type ipv6_addr . inet_service : inet_service; }",
        "add element inet harness redirects6 { fd00::2 . 80 : 18000, fd00::2 . 17071 : 18001, fd00::2 . 81 : 18002 }",
        "add rule inet harness redirects meta l4proto tcp redirect to :ip6 daddr . tcp dport map @redirects6",
    ]


def test_a_link_that_no_toxic_needs_has_no_redirect_in_its_way() -> None:
    assert "redirect" not in packets.base((8000,), ())


@pytest.mark.parametrize(
    ("fault", "cuts", "message"),
    [
        ("a b", [cut("n2")], "'a b' cannot name a rule: use a letter first, then letters, digits, '-', '_' and '.'"),
        ("a", [cut("n9")], "a: no address of n9 is known here; name it in Prepare"),
        ("a", [cut("n2", port=80)], "the cut of port 80 between n1 and n2 does not say whose port it is"),
    ],
)
def test_what_cannot_be_a_rule_is_refused(fault: str, cuts: list[Cut], message: str) -> None:
    with pytest.raises(AgentError) as error:
        Cuts.of(fault, cuts, IPS)
    assert str(error.value) == message
