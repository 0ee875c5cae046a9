"""Where a run's nodes are reached from this machine: the ports that the compose file publishes, on 127.0.0.1."""

from collections.abc import Iterator
from dataclasses import dataclass

import docker

from harness.drivers.asking import translated
from harness.weave.pods import LABEL_NODE, LABEL_PART, LABEL_RUN


@dataclass(frozen=True, slots=True, order=True)
class Published:
    """``node``: whose port it is, or ``prometheus``. ``address``: of this machine, such as 127.0.0.1:32768."""

    node: str
    port: int
    address: str


def published(client: docker.DockerClient, project: str) -> tuple[Published, ...]:
    """Of everything that carries the run's label. Raises ``EngineError``."""
    with translated(f"the ports of {project}"):
        filters: dict[str, str | list[str] | bool] = {"label": f"{LABEL_RUN}={project}"}
        found = client.containers.list(filters=filters)
        return tuple(sorted(one for container in found for one in _of(container.labels, container.ports)))


def _of(labels: dict[str, str], ports: dict[str, list[dict[str, str]] | None]) -> Iterator[Published]:
    name = "prometheus" if labels[LABEL_PART] == "prometheus" else labels[LABEL_NODE]
    for port, bindings in ports.items():
        for binding in (bindings or ())[:1]:
            yield Published(name, int(port.partition("/")[0]), f"{binding['HostIp']}:{binding['HostPort']}")
