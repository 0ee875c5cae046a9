"""The load a scenario puts on its cluster: one class per client, one line in the table."""

from harness.traffic.base import Traffic
from harness.traffic.http import Http
from harness.traffic.ollama import OllamaGenerate

CLIENTS: dict[str, type[Traffic]] = {kind.client: kind for kind in (OllamaGenerate, Http)}

__all__ = ["CLIENTS", "Traffic"]
