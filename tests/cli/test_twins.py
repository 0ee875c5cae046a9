"""``harness twins``: what is played, what is not played again, and the table. Runs are small recordings."""

from pathlib import Path

import pytest

from harness.cli import experiment, places, twins
from harness.cli.bound import Overrides, load
from harness.cli.experiment import Result
from harness.operations import Outcome
from harness.report.live import Live
from harness.runner.play import Options
from tests.cli.conftest import Harness, write
from tests.recording.builder import Harm, Story
from tests.signoff.stories import keep

SCENARIO = """
    scenario: {name}
    about: n1 is cut off.
    cluster: small
    phases: {{warmup: 10s, faults: 30s, recovery: 20s}}
    traffic: [{{name: chat, client: ollama-generate, to: gateway, rate: 50/s}}]
    faults: [{{fault: partition, name: lost-n1, at: 5s, for: 20s, nodes: [n1]}}]
    objectives:
      - {{name: answers, of: chat, success: ">= {least}%", in: all}}
    {twin}
"""
COMPOSE = """
    services:
      gateway: {image: busybox, ports: ["8080"], environment: {CHECKS: "${CHECKS:-on}"}}
      node: {image: busybox, x-harness: {name: "n{i}", count: 3, port: 11434}}
"""
TWIN = 'twin: {with: {CHECKS: "off"}, violated: [answers]}'
LOST = Story(harms=(Harm(15, 35, Outcome.SERVER_ERROR, 0.02, every=3),))


@pytest.fixture
def played(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were asked for; a broken twin loses answers, all others are well."""
    write("compose/small.yaml", COMPOSE)
    write("scenarios/mine.yaml", SCENARIO.format(name="mine", least=99, twin=TWIN))
    write("scenarios/other.yaml", SCENARIO.format(name="other", least=98, twin=TWIN))
    asked: list[str] = []

    def run(name: str, overrides: Overrides, options: Options, runs: Path, live: Live) -> Result:
        bound = load(name, overrides)
        asked.append(f"{bound.name}{' without faults' if options.without_faults else ''}")
        broken = bound.name.startswith(places.TWINS) and not options.without_faults
        story = (LOST if broken else Story()).but(without_faults=options.without_faults)
        folder = (runs / bound.name / str(len(asked))).absolute()
        verdict = keep(folder, f"{bound.name}/{len(asked)}", bound.name, story, text=bound.text)
        return Result(verdict, folder, "p1", False, 30.0)

    monkeypatch.setattr(experiment, "run", run)
    monkeypatch.setattr(twins, "_shortened", lambda name, runs: name)
    return asked


def test_each_is_played_three_ways_controls_are_shared_and_what_is_proven_is_not_played_again(
    harness: Harness, played: list[str]
) -> None:
    first = harness("twins", "mine", "other")
    assert played == ["mine", "broken/mine", "broken/mine without faults", "other", "broken/other"]
    table = (
        "scenario  healthy  broken                       control\n"
        "mine      held     violated: answers (88.87 %)  held\n"
        "other     held     violated: answers (88.87 %)  held\n"
        "\n"
        "2 of 2 scenarios proven able to fail\n"
    )
    assert (first.code, first.out) == (0, table)
    again = harness("twins", "mine", "other")
    assert (again.code, again.out, len(played)) == (0, table, 5)
    file = Path("scenarios/other.yaml")
    file.write_text(file.read_text().replace("cut off", "lost"))
    harness("twins", "mine", "other")
    assert played[5:] == ["other", "broken/other"]


def test_a_scenario_that_holds_on_its_twin_or_has_none_is_said_and_played_again(
    harness: Harness, played: list[str]
) -> None:
    write("scenarios/blind.yaml", SCENARIO.format(name="blind", least=20, twin=TWIN))
    write("scenarios/naked.yaml", SCENARIO.format(name="naked", least=99, twin=""))
    said = harness("twins", "blind", "naked")
    assert said.code == 1
    assert "blind, broken: answers should have been broken and was not" in said.out
    assert "naked, broken: has no broken twin" in said.out
    assert said.out.endswith("0 of 2 scenarios proven able to fail\n")
    harness("twins", "blind")
    assert played == ["blind", "broken/blind", "broken/blind without faults", "naked", "broken/blind"]


def test_what_was_kept_is_shown_without_playing(harness: Harness, played: list[str]) -> None:
    said = harness("twins", "--kept", "mine")
    assert (said.code, played) == (3, [])
    assert said.out.splitlines()[1].split() == ["mine", "-", "-", "-"]


def test_only_the_ways_that_are_named_are_played_beside_what_was_kept(harness: Harness, played: list[str]) -> None:
    harness("twins", "--only", "healthy", "mine")
    said = harness("twins", "--only", "broken", "mine", "other")
    assert (said.code, played) == (3, ["mine", "broken/mine", "broken/other"])
    assert [line.split() for line in said.out.splitlines()[1:3]] == [
        ["mine", "held", "violated:", "answers", "(88.87", "%)", "-"],
        ["other", "-", "violated:", "answers", "(88.87", "%)", "-"],
    ]
    assert "2 of 2: other, broken: violated: answers (88.87 %)" in said.err.splitlines()


def test_a_twin_is_a_name_of_its_own(harness: Harness, home: Path) -> None:
    write("scenarios/mine.yaml", SCENARIO.format(name="mine", least=99, twin=""))
    assert "it declares no broken twin; add one" in harness("check", "broken/mine").err
    assert "there is no scenario of that name" in harness("check", "broken/none").err
