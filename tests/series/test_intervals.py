"""The intervals are as sure as they say: counted out where that can be done, drawn with a seed where it cannot."""

from itertools import combinations, product
from math import inf
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.series.intervals import (
    Interval,
    Span,
    hodges_lehmann,
    median_interval,
    pass_rate,
    ratio_interval,
    runs_for_median,
    runs_for_ratio,
    runs_to_tell,
)

POSITIVE = st.floats(1e-6, 1e6)


def exactly(*values: float) -> list[Span]:
    return [Span(value, value) for value in values]


def drawn(random: Random, runs: int, middle: float, spread: float) -> list[Span]:
    """Figures of so many runs whose logarithm is normal: ``spread`` 0.1 is a tenth up or down."""
    return exactly(*(middle * random.lognormvariate(0, spread) for _ in range(runs)))


def test_ten_passes_of_ten_prove_at_least_69_per_cent_and_no_more() -> None:
    found = pass_rate(10, 10, 0.95)
    assert (round(found.low, 4), found.high) == (0.6915, 1.0)


def test_no_failure_in_fifty_proves_less_than_eight_per_cent_of_them() -> None:
    assert round(pass_rate(0, 50, 0.95).high, 4) == 0.0711


def test_no_run_proves_nothing_of_the_pass_rate() -> None:
    assert pass_rate(0, 0, 0.95) == Interval(0.0, 1.0, 0.95)


@pytest.mark.parametrize("runs", [1, 4, 10, 25])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_a_pass_rate_lies_in_its_interval_as_often_as_is_said_whatever_it_is(runs: int, confidence: float) -> None:
    found = [pass_rate(passed, runs, confidence) for passed in range(runs + 1)]
    for truth in (0.01, 0.1, 0.3, 0.5, 0.69, 0.9, 0.995):
        covered = sum(
            float(stats.binom.pmf(passed, runs, truth))
            for passed, interval in enumerate(found)
            if interval.low <= truth <= interval.high
        )
        assert covered >= confidence


@pytest.mark.parametrize("runs", range(6, 12))
def test_a_median_lies_in_its_interval_exactly_as_often_as_is_said(runs: int) -> None:
    """Each value is above or below the true median, 0, with the same probability: all of those cases, counted out."""
    covered, said = 0, 0.0
    for signs in product((-1.0, 1.0), repeat=runs):
        ordered = sorted(sign * (place + 1) for place, sign in enumerate(signs))
        interval = median_interval(ordered, 0.95)
        assert interval is not None
        covered, said = covered + (interval.low <= 0 <= interval.high), interval.confidence
    assert covered / 2**runs == pytest.approx(said)
    assert said >= 0.95


@given(st.floats(0.5, 0.9999), st.integers(0, 40))
def test_a_median_has_an_interval_exactly_from_the_runs_that_are_said_to_be_needed(
    confidence: float, runs: int
) -> None:
    found = median_interval([float(value) for value in range(runs)], confidence)
    assert (found is not None) == (runs >= runs_for_median(confidence))


def test_six_runs_are_the_fewest_for_a_median_at_95_per_cent() -> None:
    assert runs_for_median(0.95) == 6
    assert median_interval([1, 2, 3, 4, 5], 0.95) is None
    assert median_interval([1, 2, 3, 4, 5, 6], 0.95) == Interval(1, 6, 0.96875)


@pytest.mark.parametrize(("before", "after"), [(4, 4), (5, 5), (6, 5), (3, 8), (8, 4)])
def test_ranks_alone_enclose_no_change_exactly_as_often_as_is_said(before: int, after: int) -> None:
    """Where nothing changed every way to deal the figures to the two sides is as likely: all of them, counted out."""
    covered, deals, said = 0, 0, 0.0
    for places in combinations(range(before + after), before):
        ours = exactly(*(1.1**place for place in places))
        theirs = exactly(*(1.1**place for place in range(before + after) if place not in places))
        found = hodges_lehmann(ours, theirs, 0.95)
        assert found is not None
        covered, said = covered + (found.low <= 1 <= found.high), found.confidence
        deals += 1
    assert covered / deals == pytest.approx(said)
    assert said >= 0.95


@settings(max_examples=30)
@given(st.integers(0, 12), st.integers(0, 12), st.sampled_from([0.8, 0.95, 1 - 0.05 / 7]))
def test_a_ratio_has_an_interval_exactly_from_the_runs_that_are_said_to_be_needed(
    before: int, after: int, confidence: float
) -> None:
    def there(more: int) -> bool:
        ours, theirs = exactly(*[1.0] * (before + more)), exactly(*[2.0] * (after + more))
        return ratio_interval(ours, theirs, confidence) is not None

    more = runs_for_ratio(before, after, confidence)
    assert there(more) and not (more and there(more - 1))


