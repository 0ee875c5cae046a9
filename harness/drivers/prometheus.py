"""Questions to the run's Prometheus, over its port on 127.0.0.1."""

import math

import requests

from harness.engine import Answer


class Prometheus:
    """Implements ``engine.Monitor``."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1/query"
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the user's has no business on loopback

    def ask(self, query: str, time_s: float) -> Answer:
        try:
            response = self._session.get(self._url, params={"query": query, "time": f"{time_s:.3f}"}, timeout=5)
            body = response.json()
        except (requests.RequestException, ValueError) as error:
            return Answer(None, f"Prometheus did not answer: {error}")
        if body.get("status") != "success":
            return Answer(None, f"Prometheus refused the query: {body.get('error', 'no reason given')}")
        return _number(body["data"])


def _number(data: dict[str, object]) -> Answer:
    result = data.get("result")
    if data.get("resultType") == "scalar" and isinstance(result, list):
        return _finite(str(result[1]))
    if not isinstance(result, list) or not result:
        return Answer(None, "Prometheus has no data for it at that time")
    if len(result) > 1:
        return Answer(None, f"it gives {len(result)} series; aggregate them to one, for instance with max()")
    return _finite(str(result[0]["value"][1]))


def _finite(text: str) -> Answer:
    value = float(text)
    return Answer(value) if math.isfinite(value) else Answer(None, f"it gives {text}, which is not a number to compare")
