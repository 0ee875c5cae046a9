"""What the kernel is told for the queue."""

import pytest

from harness.agent.queue.orders import MARKS_MAX, Served
from harness.agent.queue.rules import Steering, chains, entry
from harness.errors import AgentError
from harness.primitives import Disturb

IPS = {"n2": ("10.0.0.2", "fd00::2"), "n3": ("10.0.0.3",)}
BITS = tuple(range(MARKS_MAX))


def known(node: str) -> tuple[str, ...]:
    return IPS.get(node, ())


def steering(*disturbs: Disturb, fault: str = "slow", free: tuple[int, ...] = BITS) -> Steering:
    return Steering.of(fault, disturbs, known, free)


def test_everything_from_a_peer_is_marked_by_its_addresses_and_echoes_are_counted_apart() -> None:
    made = steering(Disturb("n1", "n2", delay_s=0.1), free=(3,))
    assert made.arm().splitlines() == [
        "add counter inet harness-queue slow/packets",
        "add counter inet harness-queue slow/echoes",
        "add chain inet harness-queue slow/in",
        "add set inet harness-queue slow/3-4 { type ipv4_addr; flags timeout; }",
        "add rule inet harness-queue slow/in ip saddr @slow/3-4 meta mark set meta mark | 0x8",
        "add set inet harness-queue slow/3-6 { type ipv6_addr; flags timeout; }",
        "add rule inet harness-queue slow/in ip6 saddr @slow/3-6 meta mark set meta mark | 0x8",
        "add rule inet harness-queue slow/in meta mark & 0x8 == 0 return",
        "add rule inet harness-queue slow/in udp sport 17071 counter name slow/echoes return",
        "add rule inet harness-queue slow/in tcp sport 17071 counter name slow/echoes return",
        "add rule inet harness-queue slow/in tcp dport 17071 counter name slow/echoes return",
        "add rule inet harness-queue slow/in counter name slow/packets",
    ]
    assert made.fire(7.5).splitlines() == [
        "add element inet harness-queue slow/3-4 { 10.0.0.2 timeout 7500ms }",
        "add element inet harness-queue slow/3-6 { fd00::2 timeout 7500ms }",
    ]
    assert made.counts() == {"slow/3-4": 1, "slow/3-6": 1}


def test_a_port_means_its_connections_their_echo_and_the_witnesss_answers() -> None:
    answers = steering(Disturb("n1", "n3", 80, "peer", loss=0.1))
    assert answers.fire(5.0) == (
        "add element inet harness-queue slow/0-4-sport { 10.0.0.3 . tcp . 80 timeout 5000ms, 10.0.0.3 . udp . 80 "
        "timeout 5000ms, 10.0.0.3 . tcp . 17071 timeout 5000ms, 10.0.0.3 . udp . 17071 timeout 5000ms }"
    )
    questions = steering(Disturb("n1", "n3", 80, "node", loss=0.1))
    assert questions.counts() == {"slow/0-4-dport": 3, "slow/0-4-sport": 1}


def test_peers_that_meet_the_same_share_a_mark() -> None:
    made = steering(*(Disturb("n1", peer, loss=0.1) for peer in ("n2", "n3")), Disturb("n1", "n3", loss=0.2))
    assert made.served == (Served(0, Disturb("n1", "", loss=0.1)), Served(1, Disturb("n1", "", loss=0.2)))
    assert made.mask() == 0b11


def test_a_witnesss_question_goes_free_and_only_marked_packets_are_queued() -> None:
    lines = entry([steering(Disturb("n1", "n3"))]).splitlines()
    assert [line.removeprefix("add rule inet harness-queue arrive ") for line in lines[1:]] == [
        "iif lo accept",
        "tcp dport { 17072, 17073 } accept",
        "tcp sport { 17072, 17073 } accept",
        "udp dport 17071 accept",
        "jump slow/in",
        "meta mark & 0x7fffffff != 0 jump queued",
    ]


def test_what_was_armed_is_what_is_counted_when_it_is_read_back() -> None:
    armed = [steering(Disturb("n1", "n2")), steering(Disturb("n1", "n3"), fault="lossy", free=(1,))]
    assert chains(armed) == {"arrive": 7, "queued": 1, "slow/in": 7, "lossy/in": 6}


@pytest.mark.parametrize(
    ("disturbs", "said"),
    [
        ([Disturb("n1", "n9")], "slow: no address of n9 is known here; name it in Prepare"),
        ([Disturb("n1", "n2", 80)], "slow: port 80 of n1 or of n2? It must say"),
        (
            [Disturb("n1", "n2", seed=seed) for seed in range(MARKS_MAX + 1)],
            "slow: more than 31 disturbances in one pod; name fewer at a time",
        ),
    ],
)
def test_what_cannot_be_steered_is_refused(disturbs: list[Disturb], said: str) -> None:
    with pytest.raises(AgentError) as error:
        steering(*disturbs)
    assert str(error.value) == said
