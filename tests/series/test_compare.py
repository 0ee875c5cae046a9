"""What is answered of two sets of runs, and that the answers are as sure as they say."""

from collections import Counter
from collections.abc import Sequence
from random import Random

import msgspec
import pytest
from msgspec.structs import replace

from harness.series.compare import Answer, Change, compare, refusal
from harness.series.sample import Sample
from tests.series.told import MEASURES, PARTS, figure, of, sample

STEADY = [1.80, 1.82, 1.79, 1.81, 1.80, 1.83]
FASTER = [value / 2 for value in STEADY]
SLOWER = [value * 2 for value in STEADY]


def change(before: Sample, after: Sample) -> Change:
    (found,) = compare(before, after).changes
    return found


@pytest.mark.parametrize(
    ("objective", "before", "after", "answer"),
    [
        ("recovery", STEADY, STEADY, "same"),
        ("recovery", STEADY, SLOWER, "worse"),
        ("recovery", STEADY, FASTER, "better"),
        ("recovery", STEADY, [1.0, 5.0, 2.0, 1.5, 3.0, 0.9], "cannot tell"),
        ("recovery", STEADY, [None] * 6, "worse"),
        ("recovery", [None] * 6, [None] * 6, "same"),
        ("pace", [50.0] * 6, [25.0] * 6, "worse"),
        ("share", [0.999] * 6, [0.99] * 6, "worse"),
        ("exact", [1.0] * 6, [1.0] * 6, "cannot tell"),
        ("pace", [25.0] * 6, [50.0] * 6, "better"),
        ("answers", [1.0] * 6, [1.0] * 6, "same"),
        ("answers", [0.999] * 6, [0.995] * 6, "worse"),
        ("answers", [0.995] * 6, [0.999] * 6, "better"),
        ("answers", [0.9999] * 6, [0.9995] * 6, "same"),
        ("truth", [0.0] * 6, [0.0] * 6, "same"),
        ("truth", [0.0] * 6, [2.0] * 6, "worse"),
        ("nodes", [3.0] * 6, [3.0] * 6, "same"),
        ("nodes", [3.0] * 6, [4.0] * 6, "worse"),
        ("nodes", [1.0] * 6, [4.0] * 6, "better"),
    ],
)
def test_an_answer_goes_by_what_the_bound_calls_better(
    objective: str, before: Sequence[float | None], after: Sequence[float | None], answer: str
) -> None:
    assert change(sample("a", **{objective: before}), sample("b", **{objective: after})).answer == answer


def test_a_change_is_said_with_its_medians_its_ratio_and_the_interval_of_that() -> None:
    found = change(sample("a", recovery=STEADY), sample("b", recovery=SLOWER))
    assert found.before.median == pytest.approx(1.805)
    assert found.after.median == pytest.approx(3.61)
    assert found.ratio == pytest.approx(2.0, rel=0.02)
    assert found.low is not None and found.high is not None and found.low < 2 < found.high
    assert found.confidence is not None and 0.95 <= found.confidence < 1


def test_the_ratio_is_of_b_to_a_also_where_more_is_better() -> None:
    found = change(sample("a", pace=[50.0] * 6), sample("b", pace=[25.0] * 6))
    assert (found.of, found.ratio, found.low, found.high) == ("figure", 0.5, 0.5, 0.5)


def test_of_a_share_that_is_kept_what_was_lost_is_compared() -> None:
    found = change(sample("a", answers=[0.999] * 6), sample("b", answers=[0.995] * 6))
    assert found.of == "lost share"
    assert found.ratio == pytest.approx(5.0)


def test_a_lost_share_that_nobody_would_notice_is_none() -> None:
    found = change(sample("a", answers=[1.0] * 6), sample("b", answers=[0.9995] * 6))
    assert (found.answer, found.why) == ("same", "less than 0.1 %, a fifth of what may be lost, counts as 0.1 %")


def test_a_difference_as_large_as_the_threshold_takes_more_runs_than_anybody_plays() -> None:
    before = sample("a", recovery=STEADY)
    after = sample("b", recovery=[value * 1.2 for value in STEADY])
    assert change(before, after).more == 1000


