"""The milestones of a recovery, as objectives: when users noticed, who took over, and when every node served again."""

from dataclasses import replace

import pytest

from harness.objectives import Finding, Moment
from harness.objectives.aftermath import aftermath, failed_over
from harness.operations import Outcome
from harness.recording.events import AnsweredItself
from tests.objectives.test_words import written
from tests.recording.builder import Harm, Story, at

NODES = ("n1", "n2", "n3")
HIT = {("lost-n1", "chat"): frozenset({"n1"})}


def in_turn(number: int, due_s: float) -> str:
    """Round robin; n1 answers nothing from 15.0 s until 36.5 s, and its turns go to n2."""
    node = NODES[number % 3]
    return "n2" if node == "n1" and 15.0 <= due_s < 36.5 else node


LOST = Story((Harm(15, 15.6, every=3),), node=in_turn, hit=HIT)


def measured(key: str, story: Story, bound: str, **words: str) -> Finding:
    return written(key, name="it", of="chat", **{key: bound}, **words).measure(story.evidence())


def test_detected_is_the_first_operation_that_failed() -> None:
    assert measured("detected", LOST, "<= 1s", after="lost-n1") == Finding(
        objective="it",
        outcome="held",
        measured=0.059,
        error=0.0211,
        bound="<= 1s",
        unit="s",
        reason="the first operation failed or was late 59 ms ± 21 ms after lost-n1",
        source="operations of chat due after lost-n1",
    )


def test_detected_is_also_the_first_that_was_late() -> None:
    late = Story((Harm(20, 21, Outcome.OK, 0.051),))
    assert measured("detected", late, "<= 9s", after="lost-n1").measured == 4.999
    slower = late.but(harms=(*late.harms, Harm(0, 10, Outcome.OK, 0.03)))
    assert measured("detected", slower, "<= 9s", after="lost-n1").measured is None  # late is beyond 60 ms then


def test_a_warm_up_that_was_as_bad_stands_beside_the_figure_and_takes_it_away_where_it_may_be_chance() -> None:
    warmup = Harm(0, 10, every=100)
    soon = measured("detected", Story((warmup, Harm(15, 16))), "<= 9s", after="lost-n1")
    chance = measured("detected", Story((warmup, Harm(17, 17.02))), "<= 9s", after="lost-n1")
    as_bad = "5 of 500 operations of the warm-up failed or were as late"
    assert (soon.measured, soon.details) == (0.019, (("seen", as_bad),))
    assert (chance.outcome, chance.measured, chance.reason) == (
        "inconclusive",
        None,
        f"{as_bad}: the first since, after 99 others, may be chance",
    )


def test_several_together_are_no_chance_and_what_came_alone_before_them_is_passed_over() -> None:
    harms = (Harm(0, 10, every=100), Harm(17, 17.02), Harm(20, 22, every=3))
    found = measured("detected", Story(harms), "<= 9s", after="lost-n1")
    assert (found.outcome, found.measured) == ("held", 5.039)


def test_what_nobody_noticed_has_no_figure_and_breaks_no_bound() -> None:
    found = measured("detected", Story(), "<= 1s", after="lost-n1")
    assert (found.outcome, found.measured, found.reason) == ("inconclusive", None, "no operation failed or was late")


def test_that_nobody_noticed_a_fault_that_was_witnessed_breaks_a_bound_that_is_shorter_than_it_was() -> None:
    def found(bound: str, story: Story) -> Finding:
        seen = replace(story.evidence(), witnessed=frozenset({"lost-n1"}))
        return written("detected", name="it", of="chat", after="lost-n1", detected=bound).measure(seen)

    broken = found("<= 2s", Story())
    assert (broken.outcome, broken.measured, broken.reason) == (
        "violated",
        None,
        "no operation failed or was late in the 20.0 s in which lost-n1 was in force, nor after it",
    )
    assert found(">= 2s", Story()).outcome == "held"
    assert found("<= 30s", Story()).outcome == "inconclusive"  # it was over before anybody had to notice
    assert found("<= 2s", Story(rate_per_s=5)).outcome == "inconclusive"  # what is late is not known
    chance = Story((Harm(0, 10, every=100), Harm(17, 17.02)))
    assert found("<= 2s", chance).outcome == "inconclusive"


def test_without_a_baseline_only_failures_are_noticed_and_that_is_said() -> None:
    few = Story(rate_per_s=5)
    slow = few.but(harms=(Harm(15, 20, Outcome.OK, 4.0),))
    assert measured("detected", slow, "<= 1s", after="lost-n1").reason == (
        "no operation failed; what is late cannot be told: the warm-up's p95 takes 100 operations; 50 fell due in it"
    )
    assert measured("detected", few.but(harms=(Harm(16, 17),)), "<= 2s", after="lost-n1").outcome == "held"


def test_failed_over_is_the_first_good_answer_by_another_node_since_users_noticed() -> None:
    found = measured("failed-over", LOST, "<= 120ms", after="lost-n1")
    assert (found.outcome, found.measured, found.error) == ("held", 0.089, 0.0211)  # due at 15.08 s, done 10 ms later
    assert found.reason == "another node answered 89 ms ± 21 ms after lost-n1"


