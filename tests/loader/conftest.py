import pytest

from harness.cluster import Cluster, Node


@pytest.fixture(scope="session")
def ollama() -> Cluster:
    """compose/ollama.yaml as weave reads it."""
    gateway = Node("gateway", "gateway", "gateway", "gateway", ports=(8080,), metrics="8405/metrics")
    volumes = ("/scratch", "/data")
    nodes = (Node(f"n{i}", "node", "node", f"n{i}", index=i, ports=(11434,), volumes=volumes) for i in (1, 2, 3))
    return Cluster("ollama", (gateway, *nodes))
