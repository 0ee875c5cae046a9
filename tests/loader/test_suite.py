"""Suite files: what they come to, and every message, whole."""
# ruff: noqa: E501  a message is one line, here as on the terminal

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ScenarioError
from harness.loader import parse_file
from harness.loader.suite import REPEATS_MAX, Known, Play, Suite, parse
from harness.scenario import Scenario

SUITES = Path(__file__).parents[2] / "scenarios" / "suites"
KNOWN = {
    "partition": Known(("ollama", "network"), 60.0, ("answers",)),
    "kill": Known(("ollama", "process"), 60.0),
    "broken/kill": Known(("ollama", "twin"), 60.0),
    "loss": Known(("ollama", "network"), 26.0),
}
GOOD = """\
suite: nightly
about: Everything once.
time_limit: 60m
scenarios:
  - partition
  - {scenario: kill, repeats: 3}
  - {tags: [network], without: twin}
"""


def read(text: str) -> Suite:
    return parse(text.encode(), "scenarios/suites/nightly.yaml", KNOWN)


def problems(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        read(text)
    return [str(problem).removeprefix("scenarios/suites/nightly.yaml:") for problem in caught.value.problems]


def test_nights_spread_what_tags_mean_so_that_each_has_its_night() -> None:
    text = with_item("{tags: [ollama], without: [twin], nights: 2}")
    nights = [[play.scenario for play in parse(text.encode(), "nightly.yaml", KNOWN, day).plays] for day in range(3)]
    assert nights == [["partition", "loss"], ["kill"], ["partition", "loss"]]


def with_item(item: str) -> str:
    return f"suite: nightly\nabout: x\nscenarios:\n  - {item}\n"


def test_names_come_in_the_order_of_the_file_and_tags_bring_what_no_line_names() -> None:
    plays = (Play("partition", (), 1, 60.0), Play("kill", (), 3, 60.0), Play("loss", (), 1, 26.0))
    assert read(GOOD) == Suite("nightly", "Everything once.", plays, 3600.0)


def test_a_matrix_is_every_setting_of_its_variables_beside_those_that_are_fixed() -> None:
    item = '{scenario: kill, with: {RETRIES: "0"}, matrix: {NODE_COUNT: ["3", "5"], BALANCE: [a, b]}}'
    settings = [play.variables for play in read(with_item(item)).plays]
    assert settings == [
        (("RETRIES", "0"), ("NODE_COUNT", count), ("BALANCE", balance))
        for count in ("3", "5")
        for balance in ("a", "b")
    ]
    assert read(with_item(item)).plays[0].label == "kill (RETRIES=0 NODE_COUNT=3 BALANCE=a)"


def test_what_is_skipped_says_why_and_tags_do_not_bring_it_back() -> None:
    text = with_item('{scenario: loss, skip: "needs\n     a kernel"}\n  - {tags: ollama}')
    assert [(play.scenario, play.skip) for play in read(text).plays] == [
        ("loss", "needs a kernel"), ("partition", ""), ("kill", ""), ("broken/kill", ""),
    ]  # fmt: skip


def test_repeats_of_the_suite_hold_where_an_item_has_none() -> None:
    text = "suite: nightly\nabout: x\nrepeats: 4\nscenarios: [loss, {scenario: kill, repeats: 2}]\n"
    assert [play.repeats for play in read(text).plays] == [4, 2]


def test_one_scenario_may_be_played_under_two_settings() -> None:
    text = with_item("kill\n  - {scenario: kill, with: {RETRIES: x}}")
    assert [play.label for play in read(text).plays] == ["kill", "kill (RETRIES=x)"]


EXAMPLE = "[partition, {scenario: kill, repeats: 3}, {tags: [network]}]"
HEADS: list[tuple[str, str, list[str]]] = [
    ("suite: nightly", "suite: nightli", ["1: 'suite' is 'nightli', but the file is nightly.yaml: give both the same name"]),
    ("about: Everything once.\n", "", ["1: a suite needs 'about': what it is for, for a manager; such as 'about: TEXT'"]),
    ("time_limit: 60m", "time_limit: 60", ["3: 'time_limit' is 60: write a duration with its unit, such as 60s"]),
    ("time_limit: 60m", "time_limit: 4m", ["3: 'time_limit' is 240 s, and the phases of its 5 runs alone last 266 s: raise it or take some out"]),
    ("time_limit: 60m", "tme_limit: 60m", ["3: 'tme_limit' is not a key of a suite; did you mean 'time_limit'?"]),
    ("time_limit: 60m", "repeats: 0", [f"3: 'repeats' is 0: write 1 to {REPEATS_MAX}"]),
    ("time_limit: 60m", "about: twice", ["3: 'about' stands here twice (first on line 2): keep one"]),
    (GOOD[GOOD.index("scenarios:") :], "", [f"1: a suite needs 'scenarios': what it plays, in order; such as 'scenarios: {EXAMPLE}'"]),
    (GOOD[GOOD.index("scenarios:") :], "scenarios: []", [f"4: 'scenarios' is empty: name at least one, such as 'scenarios: {EXAMPLE}'"]),
    (GOOD[GOOD.index("scenarios:") :], "scenarios: kill", [f"4: 'scenarios' is a text: write a list, such as 'scenarios: {EXAMPLE}'"]),
    (GOOD, "", [" is empty: begin with 'suite: NAME'"]),
    (GOOD, "- kill", ["1: the file is a list: write keys and values, beginning with 'suite: NAME'"]),
    (GOOD, "#" * 70000, [" has more than 64 KiB: a suite is a page of text"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), HEADS)
def test_what_is_wrong_with_the_file_is_said(old: str, new: str, said: list[str]) -> None:
    assert old in GOOD
    assert problems(GOOD.replace(old, new)) == said


MATRIX = 'write a list of values, such as \'matrix: {NODE_COUNT: ["3", "5"]}\''
ITEMS: list[tuple[str, list[str]]] = [
    ("partitoin", ["4: 'scenario' is 'partitoin', which is none; did you mean 'partition'?"]),
    ("Partition", ["4: 'scenario' is 'Partition': write a scenario's name, such as partition or broken/kill"]),
    ("../kill", ["4: 'scenario' is '../kill': write a scenario's name, such as partition or broken/kill"]),
    ("[kill]", ["4: an item of 'scenarios' is a list: write a scenario's name, or a map"]),
    ("", ["4: an item of 'scenarios' is empty: write a scenario's name, or a map"]),
    ("{skip: x}", ["4: an item of 'scenarios' needs either 'scenario' or 'tags'"]),
    ("{scenario: kill, tags: [network]}", ["4: an item of 'scenarios' needs either 'scenario' or 'tags'"]),
    ("{scenario: kill, without: [network]}", ["4: 'without' narrows 'tags': beside 'scenario' it means nothing"]),
    ("{scenario: kill, repeat: 2}", ["4: 'repeat' is not a key of an item of 'scenarios'; did you mean 'repeats'?"]),
    ("{scenario: kill, repeats: 101}", ["4: 'repeats' is 101: write 1 to 100"]),
    ('{scenario: kill, skip: " "}', ["4: 'skip' is empty: say why it is not played"]),
    ("{tags: netwrk}", ["4: no scenario has the tag 'netwrk'; did you mean 'network'?"]),
    ("{tags: ollama, without: twins}", ["4: no scenario has the tag 'twins'; did you mean 'twin'?"]),
    ("{tags: [network, process]}", ["4: no scenario has all of these tags: take one out"]),
    ("{scenario: kill, with: {PATH: x}}", ["4: 'with' sets 'PATH', which belongs to docker and the shell: choose another name"]),
    ("{scenario: kill, matrix: [a]}", [f"4: 'matrix' is a list: {MATRIX.replace('a list of values', 'a map')}"]),
    ("{scenario: kill, matrix: {A: []}}", [f"4: 'A' is empty: {MATRIX}"]),
    ("{scenario: kill, matrix: {A: x}}", [f"4: 'A' is a text: {MATRIX}"]),
    ("{scenario: kill, matrix: {A: [x, x]}}", ["4: 'A' has a value twice: keep one"]),
    ("{scenario: kill, matrix: {A: [[x]]}}", ["4: 'A' is a list: a variable is one text"]),
    ("{scenario: kill, with: {A: x}, matrix: {A: [y]}}", ["4: 'A' is set by 'with' as well: keep one"]),
    ("{scenario: kill, matrix: {DOCKER_HOST: [x, y]}}", ["4: 'with' sets 'DOCKER_HOST', which belongs to docker and the shell: choose another name"]),
    ("kill\n  - kill", ["5: 'kill' stands here twice (first on line 4): keep one, and say 'repeats' if it is to be played more often"]),
]  # fmt: skip


@pytest.mark.parametrize(("item", "said"), ITEMS)
def test_what_is_wrong_with_an_item_is_said(item: str, said: list[str]) -> None:
    assert problems(with_item(item)) == said


def test_twice_on_one_line_is_twice_as_well() -> None:
    (said,) = problems("suite: nightly\nabout: x\nscenarios: [kill, kill]\n")
    assert said.startswith("3: 'kill' stands here twice")


def test_a_matrix_cannot_be_a_bomb() -> None:
    axes = ", ".join(f"V{axis}: [{', '.join(f'x{n}' for n in range(40))}]" for axis in range(6))
    assert problems(with_item(f"{{scenario: kill, matrix: {{{axes}}}}}")) == [
        "4: 'matrix' has more than 1,000 settings: take some values out"
    ]
    assert problems(with_item("{scenario: kill, repeats: 100, matrix: {A: [a,b,c,d,e,f,g,h,i,j,k]}}")) == [
        "3: makes 1,100 runs: at most 1,000; take some out"
    ]


def test_everything_is_said_at_once() -> None:
    assert len(problems("suite: 1\nscenarios: [partitoin, {scenario: kill, skip: ''}, {tags: x}]\n")) == 5


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: GOOD.encode() + text.encode()))
def test_whatever_the_bytes_are_it_is_a_suite_or_a_list_of_problems(data: bytes) -> None:
    try:
        assert parse(data, "nightly.yaml", KNOWN).plays
    except ScenarioError as error:
        assert error.problems


