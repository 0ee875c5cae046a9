"""Words that stand for nodes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cluster import Cluster, Node
from harness.faults.kill import Kill
from harness.faults.partition import Partition
from harness.targets import Target, aim, otherwise, pending, question, resolve, stand_ins
from harness.weave.scrape import targets as scraped

ETCD = Cluster(
    "etcd",
    (
        Node("proxy", "proxy", "gateway", "proxy", ports=(80,), metrics="9000/metrics"),
        *(
            Node(f"e{i}", "etcd", "member", f"e{i}", i, (2379,), "2381/metrics", "etcd_server_is_leader")
            for i in range(1, 6)
        ),
    ),
)
MEMBERS = ETCD.of_role("member")


def kill(*words: str, name: str = "dead") -> Kill:
    return Kill(name=name, at_s=1.0, for_s=2.0, nodes=words)


def hit(*words: str, seed: int = 1, name: str = "dead") -> tuple[str, ...]:
    fault, problems = aim(kill(*words, name=name), ETCD, seed)
    assert problems == ()
    return fault.nodes


def test_a_name_is_a_name_and_the_fault_stays_as_it_was() -> None:
    fault = kill("e1", "e7", "client", "everyone")
    assert aim(fault, ETCD, 1) == (fault, ())


def test_a_role_is_every_node_of_it() -> None:
    fault, _ = aim(kill("member"), ETCD, 1)
    assert fault.nodes == MEMBERS
    assert list(map(str, fault.targets)) == ["member -> e1, e2, e3, e4, e5"]


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("1", 1), ("6", 6), ("2 of member", 2), ("minority of member", 2), ("majority of member", 3),
        ("40% of member", 2), ("59.9 % of member", 2), ("60% of member", 3), ("1% of member", 1),
        ("100%", 6), ("50%", 3),
    ],
)  # fmt: skip
def test_so_many_are_drawn_as_the_word_says(word: str, count: int) -> None:
    found = hit(word)
    assert len(found) == len(set(found)) == count
    assert set(found) <= set(MEMBERS if "of" in word else ETCD.names())


@given(st.integers(0, 1000), st.integers(1, 4))
def test_more_are_fewer_and_some(seed: int, count: int) -> None:
    assert set(hit(f"{count} of member", seed=seed)) < set(hit(f"{count + 1} of member", seed=seed))


def test_seed_and_name_alone_decide_who_is_drawn() -> None:
    draws = {hit("1 of member", seed=seed) for seed in range(60)}
    assert draws == {(name,) for name in MEMBERS}
    assert {hit("1 of member", name=f"dead-{i}") for i in range(60)} == draws
    assert hit("2 of member") == hit("2 of member")
    assert all("e1" in (found := hit("e1", "1 of member", seed=seed)) and len(found) == 2 for seed in range(60))


def test_two_sides_of_a_cut_never_share_a_node() -> None:
    for seed in range(30):
        cut = Partition(name="split", at_s=1, for_s=1, nodes=("minority of member",), others=("majority of member",))
        fault, problems = aim(cut, ETCD, seed)
        assert problems == () and not set(fault.nodes) & set(fault.others)
        assert len(fault.nodes) + len(fault.others) == 5
        one, _ = aim(replace(cut, nodes=("1 of member",), others=("member",)), ETCD, seed)
        assert set(one.nodes) | set(one.others) == set(MEMBERS) and len(one.others) == 4


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("2 of redis", "is '2 of redis': no node has the role 'redis' (there are gateway, member)"),
        ("leader of redis", "is 'leader of redis': no node has the role 'redis' (there are gateway, member)"),
        (
            "leader of gateway",
            "is 'leader of gateway': no service of role 'gateway' says 'leader: METRIC' in its x-harness, "
            "so nobody can tell who that is",
        ),
        ("6 of member", "is '6 of member': that is 6 of e1, e2, e3, e4, e5, of which 5 can be taken"),
        ("0 of member", "is '0 of member': nobody would be hit; write at least 1"),
        ("0%", "is '0%': nobody would be hit; write more than 0%"),
        ("minority of gateway", "is 'minority of gateway': of 1 no minority can be taken: that needs three at least"),
    ],
)
def test_a_word_that_stands_for_nobody_is_told_why(word: str, said: str) -> None:
    fault = kill(word)
    assert aim(fault, ETCD, 1)[1] == (("nodes", said),)


def test_a_leader_is_refused_where_no_service_says_how_to_know_it() -> None:
    plain = Cluster("plain", tuple(replace(node, leader=None) for node in ETCD.nodes))
    assert aim(kill("leader"), plain, 1)[1] == (
        (
            "nodes",
            "is 'leader': no service of this cluster says 'leader: METRIC' in its x-harness, so nobody can tell who "
            "that is",
        ),
    )


def test_of_two_services_with_a_leader_one_must_be_named() -> None:
    nodes = (*ETCD.nodes, Node("r1", "raft", "raft", "r1", metrics="1/metrics", leader="raft_leader"))
    two = Cluster("two", nodes)
    assert aim(kill("leader"), two, 1)[1] == (
        ("nodes", "is 'leader': member, raft have a leader each; write 'leader of ROLE'"),
    )
    assert aim(kill("leader of raft"), two, 1)[0].targets == (Target("nodes", "leader of raft", (), ("r1",)),)


def test_who_leads_is_looked_up_when_the_fault_is_due() -> None:
    fault, problems = aim(kill("leader of member"), ETCD, 1)
    assert (fault.nodes, problems) == (("leader of member",), ())
    assert [str(target) for target in pending(fault)] == [
        "leader of member -> one of e1, e2, e3, e4, e5, as Prometheus says when it is due"
    ]
    assert [one.nodes for one in stand_ins(fault, ETCD, 1)] == [(name,) for name in MEMBERS]
    asked: list[str] = []

    def ask(query: str) -> float | None:
        asked.append(query)
        return 1.0 if "e3" in query else 0.0

    found = resolve(fault, ETCD, 1, ask)
    assert found == replace(fault, nodes=("e3",), targets=(Target("nodes", "leader of member", ("e3",), MEMBERS),))
    assert asked[0] == 'max((etcd_server_is_leader) and on(instance) up{instance="e1:2381"})'
    assert len(asked) == 5


def test_the_leader_can_be_cut_off_from_the_others_of_its_role() -> None:
    cut = Partition(name="split", at_s=1, for_s=1, nodes=("leader",), others=("member",))
    fault, _ = aim(cut, ETCD, 1)
    found = resolve(fault, ETCD, 1, lambda query: float("e2" in query))
    assert isinstance(found, Partition)
    assert (found.nodes, found.others) == (("e2",), ("e1", "e3", "e4", "e5"))


def test_a_follower_is_one_that_says_so() -> None:
    values = {"e1": 1.0, "e2": None, "e3": 0.0, "e4": None, "e5": 0.0}

    def ask(query: str) -> float | None:
        return next(value for name, value in values.items() if f'"{name}:' in query)

    hits = set()
    for seed in range(20):
        found = resolve(aim(kill("follower"), ETCD, seed)[0], ETCD, seed, ask)
        assert isinstance(found, Kill)
        hits.add(found.nodes)
    assert hits == {("e3",), ("e5",)}


@pytest.mark.parametrize(
    ("leading", "taken", "said"),
    [
        (
            (),
            (),
            "dead: leader stands for nobody: no node says that it leads (e1: 0, e2: 0, e3: 0, e4: 0, e5: no answer).",
        ),
        (
            ("e1", "e2"),
            (),
            "dead: leader stands for nobody: several nodes say that it leads "
            "(e1: 1, e2: 1, e3: 0, e4: 0, e5: no answer).",
        ),
        (("e4",), ("e4",), "dead: leader is e4, on which another fault acts at this moment."),
    ],
)
def test_a_leader_that_cannot_be_told_or_hit_is_a_sentence(
    leading: tuple[str, ...], taken: tuple[str, ...], said: str
) -> None:
    def ask(query: str) -> float | None:
        return None if "e5" in query else float(any(name in query for name in leading))

    assert resolve(aim(kill("leader"), ETCD, 1)[0], ETCD, 1, ask, taken) == said


@pytest.mark.parametrize(
    ("word", "values", "said"),
    [
        ("leader", (0, 1, 0, 0, None), ""),
        ("leader", (1, 0, 0, 0, 0), "e2 was the leader when that was looked up, and then e1 led"),
        ("leader", (1, 1, 0, 0, 0), "e2 was the leader when that was looked up, and then e1 and e2 led"),
        (
            "leader of member",
            (0, 0, 0, 0, 0),
            "e2 was the leader of member when that was looked up, and then nobody led",
        ),
        ("leader", (None,) * 5, "e2 was the leader when that was looked up, and then nobody could say who led"),
        ("follower", (1, 0, 0, 0, 0), ""),
        ("follower", (0, 1, 0, 0, 0), "e2 was the follower when that was looked up, and then e2 led"),
        ("follower", (1, None, 0, 0, 0), "e2 was the follower when that was looked up, and then e1 led"),
    ],
)
def test_who_it_was_must_still_be_so_when_the_fault_comes(word: str, values: tuple[int | None, ...], said: str) -> None:
    def ask(query: str) -> float | None:
        return next(value for name, value in zip(MEMBERS, values, strict=True) if f'"{name}:' in query)

    [target] = pending(aim(kill(word), ETCD, 1)[0])
    assert otherwise(target, "e2", ETCD, ask) == said


def test_the_question_names_the_instance_as_prometheus_does() -> None:
    instances = {instance for _, instance, _ in scraped(ETCD)}
    for node in ETCD.nodes:
        assert node.instance in instances
    assert 'instance="e1:2381"' in question(ETCD.node("e1"))


def test_a_node_goes_before_a_role_of_its_name() -> None:
    cluster = Cluster("c", (Node("db", "a", "x", "db"), Node("y", "b", "db", "y"), Node("1", "c", "z", "1")))
    assert aim(kill("db", "1"), cluster, 1)[0].nodes == ("db", "1")
