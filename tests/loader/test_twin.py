"""``twin:``: the broken twin that a scenario declares for itself."""

from dataclasses import replace

import pytest

from harness.cluster import Cluster
from harness.errors import ScenarioError
from harness.loader import bind, parse
from harness.scenario import Twin
from tests.loader import test_messages

GOOD = "".join(line for line in test_messages.GOOD.splitlines(True) if not line.startswith(("with:", "expect:")))
LINE = 'twin: {with: {CHECKS: "off", RETRIES: "0"}, violated: [answers]}\n'
WITH = 'with: {RETRIES: "1"}\n'


def test_the_twin_is_the_scenario_with_its_switches_turned_and_an_expectation(ollama: Cluster) -> None:
    draft = parse((GOOD + WITH + LINE).encode(), "mine.yaml")
    scenario, twin = bind(draft, ollama), bind(draft.as_twin(), ollama)
    assert scenario.twin == Twin((("CHECKS", "off"), ("RETRIES", "0")), ("answers",))
    assert twin == replace(
        scenario,
        about="As mine, with CHECKS=off, RETRIES=0: answers must be violated, else mine shows nothing.",
        tags=("twin",),
        variables=(("RETRIES", "0"), ("CHECKS", "off")),
        expected=("answers",),
        twin=None,
        broken=True,
    )
    assert draft.as_twin().variables == twin.variables
    assert twin.as_twin() == twin


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "twin: {with: {CHECKS: off}, violated: [nothing]}",
            "'violated' is 'nothing': there is no objective of that name",
        ),
        ("twin: {with: {CHECKS: off}}", "'twin' needs 'violated'"),
        ("twin: {violated: [answers]}", "'twin' needs 'with': a variable of the compose file that makes it worse"),
        ("twin: yes", "'twin' is a text: write a map"),
        (LINE + "expect: {violated: [answers]}", "'twin' stands beside 'expect'"),
    ],
)
def test_a_twin_that_cannot_be_is_refused(line: str, said: str, ollama: Cluster) -> None:
    with pytest.raises(ScenarioError) as caught:
        bind(parse((GOOD + line + "\n").encode(), "mine.yaml"), ollama)
    assert said in str(caught.value)