def _known() -> dict[str, Known]:
    found = {}
    for file in sorted(SUITES.parent.rglob("*.yaml")):
        if file.parent != SUITES:
            scenario = parse_file(file, file.name).scenario
            assert isinstance(scenario, Scenario)
            name = file.relative_to(SUITES.parent).with_suffix("").as_posix()
            found[name] = Known(scenario.tags, scenario.phases.total_s)
    return found


OVERHEAD_S = 14.0  # of a run beside its phases: images there, ready, taken down, judged


@pytest.mark.parametrize(("name", "at_most_s"), [("smoke", 180.0), ("nightly", 3600.0), ("signoff", 4 * 3600.0)])
def test_a_shipped_suite_is_well_and_fits_into_its_time(name: str, at_most_s: float) -> None:
    file = SUITES / f"{name}.yaml"
    suite = parse(file.read_bytes(), file.name, _known())
    assert suite.time_limit_s == at_most_s
    assert sum(play.repeats * (play.lasts_s + OVERHEAD_S) for play in suite.plays) < at_most_s
    assert any(play.scenario.startswith("broken/") for play in suite.plays)


def test_nights_spread_nothing_beside_a_scenario_of_its_own() -> None:
    said = "'nights' spreads what 'tags' mean: beside 'scenario' it means nothing"
    assert problems(with_item("{scenario: kill, nights: 3}")) == [f"4: {said}"]
    assert problems(with_item("{tags: [ollama], nights: 0}"))[0] == "4: 'nights' is 0: write how many"
