"""Asking the engine: its hiccups are asked again, its errors become ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import docker.errors
import requests
from tenacity import Retrying, retry_if_exception, retry_if_exception_type, stop_after_attempt, wait_fixed

from harness.errors import EngineError


@contextmanager
def translated(what: str) -> Iterator[None]:
    """The engine's errors as ours."""
    try:
        yield
    except docker.errors.APIError as error:
        raise EngineError(f"{what}: the engine refused: {error.explanation}") from error
    except requests.RequestException as error:
        raise EngineError(f"{what}: the engine did not answer: {error}") from error


patient = Retrying(
    retry=retry_if_exception_type((docker.errors.APIError, requests.ConnectionError))
    & retry_if_exception(lambda error: not isinstance(error, docker.errors.NotFound)),
    stop=stop_after_attempt(4),
    wait=wait_fixed(0.3),
    reraise=True,
)
