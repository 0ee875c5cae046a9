"""``harness init`` on files alone, and what it refuses. Needs the compose plugin and no engine."""

from pathlib import Path

import pytest

from tests.cli.conftest import Harness, Said, write

FILE = """
    services:
      app: {image: busybox, ports: ["8000:80"], depends_on: [my_db]}   # a comment of a user's own
      my_db: {image: postgres}
"""


def test_a_file_is_made_ready_without_being_started_and_stays_as_it_is(harness: Harness) -> None:
    write("docker-compose.yml", FILE)
    before = Path("docker-compose.yml").read_text()
    said = harness("init", "--no-start", "docker-compose.yml")
    assert (said.code, said.err) == (0, ""), said
    assert said.out.splitlines()[:3] == [
        "docker-compose.yml stays as it is; beside it docker-compose.harness.yml says what it cannot:",
        "  app            port: 80",
        "  my_db          name: my-db, port: 5432",
    ]
    assert "guessed from the file" in said.out
    assert Path("docker-compose.yml").read_text() == before
    assert harness("check", "first.yaml").out.splitlines()[0] == "first.yaml: well (1 fault, 4 objectives, 2 nodes)"


def test_what_is_there_is_never_written_over(harness: Harness) -> None:
    write("docker-compose.yml", FILE)
    write("first.yaml", "mine")
    said = harness("init", "--no-start", "docker-compose.yml")
    assert said == Said(2, "", "first.yaml is there already; move it away, or edit it by hand.\n")
    assert not Path("docker-compose.harness.yml").exists()
    assert harness("init", "--no-start", "docker-compose.yml", "--scenario", "second").code == 0
    said = harness("init", "--no-start", "docker-compose.yml", "--scenario", "third")
    assert said == Said(2, "", "docker-compose.harness.yml is there already; move it away, or edit it by hand.\n")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("services: {a: {image: i, network_mode: host}}", "service a: network_mode host leaves no namespace"),
        ("services: {a: {image: i, bogus: 1}}", "docker compose cannot read it"),
        ("services: {a: {image: i, deploy: {replicas: 1000}}}", "service a: 1000 nodes; write a count from 1 to 100."),
        ("services: {a: {image: i, scale: 0}}", "service a: 0 nodes; write a count from 1 to 100."),
    ],
)
def test_a_file_that_cannot_be_woven_is_refused_in_one_sentence(harness: Harness, text: str, sentence: str) -> None:
    write("x.yml", text)
    said = harness("init", "x.yml")
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert sentence in said.err
    assert sorted(path.name for path in Path().glob("x*")) == ["x.yml"]


def test_a_file_that_is_not_there_is_said_so(harness: Harness) -> None:
    assert harness("init", "x.yml") == Said(2, "", "x.yml: there is no such file; give the path of a compose file.\n")