def test_an_answer_by_the_node_that_was_hit_is_no_failover() -> None:
    def only_n1(number: int, due_s: float) -> str:
        return "n1" if due_s < 30 else "n2"

    found = measured("failed-over", LOST.but(node=only_n1), "<= 20s", after="lost-n1")
    assert (found.outcome, found.measured) == ("held", 15.009)
    assert found.reason == "another node answered 15.0 s ± 21 ms after lost-n1"


def test_that_no_other_node_ever_answered_breaks_a_bound_that_was_looked_at_for_long_enough() -> None:
    alone = LOST.but(node=lambda number, due_s: "n1")
    broken = measured("failed-over", alone, "<= 2s", after="lost-n1")
    assert (broken.outcome, broken.measured, broken.reason) == (
        "violated",
        None,
        "no other node answered within 45.0 s after lost-n1, when the recording ends",
    )
    assert measured("failed-over", alone, "<= 60s", after="lost-n1").outcome == "inconclusive"


@pytest.mark.parametrize(
    ("story", "reason"),
    [
        (
            LOST.but(node=lambda number, due_s: ""),
            "the answers of chat before lost-n1 do not say which node gave them",
        ),
        (LOST.but(hit={}), "no node that lost-n1 hit had answered before, so none was replaced"),
        (
            LOST.but(node=lambda number, due_s: "n2"),
            "no node that lost-n1 hit had answered before, so none was replaced",
        ),
        (LOST.but(fired=(), healed=()), "lost-n1 never came into force, so there is no instant to count from"),
    ],
)
def test_who_took_over_cannot_be_told_of_everything(story: Story, reason: str) -> None:
    found = measured("failed-over", story, "<= 1s", after="lost-n1")
    assert (found.outcome, found.measured, found.reason) == ("inconclusive", None, reason)


def test_where_everybody_was_hit_there_was_nobody_to_take_over() -> None:
    everybody = LOST.but(hit={("lost-n1", "chat"): frozenset(NODES)})
    found = measured("failed-over", everybody, "<= 2s", after="lost-n1")
    assert (found.outcome, found.reason) == (
        "inconclusive",
        "lost-n1 hit every node of its kind, so there was none to take over",
    )


def test_a_name_longer_than_an_answer_s_tag_is_known_by_its_beginning() -> None:
    evidence = LOST.but(node=lambda number, due_s: "ollama-nod" if due_s < 20 else "other").evidence()
    after = aftermath(evidence, "chat", Moment("lost-n1", False))
    assert not isinstance(after, str)
    assert failed_over(after, ("ollama-node-1",), ("other",)).after_s == 5.009


def test_repaired_is_when_the_last_node_answered_again_and_knows_that_no_better_than_its_turns() -> None:
    found = measured("repaired", LOST, "<= 3s", after="end of lost-n1")
    assert (found.outcome, found.measured, found.error) == ("held", 1.549, 0.061104)  # n1's turn comes every 60 ms
    assert found.details == (("seen", "n1 was the last of 3"),)
    assert found.reason == "every node answered again 1.55 s ± 61 ms after end of lost-n1"


def test_a_node_that_never_serves_again_is_named() -> None:
    gone = LOST.but(node=lambda number, due_s: "n2" if due_s >= 15 and number % 3 == 0 else NODES[number % 3])
    found = measured("repaired", gone, "<= 10s", after="end of lost-n1")
    assert (found.outcome, found.measured, found.reason) == (
        "violated",
        None,
        "n1 gave no answer within 25.0 s after end of lost-n1, when the recording ends",
    )


def test_of_a_node_that_answered_rarely_nobody_can_tell() -> None:
    rare = LOST.but(node=lambda number, due_s: "n1" if number == 100 else "n2")
    found = measured("repaired", rare, "<= 10s", after="end of lost-n1")
    assert (found.outcome, found.reason) == (
        "inconclusive",
        "n1 answered nothing since, and so rarely before that this may be chance; "
        "lengthen the recovery or raise the rate",
    )


def test_a_node_that_gives_no_known_answer_itself_is_not_repaired_however_well_users_are() -> None:
    asked = [AnsweredItself(at(60), node, node != "n3", "refused" if node == "n3" else "right") for node in NODES]
    found = [measured("repaired", LOST.but(more=asked[:n]), "<= 3s", after="end of lost-n1") for n in (2, 3)]
    assert [one.outcome for one in found] == ["held", "violated"]
    assert found[1].reason == "n3 (refused) gave no known answer when it was asked itself after the run"


def test_what_was_never_seen_to_be_gone_was_not_repaired() -> None:
    found = measured("repaired", LOST.but(healed=()), "<= 10s", after="end of lost-n1")
    assert found.reason == "lost-n1 was never seen to be gone, so there is no instant to count from"


def test_each_milestone_is_counted_from_the_end_of_the_fault_that_it_belongs_to() -> None:
    wrong = {"detected": "end of lost-n1", "failed-over": "end of lost-n1", "repaired": "lost-n1"}
    said = {
        key: list(written(key, name="it", of="chat", after=after, **{key: "<= 1s"}).check(("chat",), ("lost-n1",)))
        for key, after in wrong.items()
    }
    assert said == {
        "detected": [("after", "is 'end of lost-n1': what is detected is counted from 'lost-n1'; write that")],
        "failed-over": [("after", "is 'end of lost-n1': what is failed-over is counted from 'lost-n1'; write that")],
        "repaired": [("after", "is 'lost-n1': what is repaired is counted from 'end of lost-n1'; write that")],
    }
