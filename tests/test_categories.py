"""`make test-<category>`: what the families of tests are called, and that each has something to play."""

import re
from pathlib import Path

import pytest

from harness.cli import places
from harness.cli.bound import draft
from harness.loader.suite import Known, parse

MAKEFILE = Path(__file__).parents[1] / "Makefile"
# As the requirements name them; `security` is ours.
REQUIRED = ["chaos", "byzantine", "fault-tolerance", "network", "consensus", "load-balancing"]
REQUIRED += ["load", "stress", "performance", "scalability", "e2e"]


def categories() -> list[str]:
    (line,) = re.findall(r"^CATEGORIES := (.*)$", MAKEFILE.read_text(), re.MULTILINE)
    return str(line).split()


def test_every_category_is_a_make_target() -> None:
    assert sorted(categories()) == sorted([*REQUIRED, "security"])
    assert "$(addprefix test-,$(CATEGORIES)): test-%: images\n\t@$(HARNESS) suite $* $(ARGS)" in MAKEFILE.read_text()


@pytest.fixture(scope="module")
def known() -> dict[str, Known]:
    scenarios = {name: draft(name).draft.scenario for name in places.scenarios()}
    return {name: Known(one.tags, one.phases.total_s) for name, one in scenarios.items() if one}


@pytest.mark.parametrize("category", REQUIRED)
def test_a_category_plays_at_least_two_scenarios_none_of_them_a_broken_twin(
    category: str, known: dict[str, Known]
) -> None:
    assert category not in places.suites(), "a suite's file of that name would be played in its place"
    text = f"suite: {category}\nabout: x\nscenarios: [{{tags: [{category}], without: [twin]}}]\n"
    plays = parse(text.encode(), f"{category}.yaml", known).plays
    assert len(plays) >= 2 and not any(play.scenario.startswith(places.TWINS) for play in plays)
