"""The command line in a folder of a user's own, with nothing but compose files and scenarios in it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner

from harness.cli import command

COMPOSE = """
    services:
      app: {image: busybox, ports: ["80"]}
      db: {image: busybox, expose: ["5432"], deploy: {replicas: "${DBS:-2}"}}
"""
SCENARIO = """
    scenario: mine
    about: The database is cut off.
    cluster: small
    phases: {warmup: 5s, faults: 10s, recovery: 5s}
    traffic:
      - {name: web, client: http, to: app, rate: 5/s}
    faults:
      - {fault: partition, name: cut, at: 1s, for: 2s, links: [app -> db-1]}
    objectives:
      - {name: ok, of: web, success: ">= 99%", in: all}
"""


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said where."""

    code: int
    out: str
    err: str


Harness = Callable[..., Said]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OLLAMA_TEST_NODE_COUNT", raising=False)
    monkeypatch.delenv("OLLAMA_TEST_ARTIFACTS_DIR", raising=False)
    write("compose/small.yaml", COMPOSE)
    write("scenarios/mine.yaml", SCENARIO)
    return tmp_path


def write(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(dedent(text).lstrip())


@pytest.fixture
def harness(home: Path) -> Harness:
    def run(*arguments: str) -> Said:
        result = CliRunner().invoke(command, arguments, prog_name="harness")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    return run
