"""The plugin as people use it: the example of its page, on a real cluster, in a pytest of its own."""

import re
import subprocess
import sys
from pathlib import Path

import docker
import pytest

from harness.cli import results
from harness.judge.judge import judge
from harness.judge.verdict import decode, encode
from harness.recording import events
from harness.recording.folder import JOURNAL, VERDICT, read
from tests.cluster.experiments import left_of

PAGE = Path(__file__).parents[2] / "docs" / "pytest.md"


def example() -> str:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    return found[1]


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--chaos-artifacts", "records"]
    done = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=400, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_example_has_at_most_fifteen_lines() -> None:
    assert len(example().strip().splitlines()) <= 15


OTHERS = """
import pytest
from harness.pytest_plugin import Kill

pytestmark = pytest.mark.chaos(cluster="ollama", scope="module", with_={"NODE_COUNT": 1})


def test_a_body_that_fails_is_healed_all_the_same(chaos):
    with pytest.raises(ZeroDivisionError):
        with chaos.fault(Kill("n1")):
            1 / 0


def test_the_same_cluster_again(chaos):
    with chaos.fault(Kill("n1")):
        pass
"""


@pytest.mark.usefixtures("images")
def test_the_example_of_the_page_runs_as_it_stands_beside_another_cluster_and_is_judged_again_to_the_same_verdict(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    (tmp_path / "test_example.py").write_text(example())
    (tmp_path / "test_others.py").write_text(OTHERS)
    code, output = run(tmp_path, "-n", "2", "--dist", "loadscope", "test_example.py", "test_others.py")
    records = {file.parent.parent.name: read(file.parent) for file in (tmp_path / "records").rglob(JOURNAL)}
    projects = {name: one.began.project for name, one in records.items() if one.began}
    first, again = "test-a-body-that-fails-is-healed-all-the", "test-the-same-cluster-again"
    assert projects[first] == projects[again] and len(set(projects.values())) == 2, output
    assert [left_of(engine, project) for project in set(projects.values())] == [[], []]
    for name in (first, again):
        assert [len(records[name].of(kind)) for kind in (events.FaultFired, events.FaultHealed)] == [1, 1], output
    (record,) = (file.parent for file in (tmp_path / "records").rglob(VERDICT))
    scenario, evidence = results.load(record)
    recorded = (record / VERDICT).read_bytes()
    assert encode(judge(scenario, evidence)) == recorded
    verdict = decode(recorded)
    seen = [(f.name, f.seen, f.exercised, f.healed) for f in verdict.faults]
    assert seen == [("partition", True, True, True)], output
    # A machine that is too busy makes it inconclusive, and then the test fails with that word: it never passes.
    assert (code, verdict.outcome) in ((0, "held"), (1, "inconclusive")), output
    if code:
        assert "INCONCLUSIVE" in output and verdict.sentence[:40] in output
    assert (record / results.REPORT).is_file()
