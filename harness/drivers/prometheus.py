"""Questions to the run's Prometheus, over its port on 127.0.0.1."""

import math
from typing import Any

import requests

from harness.engine import Answer, Range


class Prometheus:
    """Implements ``engine.Monitor``."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1"
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the user's has no business on loopback

    def ask(self, query: str, time_s: float) -> Answer:
        data = self._get("query", {"query": query, "time": f"{time_s:.3f}"})
        return Answer(None, data) if isinstance(data, str) else _number(data)

    def range(self, query: str, start_s: float, end_s: float, step_s: float) -> Range:
        span = {"start": f"{start_s:.3f}", "end": f"{end_s:.3f}", "step": f"{step_s:.3f}"}
        data = self._get("query_range", {"query": query, **span})
        if isinstance(data, str):
            return Range((), data)
        return _course(data, start_s, step_s, steps_of(start_s, end_s, step_s))

    def _get(self, what: str, words: dict[str, str]) -> dict[str, Any] | str:
        """The ``data`` of the answer, or the sentence that says why there is none."""
        try:
            body = self._session.get(f"{self._url}/{what}", params=words, timeout=5).json()
        except (requests.RequestException, ValueError) as error:
            return f"Prometheus did not answer: {error}"
        if body.get("status") != "success":
            return f"Prometheus refused the query: {body.get('error', 'no reason given')}"
        found: dict[str, Any] = body["data"]
        return found


def steps_of(start_s: float, end_s: float, step_s: float) -> int:
    """How many values a course has. In whole milliseconds: seconds since 1970 are only known to 0.2 us as floats."""
    return (round(end_s * 1000) - round(start_s * 1000)) // round(step_s * 1000) + 1


def _number(data: dict[str, Any]) -> Answer:
    result = data.get("result")
    if data.get("resultType") == "scalar" and isinstance(result, list):
        return _finite(str(result[1]))
    if not isinstance(result, list) or not result:
        return Answer(None, "Prometheus has no data for it at that time")
    if len(result) > 1:
        return Answer(None, _several(len(result)))
    return _finite(str(result[0]["value"][1]))


def _course(data: dict[str, Any], start_s: float, step_s: float, steps: int) -> Range:
    """That it had no data for any step is an answer: an alert that never fired has none."""
    result = data["result"]
    if len(result) > 1:
        return Range((), _several(len(result)))
    values: list[float | None] = [None] * steps
    for at_s, text in result[0]["values"] if result else ():
        values[round((at_s - start_s) / step_s)] = _finite(text).value
    return Range(tuple(values))


def _several(series: int) -> str:
    return f"it gives {series} series; aggregate them to one, for instance with max()"


def _finite(text: str) -> Answer:
    value = float(text)
    return Answer(value) if math.isfinite(value) else Answer(None, f"it gives {text}, which is not a number to compare")