@pytest.mark.parametrize(
    ("before", "after", "spreads"),
    [
        (5, 5, (0.1, 0.1)),
        (12, 6, (0.3, 0.3)),
        (10, 10, (0.1, 0.5)),
        (20, 8, (0.1, 0.5)),
        (8, 20, (0.1, 0.5)),
    ],
)
def test_a_true_ratio_lies_in_its_interval_as_often_as_is_said_even_where_the_spread_changed(
    before: int, after: int, spreads: tuple[float, float]
) -> None:
    random, covered, times = Random(6), 0, 200
    for _ in range(times):
        ours, theirs = drawn(random, before, 2.0, spreads[0]), drawn(random, after, 3.0, spreads[1])
        found = ratio_interval(ours, theirs, 0.95)
        assert found is not None
        covered += found.low <= 1.5 <= found.high
    # Of 200 draws at exactly 95 % fewer than 183 would cover in less than one case of a hundred.
    assert covered >= 183


@settings(max_examples=30)
@given(st.lists(POSITIVE, min_size=4, max_size=9), st.lists(POSITIVE, min_size=4, max_size=9))
def test_seen_from_the_other_side_a_ratio_is_turned_around(before: list[float], after: list[float]) -> None:
    one = ratio_interval(exactly(*before), exactly(*after), 0.95)
    other = ratio_interval(exactly(*after), exactly(*before), 0.95)
    assert one is not None and other is not None
    assert one.low == pytest.approx(1 / other.high)
    assert one.high == pytest.approx(1 / other.low)


@settings(max_examples=30)
@given(st.lists(POSITIVE, min_size=4, max_size=8), st.lists(POSITIVE, min_size=4, max_size=8), st.floats(0, 0.5))
def test_what_is_not_known_of_a_figure_only_widens_the_interval(
    before: list[float], after: list[float], error: float
) -> None:
    known = ratio_interval(exactly(*before), exactly(*after), 0.95)
    vague = [[Span(value * (1 - error), value * (1 + error)) for value in side] for side in (before, after)]
    unsure = ratio_interval(vague[0], vague[1], 0.95)
    assert known is not None and unsure is not None
    assert unsure.low <= known.low * (1 + 1e-9) and unsure.high >= known.high * (1 - 1e-9)


@pytest.mark.parametrize(
    ("before", "after", "low", "high"),
    [
        ([0.0] * 4, [0.0] * 4, 1.0, 1.0),
        ([0.0] * 4, [1.0] * 4, inf, inf),
        ([1.0] * 4, [0.0] * 4, 0.0, 0.0),
        ([inf] * 4, [inf] * 4, 1.0, 1.0),
        ([1.0] * 4, [inf] * 4, inf, inf),
        ([inf] * 4, [1.0] * 4, 0.0, 0.0),
    ],
)
def test_nothing_to_nothing_is_no_change_and_nothing_to_something_is_without_end(
    before: list[float], after: list[float], low: float, high: float
) -> None:
    found = ratio_interval(exactly(*before), exactly(*after), 0.95)
    assert found is not None
    assert (found.low, found.high) == (low, high)


def test_a_figure_that_may_have_been_any_makes_a_few_runs_say_nothing() -> None:
    found = ratio_interval([Span(0, inf), *exactly(1.0, 1.0, 1.0)], exactly(2.0, 2.0, 2.0, 2.0), 0.95)
    assert found is not None
    assert (found.low, found.high) == (0.0, inf)


def test_the_runs_that_are_asked_for_do_tell_in_most_cases() -> None:
    random, told, asked = Random(3), 0, 0
    for _ in range(60):
        ours, theirs = drawn(random, 6, 1.0, 0.2), drawn(random, 6, 1.5, 0.2)
        found = ratio_interval(ours, theirs, 0.95)
        assert found is not None
        more = runs_to_tell(ours, theirs, 0.95, 1.2)
        if found.low > 1.2 or more is None or more > 40:
            continue
        asked += 1
        found = ratio_interval(ours + drawn(random, more, 1.0, 0.2), theirs + drawn(random, more, 1.5, 0.2), 0.95)
        told += found is not None and found.low > 1.2
    assert asked >= 20
    assert told / asked >= 0.6


def test_no_number_of_runs_tells_what_the_figures_errors_hide() -> None:
    vague = [Span(1.0, 1.5), Span(1.02, 1.52), Span(0.98, 1.48), Span(1.01, 1.51)]
    assert runs_to_tell(vague, vague, 0.95, 1.2) is None


def test_one_run_of_each_asks_for_as_many_as_an_interval_needs() -> None:
    assert runs_to_tell(exactly(1.0), exactly(2.0), 0.95, 1.2) == 3
