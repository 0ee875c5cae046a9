import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from harness.objectives import Finding
from harness.objectives.base import Bound
from harness.operations import Operation, Outcome
from harness.recording.evidence import Evidence, Window
from tests.objectives.test_words import written
from tests.recording.builder import HEALED, Harm, Story, at

EVERY_100TH_IS_LOST = (Harm(0, 60, every=100),)


def measured(key: str, story: Story, **words: str) -> Finding:
    return written(key, name="it", of="chat", **words).measure(story.evidence())


def test_success_is_the_share_of_right_answers_of_the_window() -> None:
    assert measured("success", Story(EVERY_100TH_IS_LOST), success=">= 98.5%") == Finding(
        objective="it",
        outcome="held",
        measured=0.99,
        error=None,
        bound=">= 98.5%",
        unit="share",
        reason="2,970 of 3,000 operations got their answer (99 %)",
        source="operations of chat due in all",
        details=(("right", "2,970 of 3,000"),),
    )


def test_success_counts_what_fell_due_in_the_window_and_nothing_else() -> None:
    story = Story((Harm(15.01, 35.001, Outcome.SERVER_ERROR, 0.003),))
    outcomes = {
        w: measured("success", story, in_=w, success=">= 99%").measured for w in ("warmup", "lost-n1", "recovery")
    }
    assert outcomes == {"warmup": 1.0, "lost-n1": 0.0, "recovery": 1.0}


def test_a_wrong_answer_is_not_a_success() -> None:
    story = Story((Harm(0, 60, Outcome.WRONG, 0.01, every=3),))
    assert measured("success", story, success=">= 99%").measured == 0.666667


def test_a_share_is_not_held_by_so_few_operations_that_one_would_decide() -> None:
    few = measured("success", Story(rate_per_s=1), in_="warmup", success=">= 99.5%")
    broken = measured("success", Story((Harm(0, 1),), rate_per_s=1), in_="warmup", success=">= 99.5%")
    assert (few.outcome, few.reason) == ("inconclusive", "only 10 operations fell due in warmup: '>= 99.5%' takes 200")
    assert (broken.outcome, broken.measured) == ("violated", 0.9)
    assert measured("success", Story(rate_per_s=1), in_="warmup", success=">= 100%").outcome == "held"


def test_wrong_answers_are_counted() -> None:
    assert measured("wrong", Story((Harm(1, 1.1, Outcome.WRONG),)), wrong="== 0") == Finding(
        objective="it",
        outcome="violated",
        measured=5.0,
        error=None,
        bound="== 0",
        unit="wrong",
        reason="5 of 3,000 whole answers were wrong",
        source="operations of chat due in all",
    )


def test_no_answer_at_all_says_nothing_about_how_true_answers_are() -> None:
    finding = measured("wrong", Story((Harm(0, 60, Outcome.REFUSED, 0.001),)), wrong="== 0")
    assert (finding.outcome, finding.reason) == ("inconclusive", "no whole answer came in all, right or wrong")


def test_a_quantile_is_counted_by_nearest_rank_from_the_due_time() -> None:
    story = Story((Harm(0, 60, Outcome.OK, 0.259, every=50),))
    assert measured("p99", story, p99="<= 1s") == Finding(
        objective="it",
        outcome="held",
        measured=0.259,
        error=None,
        bound="<= 1s",
        unit="s",
        reason="p99 259 ms of 3,000 operations",
        source="operations of chat due in all",
        details=(("answered", "3,000 of 3,000"),),
        figure="p99",
    )
    assert measured("p95", story, p95="<= 10ms").measured == 0.01


def test_what_the_load_generator_was_late_is_in_the_figure_and_decides_nothing() -> None:
    story = Story((Harm(0, 60, Outcome.OK, 0.259, every=50),), late_s=0.040)
    outcomes = [measured("p99", story, p99=f"<= {limit}ms").outcome for limit in (260, 230, 218)]
    assert outcomes == ["held", "inconclusive", "violated"]
    assert measured("p99", story, p99="<= 230ms").reason == (
        "p99 259 ms of 3,000 operations, and 219 ms without what the load generator was late: too close to tell"
    )


