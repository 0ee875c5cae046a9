"""The load on agents of serf: whom it asks, whom it expects, and what is wrong with it on a cluster."""

from harness.traffic.mix import PART, Part
from harness.traffic.serf import Serf
from harness.wire import Load
from tests.recording.builder import CLUSTER


def order(traffic: Serf) -> Load:
    assert list(traffic.check(CLUSTER)) == []
    return traffic.load(CLUSTER, 1, 2, 7, warmup_s=1, faults_s=1)


def test_a_role_is_all_of_its_nodes_and_they_expect_each_other() -> None:
    asked = order(Serf(name="all", to="node", rate_per_s=5.0))
    assert (asked.client, asked.host, asked.others) == ("serf", "n1", ("n2", "n3"))
    assert asked.options == (
        ("ask", "members"),
        ("timeout", "5"),
        ("failed", "none"),
        ("expect", "n1 n2 n3"),
        ("known", "gateway n1 n2 n3"),
    )


def test_whom_agents_list_is_our_look_and_what_they_hear_is_their_users_loss() -> None:
    lists, beats = (Serf(name="s", to="node", ask=ask, rate_per_s=5.0) for ask in ("members", "query"))
    assert (lists.of_users, beats.of_users) == (False, True)


def test_who_is_expected_may_be_named_by_role_or_by_name() -> None:
    asked = order(Serf(name="q", to="n1", ask="query", called="x", expect=("gateway", "node"), rate_per_s=5.0))
    assert asked.options[:4] == (("ask", "query"), ("timeout", "5"), ("called", "x"), ("expect", "gateway n1 n2 n3"))


def test_what_is_wrong_with_it_is_said_by_key() -> None:
    part = PART.read("5 ask=query")
    assert isinstance(part, Part)
    wrong = Serf(name="q", to="node", rate_per_s=5.0, expect=("n1", "n9"), called="two words", mix=(part,))
    assert list(wrong.check(CLUSTER)) == [
        ("mix", "has no parts here: write a traffic for each question; leave it out"),
        ("expect", "names 'n9': there is no n9 (there are gateway, n1, n2, n3)"),
        ("called", "is 'two words': write up to 64 letters without spaces"),
    ]
