"""What the OLLAMA_TEST_* variables say; a flag goes before the scenario, the scenario before these."""

import os
from collections.abc import Mapping
from dataclasses import replace

from harness import units
from harness.errors import EngineError, Problem, ScenarioError
from harness.scenario import Scenario

_NO = ("0", "false", "no", "off")


def variables() -> Mapping[str, str]:
    """Those that are variables of the compose file."""
    count = os.environ.get("OLLAMA_TEST_NODE_COUNT")
    return {"NODE_COUNT": count} if count else {}


def limited(scenario: Scenario) -> Scenario:
    """OLLAMA_TEST_TIMEOUT: how long a run may take whose file does not say so. Raises ``ScenarioError``."""
    name = "OLLAMA_TEST_TIMEOUT"
    text = os.environ.get(name)
    if not text or scenario.time_limit_s is not None:
        return scenario
    try:
        limit_s = units.duration_s(text)
    except ValueError as error:
        raise ScenarioError([Problem(name, 0, str(error))]) from error
    if limit_s <= scenario.phases.total_s:
        lasts = units.show_planned_s(scenario.phases.total_s)
        raise ScenarioError([Problem(name, 0, f"is {text}, and the phases of {scenario.name} alone last {lasts}")])
    return replace(scenario, time_limit_s=min(scenario.limit_s, limit_s))


def in_ci() -> bool:
    """OLLAMA_TEST_CI: progress in plain lines, whatever the terminal can do."""
    return os.environ.get("OLLAMA_TEST_CI", "0").lower() not in ("", *_NO)


def refuse_without_docker() -> None:
    """OLLAMA_TEST_USE_DOCKER=0: nothing may be started. Raises ``EngineError``."""
    value = os.environ.get("OLLAMA_TEST_USE_DOCKER", "")
    if value.lower() in _NO:
        raise EngineError(f"OLLAMA_TEST_USE_DOCKER is {value}, and a run needs containers: unset it, or use 'check'.")
