"""How often a scenario is played: what is read, and what is refused because it could prove nothing."""
# ruff: noqa: E501  a message is one line, here as on the terminal

import pytest

from harness.errors import ScenarioError
from harness.loader import parse
from harness.objectives import Bound
from harness.repeat import Repeat, Sequential
from harness.series.intervals import pass_rate

TEXT = """\
scenario: mine
about: Something breaks.
cluster: ollama
phases: {warmup: 10s, faults: 30s, recovery: 20s}
repeat: {runs: 10}
traffic:
  - {name: chat, client: ollama-generate, to: gateway, rate: 50/s}
objectives:
  - {name: answers, of: chat, success: ">= 50%"}
"""


def read(repeat: str) -> Repeat | None:
    draft = parse(TEXT.replace("{runs: 10}", repeat).encode(), "mine.yaml")
    if draft.scenario is None:
        raise ScenarioError(draft.problems)
    return draft.scenario.repeat


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("{runs: 10}", Repeat(runs=10)),
        ("{runs: 20, confidence: 99%}", Repeat(runs=20, confidence=0.99)),
        ('{runs: 20, pass_rate: ">= 80%"}', Repeat(runs=20, pass_rate=Bound(">=", 0.8, ">= 80%"))),
        ("{runs: 30, stop: sequential, p0: 70%, p1: 95%}", Repeat(runs=30, stop="sequential", p0=0.7, p1=0.95)),
        (
            "{runs: 30, stop: sequential, p0: 70%, p1: 100%, alpha: 1%, beta: 10%}",
            Repeat(runs=30, stop="sequential", p0=0.7, p1=1.0, alpha=0.01, beta=0.1),
        ),
        ("", None),
    ],
)
def test_it_is_read_as_it_is_written(words: str, meant: Repeat | None) -> None:
    assert read(words) == meant


def test_a_declared_test_has_its_two_rates_and_its_two_errors() -> None:
    repeat = read("{runs: 30, stop: sequential, p0: 70%, p1: 95%}")
    assert repeat is not None and repeat.test == Sequential(0.7, 0.95, 0.05, 0.05)
    assert Repeat(runs=10).test is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("{confidence: 95%}", "'repeat' needs 'runs': how many runs, one after the other; such as 'runs: 7'"),
        ("{runs: 0}", "'runs' is 0: write one from 1 to 1,000"),
        ("{runs: 2000}", "'runs' is 2000: write one from 1 to 1,000"),
        ("{runs: ten}", "'runs' is 'ten': write a whole number such as 7"),
        ("10", "'repeat' is a text: write a map, such as 'repeat: {runs: 10, confidence: 95%}'"),
        ("{runs: 10, confidence: 100%}", "'confidence' is 100 %: write one from 50% to 99.99%, such as 95%"),
        ('{runs: 10, pass_rate: "<= 80%"}', "'pass_rate' is '<= 80%': write the least that is enough, such as '>= 80%'"),
        ('{runs: 10, pass_rate: ">= 100%"}', "'pass_rate' is '>= 100%': write the least that is enough, such as '>= 80%'"),
        ('{runs: 10, pass_rate: ">= 95%"}', "'pass_rate' is '>= 95%', and 10 runs that all pass prove only 69.1 %: write 'runs: 72' or more"),
        ('{runs: 30, pass_rate: ">= 80%", stop: sequential, p0: 70%, p1: 95%}', "'pass_rate' stands beside 'stop', whose test asks the same: take one of them out"),
        ("{runs: 30, p0: 70%}", "'p0' belongs to a sequential test: write 'stop: sequential' beside it"),
        ("{runs: 30, stop: sequential}", "'stop' needs 'p0' and 'p1' beside it: the pass rates that are not, and that are, good enough"),
        ("{runs: 30, stop: early, p0: 70%, p1: 95%}", "'stop' is 'early': write one of sequential"),
        ("{runs: 30, stop: sequential, p0: 95%, p1: 70%}", "'p0' is 95 % and 'p1' 70 %: write 0% < p0 < p1"),
        ("{runs: 30, stop: sequential, p0: 70%, p1: 95%, alpha: 0%}", "'alpha' is 0 %: write more than 0% and less than 50%, such as 5%"),
        ("{runs: 9, stop: sequential, p0: 70%, p1: 95%}", "'runs' is 9: even if all pass the test cannot say so before 10; write that or more"),
        ("{runs: 10, often: yes}", "'often' is not a key of 'repeat' (there are alpha, beta, confidence, p0, p1, pass_rate, runs, stop)"),
    ],
)  # fmt: skip
def test_what_could_prove_nothing_is_told_with_its_cure(words: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(words)
    assert [str(problem) for problem in caught.value.problems] == [f"mine.yaml:5: {told}"]


@pytest.mark.parametrize(("limit", "needed"), [(0.5, 6), (0.69, 10), (0.8, 17), (0.95, 72), (0.99, 368)])
def test_the_runs_that_are_asked_for_are_the_fewest_that_can_prove_it(limit: float, needed: int) -> None:
    wanted = Bound(">=", limit, f">= {limit:.0%}")
    assert list(Repeat(runs=needed, pass_rate=wanted).check()) == []
    assert [key for key, _ in Repeat(runs=needed - 1, pass_rate=wanted).check()] == ["pass_rate"]
    assert pass_rate(needed - 1, needed - 1, 0.95).low < limit <= pass_rate(needed, needed, 0.95).low