def test_a_timeout_of_an_operation_that_was_sent_late_decides_nothing() -> None:
    story = Story((Harm(0, 60, Outcome.TIMED_OUT, every=100),), late_s=0.040)
    assert measured("success", story, success=">= 98%").outcome == "held"
    unclear = measured("success", story, success=">= 99.5%")
    assert (unclear.outcome, unclear.reason) == (
        "inconclusive",
        "2,970 of 3,000 operations got their answer (99 %); "
        "30 that timed out were sent late by the load generator: too close to tell",
    )
    refused = Story((Harm(0, 60, Outcome.REFUSED, every=100),), late_s=0.040)
    assert measured("success", refused, success=">= 99.5%").outcome == "violated"


def test_failing_fast_does_not_make_a_system_quick() -> None:
    story = Story((Harm(0, 60, Outcome.REFUSED, 0.0001, every=20),))
    finding = measured("p99", story, p99="<= 100s")
    assert (finding.outcome, finding.measured, finding.reason) == (
        "violated",
        None,
        "p99 falls among the 150 of 3,000 operations without an answer",
    )


def test_a_quantile_without_five_samples_beyond_it_is_no_figure_and_says_what_it_takes() -> None:
    finding = measured("p99", Story(), in_="warmup", p99="<= 1s")
    other = measured("p999", Story(), p999="<= 1s")
    assert (finding.outcome, finding.measured) == ("held", 0.01)
    assert (other.outcome, other.measured, other.reason) == (
        "inconclusive",
        None,
        "p999 takes 5,000 operations (5 beyond it); 3,000 fell due in all",
    )


def test_who_is_told_nothing_is_counted_and_who_is_told_no_is_not() -> None:
    story = Story((Harm(1, 1.1, Outcome.TIMED_OUT, 5.0), Harm(3, 4, Outcome.SERVER_ERROR)))
    assert measured("timed-out", story, **{"timed-out": "== 0"}) == Finding(
        objective="it",
        outcome="violated",
        measured=5.0,
        error=None,
        bound="== 0",
        unit="timed out",
        reason="5 of 3,000 operations waited to the end of their time for nothing",
        source="operations of chat due in all",
    )
    assert measured("timed-out", story, **{"timed-out": "== 0", "in_": "recovery"}).outcome == "held"


def test_the_maximum_is_the_longest_wait_and_falls_with_the_first_lost_answer() -> None:
    assert measured("max", Story((Harm(3, 3.02, Outcome.OK, 2.0),)), max="<= 2s").outcome == "held"
    assert measured("max", Story((Harm(3, 3.02),)), max="<= 10s").outcome == "violated"


@pytest.mark.parametrize("key", ["success", "wrong", "p50", "max"])
def test_a_window_that_never_was_has_no_figure(key: str) -> None:
    bound = {"success": ">= 99%", "wrong": "== 0"}.get(key, "<= 1s")
    words = {key: bound, "in_": "lost-n1"}
    never = measured(key, Story(fired=(), healed=()), **words)
    assert (never.outcome, never.measured, never.reason) == (
        "inconclusive",
        None,
        "lost-n1 never came into force, so nothing fell due in it",
    )
    missing = written(key, name="it", of="other", **{key: bound}).measure(Story().evidence())
    assert missing.reason == "no operation of other fell due in all"


def restored(story: Story, bound: str = "<= 3s", after: str = "lost-n1", hold: str = "5s") -> Finding:
    return measured("restored", story, after=after, hold=hold, restored=bound)


FAILS_2S = Story((Harm(15, 17, every=3),))


