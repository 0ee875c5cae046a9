from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.objectives import Finding
from harness.operations import Operation, Outcome
from harness.recording.events import Ready
from harness.recording.evidence import Evidence
from tests.objectives.test_words import written
from tests.recording.builder import Harm, Story, at


def measured(key: str, story: Story, bound: str, **words: str) -> Finding:
    return written(key, name="it", **{key: bound}, **words).measure(story.evidence())


def test_throughput_is_the_right_answers_that_came_in_the_window() -> None:
    story = Story((Harm(15, 35, Outcome.OK, 5.0, every=2), Harm(0, 60, Outcome.WRONG, 0.01, every=5)))
    found = measured("throughput", story, ">= 30/s", of="chat", in_="faults")
    assert found == Finding(
        objective="it",
        outcome="held",
        measured=40.0,
        error=0.033333,
        bound=">= 30/s",
        unit="answers/s",
        reason="1,200 right answers came in the 30.0 s of faults",
        source="right answers of chat that came in faults",
        details=(("fell due", "1,500"),),
    )


def test_an_answer_that_comes_after_the_window_is_none_of_its_throughput() -> None:
    late = Story((Harm(38, 40, Outcome.OK, 5.0),))
    found = [measured("throughput", late, ">= 49/s", of="chat", in_=window) for window in ("faults", "recovery")]
    assert [(one.outcome, one.measured) for one in found] == [("violated", 46.666667), ("held", 55.0)]


def test_a_throughput_within_one_answer_of_its_bound_cannot_be_told() -> None:
    found = measured("throughput", Story(), ">= 50.01/s", of="chat", in_="faults")
    assert (found.outcome, found.reason) == (
        "inconclusive",
        "1,500 right answers came in the 30.0 s of faults: too close to '>= 50.01/s' to tell",
    )


def test_lost_counts_what_got_no_whole_answer_and_a_wrong_one_is_whole() -> None:
    story = Story((Harm(0, 30, Outcome.RESET, 0.01, every=100), Harm(30, 60, Outcome.WRONG, 0.01, every=100)))
    found = [measured("lost", story, bound, of="chat") for bound in ("<= 15", "<= 14")]
    assert [(one.outcome, one.measured) for one in found] == [("held", 15.0), ("violated", 15.0)]
    assert found[0].reason == "15 of 3,000 operations got no whole answer"
    assert found[0].details == (("share", "0.5 %"),)


def test_a_time_out_that_the_load_generator_caused_loses_nothing_for_sure() -> None:
    story = Story((Harm(0, 60, every=100),), late_s=0.04)
    outcomes = [measured("lost", story, bound, of="chat").outcome for bound in ("<= 30", "<= 29", ">= 31")]
    assert outcomes == ["held", "inconclusive", "violated"]


def test_unavailable_is_the_length_of_all_outages_with_one_gap_each_for_error() -> None:
    story = Story((Harm(15, 17, Outcome.REFUSED, 0.001), Harm(20, 20.5, Outcome.REFUSED, 0.001)))
    found = measured("unavailable", story, "<= 3s", of="chat")
    assert found == Finding(
        objective="it",
        outcome="held",
        measured=2.5,
        error=0.04,
        bound="<= 3s",
        unit="s",
        reason="no right answer for 2.50 s ± 40 ms of 60.0 s",
        source="operations of chat due in all",
        details=(("outages", "2"), ("the longest", "2.00 s"), ("by request", "4.17 %")),
    )
    assert measured("unavailable", story, "<= 2.51s", of="chat").outcome == "inconclusive"


def test_an_outage_that_nothing_ended_lasts_to_the_end_of_the_window() -> None:
    assert measured("unavailable", Story((Harm(39, 60),)), "<= 3s", of="chat", in_="faults").measured == 1.0


def test_an_outage_between_two_operations_is_not_seen_and_the_error_says_so() -> None:
    found = measured("unavailable", Story(), "<= 1s", of="chat")
    assert (found.outcome, found.measured, found.error) == ("held", 0.0, 0.02)


def test_single_failures_say_little_of_time_and_their_error_says_so() -> None:
    found = measured("unavailable", Story((Harm(0, 60, every=10),)), "<= 3s", of="chat")
    assert (found.outcome, found.measured, found.error) == ("inconclusive", 6.0, 6.0)


@given(st.lists(st.sampled_from([Outcome.OK, Outcome.REFUSED]), min_size=1, max_size=80))
def test_at_an_even_rate_time_and_requests_weigh_the_same(outcomes: list[Outcome]) -> None:
    gap_ns = 60_000_000_000 // len(outcomes)
    operations = tuple(
        Operation(at(0) + n * gap_ns, at(0) + n * gap_ns, at(0) + n * gap_ns + 9, 0, outcome, 2, "")
        for n, outcome in enumerate(outcomes)
    )
    evidence = Evidence(tuple(Story().events()), {"chat": operations}, ())
    found = written("unavailable", name="it", of="chat", unavailable="<= 1s").measure(evidence)
    assert found.measured is not None
    assert abs(found.measured / 60 - outcomes.count(Outcome.REFUSED) / len(outcomes)) < 1e-6


def test_ready_is_how_long_the_cluster_took_to_start() -> None:
    found = [measured("ready", Story(), bound) for bound in ("<= 30s", "<= 4s", "<= 4.05s")]
    assert [(one.outcome, one.measured, one.error) for one in found] == [
        ("held", 4.1, 0.1),
        ("inconclusive", 4.1, 0.1),
        ("inconclusive", 4.1, 0.1),
    ]
    assert measured("ready", Story(), "<= 3s").reason == "every node answered 4.10 s after the first was started"


def test_a_cluster_that_never_was_ready_has_no_figure() -> None:
    found = measured("ready", replace(Story(), skip=frozenset({Ready})), "<= 30s")
    assert (found.outcome, found.reason) == ("inconclusive", "not every node ever answered its readiness question")


@settings(max_examples=25)  # each is a whole recording
@given(st.floats(15.1, 30), st.floats(0.1, 9), st.sampled_from([20.0, 50.0, 130.0]))
def test_an_outage_that_is_known_is_found_within_the_error_that_is_said(
    from_s: float, for_s: float, rate: float
) -> None:
    story = Story((Harm(from_s, from_s + for_s, Outcome.REFUSED, 0.001),), rate_per_s=rate)
    off = measured("unavailable", story, "<= 99s", of="chat")
    noticed = measured("detected", story, "<= 99s", of="chat", after="lost-n1")
    assert off.measured is not None and off.error is not None
    assert noticed.measured is not None and noticed.error is not None
    assert abs(off.measured - for_s) <= off.error + 1e-6
    assert abs(noticed.measured - (from_s - 15.001)) <= noticed.error + 1e-6
