"""On a machine that had nothing left harm proves nothing, unless it is harm without that, too."""

import pytest

from harness.objectives import Objective
from harness.operations import Outcome
from harness.recording.events import Shared
from tests.judge.test_judge import ANSWERS, GOOD, outcomes, verdict
from tests.objectives.test_words import written
from tests.recording.builder import Harm, Story, at

TAIL = written("p95", name="tail", of="chat", p95="<= 250ms", in_="lost-n1")
TRUTH = written("wrong", name="truth", of="chat", wrong="== 0", in_="all")
BESIDE = written("p95", name="beside", of="chat", p95="<= 2 x warmup", in_="lost-n1")
SLOW = Harm(20, 24, Outcome.OK, 1.0)


def look(until_s: float, idle_s: float, ours_s: float, stolen_s: float = 0.0) -> Shared:
    return Shared(at(until_s), 1.0, 2, idle_s, stolen_s, ours_s)


STARVED = tuple(look(until_s, 0.02, 0.9, 0.4) for until_s in (21, 22, 23, 24))


def told(*harms: Harm, looks: tuple[Shared, ...]) -> Story:
    return GOOD.but(harms=harms, more=looks)


def test_what_was_slow_while_others_had_the_machine_is_no_harm_of_the_system_and_the_reason_says_whose() -> None:
    found = verdict(told(SLOW, looks=STARVED), TAIL)
    assert outcomes(found) == {"tail": "inconclusive"}
    assert found.outcome == "inconclusive"
    assert found.findings[0].doubted
    said = (
        "for 4.00 s the machine had no processor time left, and 54 % of it went to others (20 % was stolen by its host)"
    )
    assert found.sentence.startswith(f"{said}: ")


@pytest.mark.parametrize(
    ("looks", "why"),
    [
        ((), "nobody looked"),
        (tuple(look(s, 0.4, 0.9) for s in (21, 22, 23, 24)), "a fifth of it was idle"),
        (tuple(look(s, 0.0, 1.8) for s in (21, 22, 23, 24)), "the cluster itself had used it up"),
        (tuple(look(s, 0.0, 0.5) for s in (41, 42, 43, 44)), "it was long over"),
    ],
)
def test_harm_stays_harm_where_the_machine_was_not_to_blame(looks: tuple[Shared, ...], why: str) -> None:
    assert outcomes(verdict(told(SLOW, looks=looks), TAIL)) == {"tail": "violated"}, why


SMALL = tuple(look(s, 0.1, 1.8) for s in (1, 2, 3, 4, 5, 21, 22, 23, 24))
ROOM = tuple(look(s, 0.8, 1.1) for s in (6, 7, 8, 9))


def test_harm_on_a_machine_that_was_too_small_before_anything_was_broken_is_not_told() -> None:
    found = verdict(told(SLOW, looks=(*SMALL, *ROOM)), TAIL)
    assert outcomes(found) == {"tail": "inconclusive"}
    said = (
        "the machine had no processor time left in 5 of 9 seconds of the warm-up (lower the rate, or start fewer nodes)"
    )
    assert found.sentence.startswith(f"{said}: ")


def test_a_machine_that_had_room_in_most_of_the_warm_up_was_large_enough() -> None:
    assert outcomes(verdict(told(SLOW, looks=(*SMALL[1:], *ROOM, look(9.5, 0.8, 1.1))), TAIL)) == {"tail": "violated"}


def test_harm_that_is_there_without_the_starved_seconds_stays_harm() -> None:
    assert outcomes(verdict(told(Harm(18, 30, Outcome.OK, 1.0), looks=STARVED), TAIL)) == {"tail": "violated"}


@pytest.mark.parametrize(("looks", "outcome"), [(STARVED, "inconclusive"), ((), "violated")])
def test_what_prometheus_saw_of_a_starved_machine_is_doubted(looks: tuple[Shared, ...], outcome: str) -> None:
    whole = written("promql", name="whole", promql="servers", is_=">= 3", at="end")
    story = told(looks=looks).but(answers={"whole": 2.0})
    assert outcomes(verdict(story, whole)) == {"whole": outcome}


def test_a_wrong_answer_is_never_excused() -> None:
    assert outcomes(verdict(told(Harm(20, 24, Outcome.WRONG, 0.01), looks=STARVED), TRUTH)) == {"truth": "violated"}


@pytest.mark.parametrize("objective", [ANSWERS, TAIL])
def test_what_held_on_a_starved_machine_held(objective: Objective) -> None:
    found = verdict(told(looks=tuple(look(s, 0.0, 0.5) for s in range(1, 60))), objective)
    assert found.outcome == "held"


def test_a_slow_warm_up_is_not_made_fast_so_that_what_is_compared_with_it_would_look_worse() -> None:
    everywhere = tuple(look(s, 0.0, 0.5) for s in range(1, 60))
    assert outcomes(verdict(told(Harm(0, 60, Outcome.OK, 1.0), looks=everywhere), BESIDE)) == {"beside": "held"}
