"""The objective that no term has two leaders."""

from dataclasses import replace

import pytest

from harness.members import Status, Told
from harness.objectives import Finding
from tests.objectives.test_words import written
from tests.objectives.told import asked, hashes, statuses
from tests.recording.builder import at


def test_one_leader_in_each_term_is_held_and_says_how_often_was_looked() -> None:
    assert asked("one-leader", [*statuses(), *hashes()]) == Finding(
        objective="it",
        outcome="held",
        measured=1.0,
        error=None,
        bound="yes",
        unit="at most in one term",
        reason="no term with two leaders seen in 180 looks at 3 members",
        source="the leader and the term that each member named when status asked it",
        details=(
            ("looks", "n1 60, n2 60, n3 60"),
            ("terms with a leader", "2"),
            ("longest time without a look at a member", "1.00 s"),
        ),
    )


def test_two_leaders_of_one_term_are_violated_and_named() -> None:
    other = [replace_lead(one, "a1") if one.node == "n1" and one.term == 3 else one for one in statuses()]
    found = asked("one-leader", list(other))
    assert (found.outcome, found.measured) == ("violated", 2.0)
    assert found.reason == (
        "term 3 had 2 leaders: n1 (named by n1 20.0 s into the run) and n2 (named by n2 20.0 s into the run)"
    )


def replace_lead(one: Status, lead: str) -> Status:
    return Status(one.node, one.at_ns, one.error, one.member, lead, one.term)


def test_the_same_leader_in_many_terms_and_terms_without_one_are_no_harm() -> None:
    told = [Status(one.node, one.at_ns, "", one.member, "a1", 2 + at_s // 9) for at_s, one in enumerate(statuses())]
    silent: list[Told] = [replace_lead(one, "") for one in told[90:120]]
    assert asked("one-leader", [*told, *silent]).outcome == "held"


def test_what_a_member_did_not_answer_is_no_look() -> None:
    away: list[Told] = [
        Status(one.node, one.at_ns, "timed_out: no whole answer in time") if one.node == "n2" else one
        for one in statuses()[90:]
    ]
    found = asked("one-leader", [*statuses()[:87], *away])
    assert (found.outcome, found.measured) == ("inconclusive", 1.0)
    assert found.reason == "too few looks to tell (n2 29 answered): each member must have answered 30"
    assert found.details[2] == ("longest time without a look at a member", "2.00 s")


def test_harm_counts_however_few_looks_there_were() -> None:
    assert asked("one-leader", [statuses()[0], replace_lead(statuses()[1], "a2")]).outcome == "violated"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (None, "status wrote down nothing that a member said: its client must be 'etcd-status'"),
        (b'{"of":"status"}\n', "history/status.jsonl:1: not what a member said of itself "),
        ([replace_lead(one, "") for one in statuses()], "no member named a leader in 180 looks"),
    ],
)
def test_where_nothing_was_told_nothing_is_known(told: list[Told] | bytes | None, reason: str) -> None:
    found = asked("one-leader", told)
    assert (found.outcome, found.reason[: len(reason)]) == ("inconclusive", reason)


def test_a_leader_nobody_knows_by_name_is_named_by_its_number() -> None:
    told: list[Told] = [Status("n1", at(1), "", "a1", "a1", 7), Status("n2", at(2), "", "a2", "f9", 7)]
    assert asked("one-leader", told).reason == (
        "term 7 had 2 leaders: f9 (named by n2 2.0 s into the run) and n1 (named by n1 1.0 s into the run)"
    )


def test_it_speaks_of_the_fault_it_needs_and_of_the_traffic_it_rests_on() -> None:
    one = written("one-leader", name="it", of="status", needs="lost-n1", **{"one-leader": "yes"})
    assert (one.faults(), one.traffic_name) == (frozenset({"lost-n1"}), "status")
    assert list(replace(one, needs=None).check(("chat",), ())) == [
        ("of", "is 'status': there is no traffic of that name (there are chat)")
    ]
