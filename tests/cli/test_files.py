"""What can be asked of files alone: check, plan, list, schema. Needs the compose plugin and no engine."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import places
from harness.faults import CATALOGUE
from harness.objectives import OBJECTIVES
from harness.traffic import CLIENTS
from tests.cli.conftest import SCENARIO, Harness, Said, write

SHIPPED = Path(__file__).parents[2] / "scenarios"
ALL = sorted(["mine", *(path.relative_to(SHIPPED).with_suffix("").as_posix() for path in SHIPPED.rglob("*.yaml"))])
ALL = [name for name in ALL if not name.startswith("suites/")]
CLUSTERS = sorted(["small", *(path.stem for path in (SHIPPED.parent / "compose").glob("*.yaml"))])

REACH = "can touch app, db-1, never db-2; no container but the run's own"


def named(name: str) -> str:
    return SCENARIO.replace("scenario: mine", f"scenario: {name}")


def test_a_good_scenario_is_said_to_be_well_with_what_it_has(harness: Harness) -> None:
    assert harness("check", "mine") == Said(0, f"mine: well (1 fault, 1 objective, 3 nodes)\nmine: {REACH}\n", "")


def test_with_sets_the_variables_of_the_compose_file(harness: Harness) -> None:
    said = harness("check", "mine", "--with", "DBS=5").out
    assert said.splitlines()[0] == "mine: well (1 fault, 1 objective, 6 nodes)"


def test_the_environment_says_how_many_nodes_unless_the_command_line_does(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("compose/small.yaml", "services: {app: {image: i, ports: ['80'], scale: '${NODE_COUNT:-1}'}}")
    write("scenarios/mine.yaml", SCENARIO.replace("to: app", "to: app-1").replace("app -> db-1", "app-1 -> app-2"))
    monkeypatch.setenv("OLLAMA_TEST_NODE_COUNT", "4")
    assert "4 nodes" in harness("check", "mine").out
    assert "2 nodes" in harness("check", "mine", "--with", "NODE_COUNT=2").out


def test_a_scenario_can_be_given_as_a_file(harness: Harness) -> None:
    write("elsewhere/x.yaml", named("x"))
    said = harness("check", "elsewhere/x.yaml").out
    assert said == f"elsewhere/x.yaml: well (1 fault, 1 objective, 3 nodes)\nelsewhere/x.yaml: {REACH}\n"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("mien", "mien: there is no scenario of that name; did you mean 'mine'?"),
        ("zzz", f"zzz: there is no scenario of that name; 'harness list scenarios' shows all {len(ALL)}"),
        ("zzz.yaml", "zzz.yaml: cannot be read (No such file or directory): check its name"),
    ],
)
@pytest.mark.parametrize("verb", ["check", "plan", "run"])
def test_a_scenario_that_is_not_there_is_said_so(harness: Harness, verb: str, name: str, sentence: str) -> None:
    assert harness(verb, name) == Said(2, "", f"{sentence}\n1 problem; nothing was started.\n")


@pytest.mark.parametrize("verb", ["check", "plan", "run"])
def test_every_problem_of_a_file_is_said_at_once(harness: Harness, verb: str) -> None:
    text = SCENARIO.replace("to: app", "to: web").replace("app -> db-1", "app -> db-7")
    text = text.replace("objectives:", "  - {fault: kill, name: dead, at: 1s, for: 30, nodes: [app]}\n    objectives:")
    write("scenarios/mine.yaml", text)
    assert harness(verb, "mine") == Said(
        2,
        "",
        "scenarios/mine.yaml:6: 'to' names 'web': there is no web (there are app, db-1, db-2)\n"
        "scenarios/mine.yaml:8: 'links' is 'app -> db-7': there is no db-7; did you mean 'db-2'?\n"
        "scenarios/mine.yaml:9: 'for' is 30: write a duration with its unit, such as 30s\n"
        "3 problems; nothing was started.\n",
    )


def test_the_problems_of_several_files_are_said_together(harness: Harness) -> None:
    write("scenarios/other.yaml", named("other").replace("partition", "partiton"))
    assert harness("check", "nope", "mine", "other") == Said(
        2,
        f"mine: well (1 fault, 1 objective, 3 nodes)\nmine: {REACH}\n",
        f"nope: there is no scenario of that name; 'harness list scenarios' shows all {len(ALL) + 1}\n"
        "scenarios/other.yaml:8: 'partiton' is not a fault; did you mean 'partition'?\n"
        "2 problems; nothing was started.\n",
    )


def test_a_cluster_that_is_not_there_is_said_with_those_that_are(harness: Harness) -> None:
    write("scenarios/mine.yaml", SCENARIO.replace("cluster: small", "cluster: smal"))
    words = f"'cluster' is 'smal': there is no compose/smal.yaml (there are {', '.join(CLUSTERS)})"
    assert harness("check", "mine") == Said(2, "", f"scenarios/mine.yaml:3: {words}\n1 problem; nothing was started.\n")


def test_a_compose_file_that_its_plugin_cannot_read_is_named_with_what_it_says(harness: Harness, home: Path) -> None:
    write("compose/small.yaml", "services: {app: {imag: busybox}}")
    said = harness("check", "mine")
    assert (said.code, said.out) == (2, "")
    seen = "scenarios/mine.yaml:3: 'cluster' is 'small', and compose/small.yaml: docker compose cannot read it: "
    assert said.err.startswith(seen)
    assert "imag" in said.err and said.err.endswith("\n1 problem; nothing was started.\n")


def test_a_variable_that_the_compose_file_demands_is_asked_for(harness: Harness, home: Path) -> None:
    write("compose/small.yaml", "services: {app: {image: '${IMAGE:?say which image}', ports: ['80']}}")
    said = harness("check", "mine")
    assert said.code == 2 and "say which image" in said.err


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("check", "'DBS': write NAME=VALUE"),
        ("plan", "'DBS': write NAME=VALUE"),
        ("run", "'DBS': write NAME=VALUE"),
    ],
)
def test_with_wants_a_name_and_a_value(harness: Harness, verb: str, words: str) -> None:
    said = harness(verb, "mine", "--with", "DBS")
    assert said.code == 2
    assert said.err.endswith(f"Error: Invalid value for '--with': {words}\n")


def test_a_cluster_that_cannot_be_woven_is_refused_by_check_already(harness: Harness) -> None:
    write("compose/small.yaml", "services: {app: {image: i, ports: ['80'], privileged: true}}")
    said = harness("check", "mine")
    assert said.code == 2
    assert "service app: privileged containers are not started; name its cap_add instead." in said.err


def test_a_plan_is_the_exact_timeline(harness: Harness) -> None:
    said = harness("plan", "mine")
    assert (said.code, said.err) == (0, "")
    head, timeline, *_ = said.out.split("\n\n")
    assert head == "mine · small · 3 nodes · seed 1\nThe database is cut off."
    assert timeline.splitlines() == [
        "timeline, in seconds since warm-up began",
        "   0.000  phase   warmup    for 5 s",
        "   5.000  phase   faults    for 10 s",
        "   6.000  inject  cut       app -> db-1 cut (drop)",
        "   8.000  heal    cut       after 2 s",
        "  15.000  phase   recovery  for 5 s",
        "  20.000  phase   end       load stops",
    ]


def test_lists_have_a_line_for_each_thing(harness: Harness) -> None:
    def names(what: str) -> list[str]:
        return [line.split()[0] for line in harness("list", what).out.split("\n\n")[0].splitlines() if line[0] != " "]

    assert names("clusters") == CLUSTERS
    assert names("scenarios") == ALL
    assert "mine  scenarios/mine.yaml  The database is cut off." in _squeezed(harness("list", "scenarios").out)
    assert names("faults") == list(CATALOGUE)
    assert names("clients") == list(CLIENTS)
    assert names("objectives") == list(OBJECTIVES)


def _squeezed(text: str) -> list[str]:
    return [re.sub("  +", "  ", line) for line in text.splitlines()]


def test_the_schema_is_json_and_knows_every_fault(harness: Harness) -> None:
    said = harness("schema")
    assert said.code == 0 and {"scenario", "faults"} <= set(json.loads(said.out)["properties"])


def test_the_users_own_scenario_goes_before_ours_of_the_same_name(harness: Harness) -> None:
    write("scenarios/kill.yaml", named("kill"))
    assert harness("check", "kill").out == f"kill: well (1 fault, 1 objective, 3 nodes)\nkill: {REACH}\n"


def test_a_scenario_is_called_by_its_path_below_its_folder() -> None:
    assert places.name_of(Path("/x/scenarios/broken/kill.yaml")) == "broken/kill"
    assert places.name_of(Path("/x/y/kill.yaml")) == "kill"


def test_records_are_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_TEST_ARTIFACTS_DIR", "/somewhere")
    assert places.runs() == Path("/somewhere")
    monkeypatch.setenv("OLLAMA_TEST_ARTIFACTS_DIR", "")
    assert places.runs() == Path("runs")


def test_without_a_docker_command_it_is_said_how_to_get_one(home: Path) -> None:
    command = [sys.executable, "-m", "harness", "check", "mine"]
    done = subprocess.run(command, env={**os.environ, "PATH": str(home)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "there is no docker command; install it with: make engine\n"


OWN = SCENARIO.replace("client: http", "client: python, file: asks.py, class: Ask")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("class Ask:\n    async def ask(self, number): ...\n", "mine: well (1 fault, 1 objective, 3 nodes)"),
        (None, "'file' names 'asks.py', which cannot be read (No such file or directory): write its path from"),
        ("class Ask(:", "'file' names 'asks.py', which is not Python: invalid syntax"),
        ("class Other: ...", "'class' is 'Ask', and asks.py has no such class at its top"),
        ("class Ask: ...", "'class' is 'Ask', which has no 'ask': write 'def ask(self, number)' in it"),
        (f"x = '{'y' * 70_000}'", "'file' names 'asks.py', which has more than 64 KiB"),
    ],
)
def test_a_client_of_the_users_own_is_looked_at_before_anything_starts(
    harness: Harness, source: str | None, sentence: str
) -> None:
    write("scenarios/mine.yaml", OWN)
    if source is not None:
        write("scenarios/asks.py", source)
    said = harness("check", "mine")
    assert sentence in said.out + said.err