def test_too_few_runs_cannot_tell_and_say_how_many_more_it_takes() -> None:
    found = change(sample("a", recovery=[1.8]), sample("b", recovery=[9.0]))
    assert (found.answer, found.more, found.confidence) == ("cannot tell", 3, None)


def test_more_objectives_take_wider_intervals_so_that_all_answers_hold_together() -> None:
    alone = compare(sample("a", recovery=STEADY), sample("b", recovery=STEADY))
    many = compare(
        sample("a", recovery=STEADY, slow=STEADY, pace=STEADY, truth=STEADY),
        sample("b", recovery=STEADY, slow=STEADY, pace=STEADY, truth=STEADY),
    )
    assert (alone.changes[0].confidence or 0) < (many.changes[0].confidence or 0)
    assert all((change.confidence or 0) >= 1 - 0.05 / 4 for change in many.changes)


def test_figures_that_differ_by_less_than_their_errors_cannot_be_told_by_any_number_of_runs() -> None:
    vague = [figure("recovery", value, error=0.5) for value in STEADY]
    found = change(of({"recovery": vague}), of({"recovery": vague}, prefix="b"))
    assert (found.answer, found.more) == ("cannot tell", None)
    assert "more runs would not tell" in found.why


def test_a_run_in_doubt_is_left_out_and_said() -> None:
    doubted = [figure("recovery", 99.0, "inconclusive", counts=False, why="the load generator was late")]
    told = [figure("recovery", value) for value in STEADY]
    found = change(of({"recovery": told + doubted}), of({"recovery": told}, prefix="b"))
    assert (found.answer, found.before.asked, found.before.runs) == ("same", 7, 6)
    assert found.why == "1 of 7 runs of A do not count (the load generator was late)"


def test_a_figure_that_is_not_known_is_not_taken_for_a_good_one() -> None:
    told = [figure("recovery", value) for value in STEADY]
    unknown = [figure("recovery", None, "inconclusive") for _ in STEADY]
    found = change(of({"recovery": told}), of({"recovery": unknown}, prefix="b"))
    assert found.answer == "cannot tell"
    assert found.why.endswith("6 of 6 runs of B have no figure, which may have been any")


def test_figures_below_zero_have_no_ratio() -> None:
    found = change(sample("a", recovery=[-1.0] * 6), sample("b", recovery=[1.0] * 6))
    assert (found.answer, found.more, found.why) == (
        "cannot tell",
        None,
        "some figures are below zero, and such have no ratio",
    )


@pytest.mark.parametrize(
    ("figures", "answer", "code"),
    [
        ({"recovery": SLOWER, "slow": [1.0, 9.0] * 3, "pace": STEADY}, "worse", 1),
        ({"recovery": STEADY, "slow": [1.0, 9.0] * 3, "pace": SLOWER}, "cannot tell", 3),
        ({"recovery": FASTER, "slow": STEADY, "pace": STEADY}, "better", 0),
        ({"recovery": STEADY, "slow": STEADY, "pace": STEADY}, "same", 0),
    ],
)
def test_the_whole_is_as_bad_as_its_worst_answer(figures: dict[str, list[float]], answer: str, code: int) -> None:
    before = sample("a", recovery=STEADY, slow=STEADY, pace=STEADY)
    found = compare(before, sample("b", **figures))
    assert (found.answer, found.exit_code) == (answer, code)


def test_nothing_in_common_is_nothing_known() -> None:
    found = compare(sample("a", recovery=STEADY), sample("b", slow=STEADY))
    assert (found.answer, found.exit_code, found.left_out) == ("cannot tell", 3, ("recovery", "slow"))
    assert found.sentence == "A and B have no objective in common"


def test_an_objective_that_measures_something_else_by_now_is_not_compared() -> None:
    after = sample("b", recovery=STEADY)
    renamed = replace(after, measures=(replace(MEASURES["slow"], objective="recovery"),))
    assert compare(sample("a", recovery=STEADY), renamed).left_out == ("recovery",)


