"""When a run is stopped before its end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.objectives import Bound
from harness.operations import Operation, Outcome
from harness.stop_when import Brake, StopWhen, time_limit_s

S = 1_000_000_000
HALF = StopWhen(traffic="chat", success=Bound("<", 0.5, "< 50%"), over_s=5.0)
LIES = StopWhen(traffic="chat", wrong=Bound(">", 2.0, "> 2"), over_s=5.0)


def ended(at_s: float, outcome: Outcome = Outcome.OK) -> Operation:
    return Operation(round(at_s * S) - S, round(at_s * S) - S, round(at_s * S), 1, outcome, 2, "n1")


def brake(*conditions: StopWhen, limit_s: float = 100.0) -> Brake:
    return Brake(conditions, limit_s, began_ns=0)


def test_a_run_that_goes_well_goes_on() -> None:
    watched = brake(HALF, LIES)
    watched.operations("chat", [ended(10 + i / 50) for i in range(500)])
    assert watched.reason(20 * S, load_began_ns=5 * S) is None


def test_it_is_stopped_when_too_little_succeeds_over_the_whole_time() -> None:
    watched = brake(HALF)
    watched.operations("chat", [ended(10 + i / 10, Outcome.OK if i < 20 else Outcome.RESET) for i in range(50)])
    assert watched.reason(15 * S, 5 * S) == (
        "The run was stopped: 40 % of 50 operations of chat in 5 s succeeded (stop_when < 50%)."
    )


def test_what_ended_longer_ago_says_nothing() -> None:
    watched = brake(HALF)
    watched.operations("chat", [ended(10 + i / 10, Outcome.RESET) for i in range(50)])
    watched.operations("chat", [ended(16 + i / 10) for i in range(50)])
    assert watched.reason(21 * S, 5 * S) is None


def test_nothing_is_said_before_the_load_has_run_so_long() -> None:
    watched = brake(HALF)
    watched.operations("chat", [ended(10.5, Outcome.REFUSED)])
    assert watched.reason(11 * S, None) is None
    assert watched.reason(11 * S, 10 * S) is None
    assert watched.reason(15 * S, 10 * S) == (
        "The run was stopped: 0 % of 1 operations of chat in 5 s succeeded (stop_when < 50%)."
    )


def test_silence_and_what_was_never_sent_say_nothing_of_success() -> None:
    watched = brake(HALF)
    watched.operations("chat", [ended(14, Outcome.CAPPED)])
    watched.operations("other", [ended(14, Outcome.RESET)])
    assert watched.reason(15 * S, 5 * S) is None


def test_wrong_answers_are_counted() -> None:
    watched = brake(LIES)
    watched.operations("chat", [ended(12 + i, Outcome.WRONG) for i in range(2)])
    assert watched.reason(15 * S, 5 * S) is None
    watched.operations("chat", [ended(14, Outcome.WRONG)])
    assert watched.reason(15 * S, 5 * S) == (
        "The run was stopped: 3 answers of chat in 5 s were wrong (stop_when > 2)."
    )


def test_the_time_limit_counts_from_the_first_container() -> None:
    watched = brake(limit_s=60.0)
    assert watched.reason(60 * S, None) is None
    assert watched.reason(60 * S + 1, None) == "The run was stopped: it took longer than its time limit of 60 s."
    assert time_limit_s(60.0) == 240.0


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from(list(Outcome))), max_size=80))
def test_the_order_in_which_answers_come_in_does_not_matter(came: list[tuple[int, Outcome]]) -> None:
    operations = [ended(tenth / 10, outcome) for tenth, outcome in came]
    one, other = brake(HALF, LIES), brake(HALF, LIES)
    one.operations("chat", operations)
    other.operations("chat", sorted(operations, key=lambda operation: operation.done_ns))
    assert [one.reason(t * S, 0) for t in range(30, 36)] == [other.reason(t * S, 0) for t in range(30, 36)]


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (
            StopWhen(traffic="web", success=HALF.success, over_s=5),
            ("of", "is 'web': there is no traffic of that name (there are chat)"),
        ),
        (StopWhen(traffic="chat", over_s=5), ("success", "or 'wrong': a condition needs exactly one of the two")),
        (StopWhen(traffic="chat", success=HALF.success, over_s=0.5), ("over", "is 0.5 s: write one from 1s to 10m")),
    ],
)
def test_a_condition_that_cannot_be_is_told_so(condition: StopWhen, said: tuple[str, str]) -> None:
    assert list(condition.check(["chat"])) == [said]
    assert list(HALF.check(["chat"])) == []