def test_restored_is_the_start_of_the_first_well_window_after_the_fault_came_into_force() -> None:
    assert restored(FAILS_2S) == Finding(
        objective="it",
        outcome="held",
        measured=1.879,
        error=0.0211,
        bound="<= 3s",
        unit="s",
        reason="service was back 1.88 s ± 21 ms after lost-n1",
        source="operations of chat due after lost-n1",
        details=(
            ("detected", "59 ms"),
            ("restored", "1.88 s ± 21 ms"),
            ("well", "success ≥ 99 %, p95 ≤ 50 ms"),
        ),
    )


def test_a_service_that_was_never_hurt_was_back_at_once() -> None:
    finding = restored(Story())
    assert (finding.outcome, finding.measured, finding.details[0]) == (
        "held",
        0.0,
        ("detected", "no operation failed or was late"),
    )


def test_slow_answers_hurt_as_lost_ones_do_and_the_baseline_says_what_is_slow() -> None:
    slow = restored(Story((Harm(15, 16, Outcome.OK, 0.06),)))
    usual = restored(Story((Harm(0, 10, Outcome.OK, 0.04), Harm(15, 16, Outcome.OK, 0.06))))
    assert (slow.measured, usual.measured) == (0.759, 0.0)  # 5 % of 250 operations may be late
    assert usual.details[-1] == ("well", "success ≥ 99 %, p95 ≤ 80 ms")


def test_what_users_accept_is_well_whatever_the_baseline_was() -> None:
    words = {"after": "lost-n1", "restored": "<= 3s"}
    story = Story((Harm(15, 16, Outcome.OK, 0.2), Harm(16, 17, Outcome.OK, 0.3)))
    accepted = [measured("restored", story, well=well, **words).measured for well in ("350ms", "250ms", "150ms")]
    assert accepted == [0.0, 1.759, 1.759]
    assert measured("restored", story, well="250ms", **words).details[-1] == ("well", "success ≥ 99 %, p95 ≤ 250 ms")


def test_restored_only_after_the_heal_is_said() -> None:
    finding = restored(Story((Harm(15, 35.3, every=3),)))
    assert (finding.outcome, finding.reason) == (
        "violated",
        "service was back 20.2 s ± 21 ms after lost-n1 (only after lost-n1 was healed)",
    )


def test_a_figure_whose_error_reaches_the_bound_is_inconclusive() -> None:
    finding = restored(FAILS_2S, "<= 1890ms")
    assert (finding.outcome, finding.measured) == ("inconclusive", 1.879)
    assert finding.reason == "service was back 1.88 s ± 21 ms after lost-n1: too close to '<= 1890ms' to tell"


def test_what_was_not_restored_while_we_looked_is_violated_if_that_was_longer_than_the_bound() -> None:
    never = Story((Harm(15, 60, every=3),))
    broken, unclear = restored(never), restored(never, "<= 60s")
    assert (broken.outcome, broken.measured, broken.reason) == (
        "violated",
        None,
        "service was not back within 40.0 s after lost-n1, when the recording ends",
    )
    assert (unclear.outcome, unclear.reason) == (
        "inconclusive",
        broken.reason + ": too soon to tell whether '<= 60s'; lengthen the recovery",
    )


def test_after_the_end_of_a_fault_counts_from_the_heal() -> None:
    slow_heal = tuple(changed(event, before_ns=at(34.991)) for event in HEALED)
    finding = restored(Story((Harm(15, 35.5, every=3),), healed=slow_heal), after="end of lost-n1")
    assert (finding.outcome, finding.measured, finding.error) == ("held", 0.359, 0.0301)  # the heal's bracket: 10 ms


def test_restored_knows_its_instant_no_better_than_fault_generator_and_clocks() -> None:
    story = FAILS_2S.but(late_s=0.004, clock_error_ns=2_000_000)
    assert restored(story).error == 0.027  # bracket 1 ms, gap 20 ms, sent 4 ms late, clocks 2 ms