def changed(part: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, "2" if name == part else digest) for name, digest in PARTS)


RECOVERY = {"recovery": [figure("recovery", 1.8)]}
THIS = of(RECOVERY)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (of(RECOVERY, prefix="b"), None),
        (of(RECOVERY, prefix="b", parts=changed("with")), None),
        (of(RECOVERY, prefix="b", parts=changed("cluster")), None),
        (of(RECOVERY, prefix="b", parts=changed("faults")), "they are not of the same scenario: they differ in faults"),
        (
            of(RECOVERY, prefix="b", scenario="kill"),
            "one is of scenario partition, the other of kill",
        ),
        (
            of(RECOVERY, prefix="b", without_faults=True),
            "they are not of the same scenario: they differ in whether faults were injected",
        ),
        (
            of(RECOVERY, prefix="b", mixed=("faults", "traffic")),
            "the runs of the second are not all of one scenario: they differ in faults and traffic",
        ),
        (of(RECOVERY), "both have run partition/a0 in them"),
    ],
)
def test_runs_of_different_scenarios_or_the_same_runs_twice_are_refused(other: Sample, why: str | None) -> None:
    assert refusal(THIS, other) == why


def test_what_else_differs_is_said() -> None:
    before = of(RECOVERY, facts=(("kernel", ("5.10",)), ("engine", ("27.1",)), ("image", ("gateway:1", "node:1"))))
    after = of(
        RECOVERY,
        prefix="b",
        parts=changed("with"),
        facts=(("kernel", ("6.1", "6.8")), ("engine", ("27.1",)), ("image", ("gateway:1", "node:2"))),
    )
    assert compare(before, after).differences == (
        "with: what the scenario says is not the same",
        "kernel: 5.10 in A, 6.1, 6.8 in B",
        "image: node:1 in A, node:2 in B",
    )


def test_as_json_it_has_no_number_that_json_has_not() -> None:
    found = compare(sample("a", truth=[0.0] * 6), sample("b", truth=[2.0] * 6))
    (told,) = msgspec.json.decode(msgspec.json.encode(found))["changes"]
    assert (told["answer"], told["ratio"], told["low"], told["high"]) == ("worse", None, None, None)


# Truths that are known: how often is the answer right? Each figure's logarithm is normal, spread by a tenth or so.


def answers(times: int, factors: Sequence[float], runs: int = 8, spread: float = 0.12) -> list[tuple[Answer, ...]]:
    """The answers of so many comparisons; each objective truly becomes ``factor`` times what it was."""
    random, found = Random(20261121), []
    names = ("recovery", "slow", "pace", "nodes")[: len(factors)]

    def side(prefix: str, changes: Sequence[float]) -> Sample:
        drawn = {
            name: [factor * random.lognormvariate(0, spread) for _ in range(runs)]
            for name, factor in zip(names, changes, strict=True)
        }
        return sample(prefix, **drawn)

    for _ in range(times):
        compared = compare(side("a", [1.0] * len(factors)), side("b", factors))
        found.append(tuple(one.answer for one in compared.changes))
    return found


def test_where_nothing_changed_nothing_is_called_worse_or_better() -> None:
    said = Counter(answer for row in answers(100, (1.0, 1.0, 1.0), spread=0.08) for answer in row)
    assert set(said) <= {"same", "cannot tell"}
    assert said["same"] >= 200  # and it is not for want of saying anything


def test_at_the_very_threshold_at_most_one_comparison_in_twenty_has_a_false_answer() -> None:
    false = sum(any(answer != "cannot tell" for answer in row) for row in answers(150, (1.2, 1.2, 1 / 1.2)))
    # Of 150 at exactly 5 % more than 14 would be false in less than one case of a hundred.
    assert false <= 14


def test_half_as_much_again_is_found_to_be_worse_nearly_always() -> None:
    said = answers(60, (1.5, 1 / 1.5), runs=10)
    assert sum(row == ("worse", "better") for row in said) >= 48
