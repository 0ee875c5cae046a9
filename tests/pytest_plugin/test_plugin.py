"""What pytest sees where there is no engine, or where a test is written wrongly; in a process of its own each."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.pytest_plugin.plugin import _name

TEST = """
import pytest

{mark}
def test_it(chaos):
    assert False, "it must not run"
"""


def run(folder: Path, mark: str, *arguments: str, path: str = "") -> str:
    (folder / "test_it.py").write_text(TEST.format(mark=mark))
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "PATH": path or os.environ["PATH"]}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout + done.stderr


def test_without_an_engine_a_test_is_skipped_and_the_reason_says_what_to_do(tmp_path: Path) -> None:
    output = run(tmp_path, '@pytest.mark.chaos(cluster="ollama")', path=str(tmp_path))
    assert "1 skipped" in output
    assert "chaos tests need a container engine" in output and "install it with: harness engine" in output


def test_where_an_engine_is_required_its_absence_is_no_skip(tmp_path: Path) -> None:
    output = run(tmp_path, '@pytest.mark.chaos(cluster="ollama")', "--chaos-require-engine", path=str(tmp_path))
    assert "1 error" in output and "skipped" not in output


def test_a_test_that_names_no_cluster_is_told_how(tmp_path: Path) -> None:
    output = run(tmp_path, "")
    assert "names no cluster: mark it with @pytest.mark.chaos(cluster='docker-compose.yml')" in output


def test_a_scope_that_is_none_is_refused(tmp_path: Path) -> None:
    output = run(tmp_path, '@pytest.mark.chaos(cluster="ollama", scope="modul")')
    assert "scope is 'modul': write one of function, module, session" in output


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("test_it", "test-it"),
        ("test_it[two words]", "test-it-two-words"),
        ("7th", "test-7th"),
        ("test_" + 60 * "x", "test-" + 35 * "x"),
    ],
)
def test_a_record_has_the_name_of_its_test(test: str, name: str) -> None:
    assert _name(test) == name