@pytest.mark.parametrize(
    ("story", "words", "reason"),
    [
        (Story(fired=(), healed=()), {}, "lost-n1 never came into force, so there is no instant to count from"),
        (
            Story(healed=()),
            {"after": "end of lost-n1"},
            "lost-n1 was never seen to be gone, so there is no instant to count from",
        ),
        (Story(rate_per_s=9), {}, "the warm-up's p95 takes 100 operations; 90 fell due in it"),
        (
            Story((Harm(0, 10, every=10),)),
            {},
            "more than 5 % of the warm-up had no answer, so there is no baseline to be restored to",
        ),
        (
            Story(),
            {"hold": "1s"},
            "a hold of 1.00 s has 50 operations; its p95 takes 100: lengthen the hold or raise the rate",
        ),
        (
            Story(),
            {"hold": "50s"},
            "the recording ends 45.0 s after lost-n1: too short for a hold of 50.0 s; lengthen the recovery",
        ),
    ],
)
def test_what_cannot_be_measured_says_why(story: Story, words: dict[str, str], reason: str) -> None:
    finding = restored(story, **words)
    assert (finding.outcome, finding.measured, finding.reason) == ("inconclusive", None, reason)


def test_in_a_run_without_faults_a_placebo_is_measured_as_a_fault_would_be() -> None:
    story = Story(without_faults=True)
    evidence = story.evidence()
    placebo = Evidence(evidence.events, evidence.operations, evidence.probes, {"lost-n1": Window(at(15), at(35))})
    finding = written("restored", name="it", of="chat", after="lost-n1", restored="<= 3s").measure(placebo)
    assert (finding.outcome, finding.measured, finding.error) == ("held", 0.0, 0.0201)


def promql(bound: str, **answers: float | None) -> Finding:
    return written("promql", name="it", promql="servers", is_=bound).measure(Story(answers=answers).evidence())


def test_prometheus_answers_are_compared_as_they_are() -> None:
    assert promql("<= 2", it=2.0) == Finding(
        objective="it",
        outcome="held",
        measured=2.0,
        error=None,
        bound="<= 2",
        unit="",
        reason="Prometheus answered 2 at end",
        source="Prometheus at end: servers",
    )
    assert promql("<= 2", it=3.0).outcome == "violated"


def test_no_data_is_inconclusive() -> None:
    said = "Prometheus had no figure: the query matched nothing, or its sample is not a number"
    found = [promql("<= 2"), promql("<= 2", it=None), promql("<= 2", it=float("nan"))]
    assert [(f.outcome, f.measured, f.reason) for f in found] == [
        ("inconclusive", None, "Prometheus was never asked"),
        ("inconclusive", None, said),
        ("inconclusive", None, said),
    ]


OUTCOMES = st.lists(st.sampled_from(Outcome), min_size=1, max_size=60)


def evidence_of(outcomes: list[Outcome]) -> Evidence:
    operations = tuple(Operation(at(n), at(n), at(n) + 9, 0, outcome, 2, "") for n, outcome in enumerate(outcomes))
    return Evidence(tuple(Story().events()), {"chat": operations}, ())


@given(OUTCOMES, st.data())
def test_taking_a_success_away_never_makes_success_better(outcomes: list[Outcome], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(outcomes) - 1))
    worse = [Outcome.TIMED_OUT if n == place else outcome for n, outcome in enumerate(outcomes)]
    success = written("success", name="it", of="chat", success=">= 50%")
    before, after = (success.measure(evidence_of(each)).measured for each in (outcomes, worse))
    assert before is not None and after is not None and after <= before


@given(st.sampled_from(["<=", ">=", "<", ">"]), st.floats(-9, 9), st.floats(-9, 9), st.floats(0, 5), st.floats(0, 5))
def test_knowing_a_figure_better_never_turns_held_into_violated(
    sign: str, limit: float, value: float, error: float, more: float
) -> None:
    bound = Bound(sign, limit, "")
    sharp, blurred = bound.outcome(value, error), bound.outcome(value, error + more)
    assert blurred in (sharp, "inconclusive")
