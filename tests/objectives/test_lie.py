"""What the system claims of a node, held against what comes from it."""

from harness.objectives import Finding
from tests.objectives.courses import looked, sampled
from tests.objectives.test_recovery import LOST
from tests.objectives.test_words import FAULTS, TRAFFIC, written
from tests.recording.builder import CLUSTER, Story

UP = "n1 is up"


def measured(*changes: tuple[float, float | None], story: Story = LOST, **words: str) -> Finding:
    """n1 answers nothing from 15.0 s until 36.5 s."""
    told = story.but(more=(sampled(UP, *changes), looked()))
    given = {"of": "chat", "on": "n1", "lie": "<= 3s"} | words
    return written("lie", name="it", health=UP, **given).measure(told.evidence())


def test_the_lie_is_how_long_a_node_is_claimed_to_be_well_while_nothing_comes_from_it() -> None:
    assert measured((0, 1.0), (16.7, 0.0), (36.7, 1.0)) == Finding(
        objective="it",
        outcome="held",
        measured=1.6,
        error=0.46976,
        bound="<= 3s",
        unit="s",
        reason="n1 was claimed to be well for 1.60 s in which nothing came from it, and to be ill for 0.0 ms in which "
        "it answered (± 470 ms in all)",
        source="Prometheus, n1 is up; right answers of chat by n1 in all",
        details=(("silent", "21.6 s"), ("claimed well", "40.0 s"), ("claimed ill", "20.0 s")),
    )


def test_a_node_that_is_claimed_to_be_well_all_the_time_is_lied_about_for_as_long_as_it_is_silent() -> None:
    found = measured((0, 1.0))
    assert (found.outcome, found.measured) == ("violated", 21.6)


def test_to_be_called_ill_while_it_answers_is_a_lie_too() -> None:
    found = measured((0, 1.0), (15.2, 0.0), (41.7, 1.0))
    assert (found.outcome, found.measured) == ("violated", 5.05)


def test_it_is_counted_in_its_window_only() -> None:
    found = measured((0, 1.0), in_="recovery")
    assert (found.outcome, found.measured) == ("held", 0.0)


def test_too_close_to_the_bound_is_too_close() -> None:
    found = measured((0, 1.0), (18.2, 0.0), (36.7, 1.0))
    assert (found.outcome, found.reason.split(": ")[-1]) == ("inconclusive", "too close to '<= 3s' to tell")


def test_a_claim_that_was_not_known_for_a_while_makes_the_figure_as_much_less_sure_and_for_long_none() -> None:
    short = measured((0, 1.0), (16.7, 0.0), (30, None), (31, 0.0), (36.7, 1.0))
    assert short.error and short.error > 1.4
    long = measured((0, 1.0), (16.7, None), (36.7, 1.0))
    assert (long.outcome, long.reason) == ("inconclusive", "what it claimed of n1 is not known for 20.0 s")


def test_a_node_of_which_hardly_anything_came_before_is_not_missed() -> None:
    found = measured((0, 1.0), story=LOST.but(node=lambda number, due_s: "n2"))
    reason = "n1 gave 0 answers of chat in the warm-up: too few to tell when it fell silent"
    assert (found.outcome, found.reason) == ("inconclusive", reason)


def test_what_is_wrong_with_it_is_told_by_its_words() -> None:
    one = written("lie", name="a", of="chat", health=" ", on="n9", lie="<= 3s")
    assert [*one.check(TRAFFIC, FAULTS), *one.check_on(CLUSTER)] == [
        ("health", "is empty: write PromQL that is not 0 while the system claims the node is well"),
        ("on", "names 'n9': there is no n9 (there are gateway, n1, n2, n3)"),
    ]
