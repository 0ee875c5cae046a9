"""What the three runs of a scenario come to in the table of ``harness twins``."""

import pytest
from msgspec.structs import replace

from harness.judge.judge import judge
from harness.judge.verdict import Verdict
from harness.loader import bind, parse
from harness.signoff import proof
from harness.signoff.proof import Cell, Way
from harness.signoff.record import Played
from tests.recording.builder import CLUSTER
from tests.signoff.stories import BLIND, GOOD, LOST, SHIPPED

WELL = Cell("held", 0)


def verdict_of(name: str, story: object = GOOD) -> Verdict:
    scenario = bind(parse((SHIPPED / f"{name}.yaml").read_bytes(), f"{name}.yaml"), CLUSTER)
    return judge(scenario, story.evidence())  # type: ignore[attr-defined]  # a Story


@pytest.mark.parametrize(
    ("way", "verdict", "cell"),
    [
        ("healthy", verdict_of("partition"), WELL),
        ("healthy", verdict_of("partition", LOST), Cell("VIOLATED", 1, "said")),
        ("control", verdict_of("partition", LOST), Cell("VIOLATED", 1, "said")),
        ("healthy", verdict_of("partition", BLIND), Cell("cannot tell", 3, "said")),
        ("broken", verdict_of("broken/partition"), Cell("NOT VIOLATED", 1, "said")),
        ("healthy", verdict_of("broken/partition"), Cell("not as expected", 1, "said")),
    ],
)
def test_a_run_is_a_cell_with_the_reason_if_it_is_not_as_it_must_be(way: Way, verdict: Verdict, cell: Cell) -> None:
    said = (cell.why and replace(verdict, sentence="said")) or verdict
    assert proof.cell(way, said) == cell


def test_a_twin_that_is_violated_as_expected_says_on_what() -> None:
    verdict = replace(verdict_of("partition", LOST), as_expected=True, exit_code=0)
    assert proof.cell("broken", verdict).words.startswith("violated: answers")


def test_the_worst_cell_is_the_exit_code_and_a_scenario_without_a_twin_is_as_bad_as_one_that_holds_on_it() -> None:
    well = dict.fromkeys(proof.WAYS, WELL)
    unsure = {**well, "control": Cell("cannot tell", 3, "late")}
    naked = {**well, "broken": proof.missing(), "control": proof.pointless()}
    stopped = {**well, "broken": proof.unplayed(Played("none", 130, "INTERRUPTED", "stopped.", 0.0))}
    codes = [proof.exit_code(rows) for rows in ([well], [well, unsure], [unsure, naked], [naked, stopped])]
    assert codes == [0, 3, 1, 130]
    assert proof.table({"kill": well, "ports": naked, "loss": unsure}) == (
        "scenario  healthy  broken   control\n"
        "kill      held     held     held\n"
        "ports     held     NO TWIN  -\n"
        "loss      held     held     cannot tell\n"
        "\n"
        "ports, broken: has no broken twin: nothing shows that it could fail; add 'twin:' to it\n"
        "loss, control: late\n"
        "\n"
        "1 of 3 scenarios proven able to fail\n"
    )
