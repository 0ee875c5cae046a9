"""What self-chaos draws, plays and prints; without an engine."""

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from harness.cli.bound import Overrides, load
from harness.faults import CATALOGUE
from selfchaos import kinds, results
from selfchaos.deck import PHASES, points
from selfchaos.harms import DECK, HARMS
from selfchaos.kinds import KINDS, LONG, SHORT, Lengths, scenario
from selfchaos.results import Result

COMPOSE = Path(kinds.__file__).parent / "compose"


def _result(number: int, harm: str = "kill", **known: object) -> Result:
    found = {"note": "", "in_force": 1, "healed_s": 0.02, "removed_s": 0.8, "leaks": (), **known}
    return Result(7, number, harm, "partition", "faults", 0.5, **found)  # type: ignore[arg-type]  # the fields' own names


def test_every_kind_of_fault_is_played() -> None:
    assert set(CATALOGUE) - set(KINDS) == set()


@pytest.mark.parametrize(("kind", "lengths"), [("kill", LONG), *((kind, SHORT) for kind in CATALOGUE)])
def test_what_is_played_is_a_scenario(kind: str, lengths: Lengths, tmp_path: Path) -> None:
    (tmp_path / "compose").symlink_to(COMPOSE)
    (tmp_path / "self-chaos.yaml").write_text(scenario(kind, lengths))
    assert [fault.kind for fault in load(str(tmp_path / "self-chaos.yaml"), Overrides()).scenario.faults] == [kind]


def test_a_point_is_the_same_whatever_was_drawn_before_it_was_asked_for() -> None:
    first, again = (list(islice(points(7, DECK, tuple(KINDS)), count)) for count in (20, 50))
    assert again[:20] == first
    assert list(islice(points(8, DECK, tuple(KINDS)), 20)) != first


def test_a_round_has_every_harm_and_mostly_kills_in_every_phase() -> None:
    drawn = list(islice(points(7, DECK, tuple(KINDS)), 200))
    assert Counter(point.harm for point in drawn[:20]) == Counter(DECK)
    assert {point.harm for point in drawn[:20]} == set(HARMS)
    assert {point.phase for point in drawn if point.harm == "kill"} == set(PHASES)
    assert set(KINDS) == {point.kind for point in drawn}


def test_results_are_kept_line_by_line_and_one_that_was_cut_off_is_played_again(tmp_path: Path) -> None:
    file = tmp_path / "runs" / "results.jsonl"
    assert results.read(file) == []
    for number in range(2):
        results.append(file, _result(number))
    with file.open("ab") as out:
        out.write(b'{"seed":7,"num')
    assert [result.number for result in results.read(file)] == [0, 1]
    results.append(file, _result(2))
    assert [result.number for result in results.read(file)] == [0, 1, 2]


def test_the_table_counts_leaks_and_spreads_times() -> None:
    found = [
        _result(0),
        _result(1, removed_s=1.2),
        _result(2, healed_s=None, leaks=("network x",)),
        _result(3, harm="both", removed_s=2.0),
        _result(4, note="the run was over", removed_s=None, healed_s=None),
    ]
    lines = results.table(found, {"kill": "harness SIGKILLed", "both": "both"}).splitlines()
    assert "| harness SIGKILLed | 3 | 1 | 20 ms, at most 20 ms (2) | 800 ms, at most 1.20 s (3) |" in lines
    assert "1 of 5 points left something behind." in lines
    assert "* 2 (kill in faults, partition): network x" in lines
    assert "* not done at 1 points: the run was over" in lines
