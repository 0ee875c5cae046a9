"""Containers that somebody else makes and starts (testcontainers): our sidecars join their network namespaces.

So their ports, wait strategies and names go on working; what changes is who owns the namespace. A container that is
started again has another one, and its sidecar has to join it anew (``rejoin``).
"""

from collections.abc import Mapping
from typing import Any, Protocol

import docker
import docker.errors
import yaml
from docker.models.containers import Container

from harness.cluster import CLIENT, Cluster
from harness.drivers.asking import translated
from harness.drivers.docker import DockerCluster
from harness.errors import ClusterError, EngineError
from harness.weave import Woven, pods, scrape
from harness.weave.pods import LABEL_NODE, LABEL_PART, LABEL_RECORD, LABEL_RUN
from harness.wire import Address

_LOOPBACK = "127.0.0.1"


class Made(Protocol):
    """What we need of a testcontainers ``DockerContainer`` that was not started yet."""

    ports: dict[str, Any]
    _container: Any
    _network: Any
    _kwargs: dict[str, Any]

    def with_kwargs(self, **kwargs: Any) -> Any: ...

    def start(self) -> Any: ...


def set_up() -> None:
    """testcontainers as we need it: no reaper of its own, since that mounts the engine's socket and our guardian does
    its work; and ports looked for where all of a run's are, on 127.0.0.1, also by who is in a container himself."""
    from testcontainers.core.config import ConnectionMode, testcontainers_config

    testcontainers_config.ryuk_disabled = True
    testcontainers_config.tc_host_override = _LOOPBACK
    testcontainers_config.connection_mode_override = ConnectionMode.docker_host


def refuse(made: Mapping[str, Made]) -> None:
    """What cannot be joined, in one sentence with the way out."""
    for name, container in made.items():
        if container._container is not None:
            raise ClusterError(f"{name} runs already: hand it over before it is started, so that it carries our label.")
        if container._network is not None or "network" in container._kwargs or "network_mode" in container._kwargs:
            raise ClusterError(f"{name} has a network: leave it out, the run gives it one on which it is '{name}'.")
        if container._kwargs.get("privileged"):
            raise ClusterError(f"{name}: privileged containers are not started; name its cap_add instead.")


class JoinedCluster(DockerCluster):
    """Implements ``engine.RunningCluster``. ``made``: by the node's name, not started; they start in that order."""

    def __init__(
        self,
        client: docker.DockerClient,
        labels: pods.Labels,
        cluster: Cluster,
        made: Mapping[str, Made],
        images: Mapping[str, str],
    ) -> None:
        super().__init__(client, labels.project)
        self._labels, self._cluster, self._made, self._images = labels, cluster, made, images

    def start_pods(self) -> None:
        network = f"{self._project}_default"
        label = {LABEL_RUN: self._project, LABEL_RECORD: self._labels.record}
        with translated(f"network {network} could not be made"):
            self._client.networks.create(network, labels=label)
        for node, container in self._made.items():
            self._start(node, container, network)
        self._learn()
        self._woven = self._weave(network)
        self._up(self._woven.first)
        self._learn()

    def start_nodes(self) -> None:
        """They run: what joins a namespace comes after its owner."""

    def _start(self, node: str, container: Made, network: str) -> None:
        kwargs = container._kwargs
        config = self._client.api.create_endpoint_config(aliases=[node])
        container.ports = {port: _loopback(bound) for port, bound in container.ports.items()}
        container.with_kwargs(
            **kwargs,
            labels={**kwargs.get("labels", {}), **self._labels.of("node", node)},
            network=network,
            networking_config={network: config},
        )
        try:
            container.start()
        except (docker.errors.DockerException, TimeoutError, OSError) as error:
            raise EngineError(f"{node} could not be started: {str(error).splitlines()[0]}") from error
        finally:
            container.with_kwargs(**kwargs)
        self._refuse_published(node)

    def _refuse_published(self, node: str) -> None:
        bindings = self._found("node", node).attrs["HostConfig"].get("PortBindings") or {}
        for port, bound in bindings.items():
            if any(one.get("HostIp") != _LOOPBACK for one in bound or ()):
                raise ClusterError(f"{node} publishes {port} beyond 127.0.0.1: expose it with with_exposed_ports.")

    def _weave(self, network: str) -> Woven:
        services = {pods.pod_name(node.name): self._sidecar(node.name) for node in self._cluster.nodes}
        owners = list(services)
        services |= pods.client(self._images["client"], ["default"], owners, self._images["sidecar"], self._labels)
        config = scrape.config(self._cluster).replace("$", "$$")
        prometheus = pods.prometheus(self._images["prometheus"], config, "", ["default"], owners, self._labels)
        run = {LABEL_RUN: self._project, LABEL_RECORD: self._labels.record}
        document = {
            "name": self._project,
            "services": {**services, "chaos-prometheus": prometheus},
            "networks": {"default": {"name": network, "external": True}, "chaos-metrics": {"labels": run}},
        }
        first = (*owners, "chaos-client-pod", "chaos-client", "chaos-prometheus")
        text = yaml.safe_dump(document, sort_keys=False, width=120)
        return Woven(self._cluster, text, first, (), (), tuple(sorted(self._images.values())))

    def _sidecar(self, node: str) -> dict[str, Any]:
        """Like any other, but for the namespace, which is not its own."""
        tree = pods.sidecar(node, [], {}, self._images["sidecar"], self._labels)
        del tree["networks"]
        return {**tree, "network_mode": f"container:{self._found('node', node).id}"}

    def rejoin(self, node: str) -> tuple[Address, ...]:
        """A new sidecar in the namespace that the node has now; everybody's addresses then."""
        for old in self._ours(f"{LABEL_PART}=pod", f"{LABEL_NODE}={node}"):
            self._remove(old)
        self._woven = self._weave(f"{self._project}_default")
        self._up((pods.pod_name(node),), alone=True)
        self._containers.clear()
        self._learn()
        return self.addresses()

    def addresses(self) -> tuple[Address, ...]:
        nodes = [Address(n.name, self._ips(self._container("node", n.name))) for n in self._cluster.nodes]
        return (*nodes, Address(CLIENT, self._ips(self._container("pod", CLIENT))))

    def renew(self, node: str) -> bool:
        if self._ours(f"{LABEL_PART}=node", f"{LABEL_NODE}={node}"):
            return self.start(node)
        raise EngineError(f"{node} was made by testcontainers, which alone can make it anew: use kill or restart.")

    def _pod_of(self, container: Container) -> Container:
        return self._found("pod", container.labels[LABEL_NODE])


def _loopback(bound: Any) -> Any:
    """What testcontainers publishes on every address goes on 127.0.0.1 only."""
    return (_LOOPBACK,) if bound is None else (_LOOPBACK, bound) if isinstance(bound, int) else bound
