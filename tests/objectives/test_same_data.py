"""The objective that all members hold the same data at the same revision."""

import pytest

from harness.members import Hashed, Told
from harness.objectives import Finding
from tests.objectives.test_words import written
from tests.objectives.told import asked, hashes, statuses
from tests.recording.builder import Story, at

HEALED = "end of lost-n1"  # at 35 s


def test_the_same_hash_in_all_members_is_held() -> None:
    assert asked("same-data", [*statuses(), *hashes()], after=HEALED) == Finding(
        objective="it",
        outcome="held",
        measured=0.0,
        error=None,
        bound="yes",
        unit="revisions that differ",
        reason="the same hash in all 3 members at each of 24 revisions after end of lost-n1",
        source="the hash of its store that each member named when status asked it, by all of them after end of lost-n1",
        details=(("revisions compared", "60, of all members 24"), ("revisions", "10 to 600")),
    )


def test_another_hash_at_the_same_revision_is_violated_at_any_time() -> None:
    told: list[Told] = [*hashes(), Hashed("n3", at(12.3), revision=120, compacted=5, hash=7)]
    found = asked("same-data", told, after=HEALED)
    assert (found.outcome, found.measured) == ("violated", 1.0)
    assert found.reason == "at revision 120 the stores differ: n1, n2, n3 000003f3 and n3 00000007"


def test_stores_that_were_compacted_otherwise_are_not_compared() -> None:
    told: list[Told] = [*hashes(), Hashed("n3", at(12.3), revision=120, compacted=6, hash=7)]
    assert asked("same-data", told).outcome == "held"


def test_what_was_hashed_as_it_is_now_is_not_compared() -> None:
    told: list[Told] = [*hashes(), *(Hashed(node, at(50), revision=0, hash=n) for n, node in enumerate(("n1", "n2")))]
    assert asked("same-data", told).outcome == "held"


def test_a_member_that_never_came_back_is_not_known_to_hold_the_same() -> None:
    away: list[Told] = [
        Hashed("n3", at(second), "refused: nobody listens", revision=10 * second + 10) for second in range(30, 60)
    ]
    found = asked("same-data", [*hashes(until_s=30), *hashes(30, nodes=("n1", "n2")), *away], after=HEALED)
    assert (found.outcome, found.measured, found.reason) == (
        "inconclusive",
        0.0,
        "all 3 members could be compared at 0 revisions after end of lost-n1, which must be 3 at least; "
        "n3 never answered",
    )
    assert found.details[0] == ("revisions compared", "60, of all members 0")


def test_two_revisions_are_too_few() -> None:
    assert asked("same-data", list(hashes(until_s=2))).outcome == "inconclusive"
    assert asked("same-data", list(hashes(until_s=3))).outcome == "held"


def test_a_fault_that_never_was_has_no_end_to_count_from() -> None:
    found = asked("same-data", list(hashes()), Story(fired=(), healed=()), after=HEALED)
    assert (found.outcome, found.reason) == (
        "inconclusive",
        "lost-n1 never came into force, so there is no instant to count from",
    )


def test_without_lines_nothing_is_known() -> None:
    assert asked("same-data", None).outcome == "inconclusive"


@pytest.mark.parametrize(
    ("after", "problem"),
    [
        ("end", "is 'end': nothing comes after that; write 'end of' and a fault's name"),
        ("end of lost-n2", "is 'lost-n2': there is no fault of that name; did you mean 'lost-n1'?"),
    ],
)
def test_what_it_counts_from_must_be_there(after: str, problem: str) -> None:
    one = written("same-data", name="it", of="status", after=after, **{"same-data": "yes"})
    assert list(one.check(("status",), ("lost-n1",))) == [("after", problem)]
    assert written("same-data", name="it", of="status", after=HEALED, **{"same-data": "yes"}).faults() == {"lost-n1"}


def test_the_word_is_yes() -> None:
    with pytest.raises(ValueError, match="is 'no': write yes, or leave the objective out"):
        written("same-data", name="it", of="status", **{"same-data": "no"})
