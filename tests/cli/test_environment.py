"""The OLLAMA_TEST_* variables, each as somebody sets it."""

import pytest

from harness.cli import environment
from harness.cli.bound import Overrides, load
from harness.errors import EngineError
from tests.cli.conftest import Harness


def test_a_run_may_take_as_long_as_the_environment_says_and_not_longer_than_it_would(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual_s = load("mine", Overrides()).scenario.limit_s
    monkeypatch.setenv("OLLAMA_TEST_TIMEOUT", "25s")
    assert load("mine", Overrides()).scenario.limit_s == 25.0
    monkeypatch.setenv("OLLAMA_TEST_TIMEOUT", "30m")
    assert load("mine", Overrides()).scenario.limit_s == usual_s


@pytest.mark.parametrize(
    ("text", "said"),
    [("20s", "OLLAMA_TEST_TIMEOUT: is 20s, and the phases of mine alone last 20 s"), ("30", "OLLAMA_TEST_TIMEOUT: ")],
)
def test_a_time_in_which_nothing_can_be_played_is_refused(
    text: str, said: str, harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_TEST_TIMEOUT", text)
    refused = harness("check", "mine")
    assert refused.code == 2
    assert refused.err.startswith(said)


def test_without_docker_nothing_is_started(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_TEST_USE_DOCKER", "0")
    refused = harness("run", "mine")
    assert refused.code == EngineError.exit_code
    assert refused.err == "OLLAMA_TEST_USE_DOCKER is 0, and a run needs containers: unset it, or use 'check'.\n"


@pytest.mark.parametrize(("value", "plain"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_a_ci_job_gets_plain_lines(value: str, plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_TEST_CI", value)
    assert environment.in_ci() is plain
