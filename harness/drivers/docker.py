"""One run's containers on a Docker engine, found by the run's label: start, act, watch, remove."""

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import docker
import docker.errors
import requests
from docker.models.containers import Container
from docker.types import CancellableStream

from harness.cluster import CLIENT, Cluster
from harness.drivers import beside, compose, use
from harness.drivers.asking import patient, translated
from harness.drivers.deeds import Deeds
from harness.drivers.prometheus import Prometheus
from harness.drivers.remove import remove
from harness.drivers.shares import Accounts
from harness.drivers.streams import AttachStream, ExecStream
from harness.engine import Change, Removed, Shares, Use
from harness.errors import EngineError
from harness.primitives import Beside
from harness.weave import Woven
from harness.weave.pods import LABEL_NODE, LABEL_PART, LABEL_RECORD, LABEL_RUN
from harness.wire import Address

_T = TypeVar("_T")
_THREADS = 8
_LOG_BYTES = 20 << 20


def connect() -> docker.DockerClient:
    """The engine that the docker command would use: DOCKER_HOST, else the current context."""
    host = os.environ.get("DOCKER_HOST")
    if not host:
        asked = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
        try:
            host = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=False).stdout.strip() or None
        except (OSError, subprocess.TimeoutExpired):
            host = None
    try:
        return docker.DockerClient(base_url=host, max_pool_size=64, timeout=60)
    except docker.errors.DockerException as error:
        raise EngineError(f"no container engine answers at {host or 'the default socket'}: {error}") from error


class DockerCluster(Deeds):
    """Implements ``engine.RunningCluster``; ``woven`` None: a run of which only the label is known, to be removed."""

    def __init__(self, client: docker.DockerClient, project: str, woven: Woven | None = None, folder: Path = Path()):
        self._client, self._project, self._woven, self._folder = client, project, woven, folder
        self._containers: dict[tuple[str, str], Container] = {}
        self._accounts = Accounts()
        self._events: CancellableStream[dict[str, Any]] | None = None

    # --- starting -----------------------------------------------------------------------------------------------------

    def start_pods(self) -> None:
        self._up(self._known.first)
        self._learn()

    def start_nodes(self) -> None:
        self._up(self._known.then)
        self._learn()

    @property
    def _known(self) -> Woven:
        if self._woven is None:
            raise EngineError(f"run {self._project} is known by its label only: it can be removed, not started.")
        return self._woven

    def _up(self, services: tuple[str, ...], *, alone: bool = False) -> None:
        compose.up(self._known.text, self._folder, services, alone=alone)

    def _learn(self) -> None:
        for container in self._ours():
            self._containers[container.labels[LABEL_PART], container.labels[LABEL_NODE]] = container

    def _ours(self, *labels: str) -> list[Container]:
        """The run's containers, or those of them that carry all these labels too."""
        filters: dict[str, str | list[str] | bool] = {"label": [f"{LABEL_RUN}={self._project}", *labels]}
        return self._asked(lambda: self._client.containers.list(all=True, ignore_removed=True, filters=filters))

    def _found(self, part: str, node: str) -> Container:
        """As the engine has it now: after a removal a node's container is another one."""
        found = self._ours(f"{LABEL_PART}={part}", f"{LABEL_NODE}={node}")
        if not found:
            raise EngineError(f"run {self._project} has no {part} container for {node}: was it removed?")
        return found[0]

    def _container(self, part: str, node: str) -> Container:
        if (part, node) not in self._containers:
            self._learn()
        found = self._containers.get((part, node))
        if found is None:
            raise EngineError(f"run {self._project} has no {part} container for {node}: was it removed?")
        return found

    def addresses(self) -> tuple[Address, ...]:
        cluster: Cluster = self._known.cluster
        pods = dict.fromkeys([node.pod for node in cluster.nodes])
        by_pod = {pod: self._ips(self._container("pod", pod)) for pod in (*pods, CLIENT)}
        nodes = [Address(node.name, by_pod[node.pod]) for node in cluster.nodes]
        return (*nodes, Address(CLIENT, by_pod[CLIENT]))

    @staticmethod
    def _ips(container: Container) -> tuple[str, ...]:
        networks = container.attrs["NetworkSettings"]["Networks"].values()
        found = [n[key] for n in networks for key in ("IPAddress", "GlobalIPv6Address") if n.get(key)]
        if not found:
            raise EngineError(f"{container.name} has no address: it ended right after it was started.")
        return tuple(found)

    def fetch_images(self, say: Callable[[str], None]) -> None:
        """Build and pull, before anything is started, what the user's services run. Raises ``ImageError``."""
        if built := self._known.built:
            say(f"building the image of {', '.join(built)}")
            compose.build(self._known.text, self._folder, built)
        for image, node in self._known.foreign:
            if not self._has_image(image):
                say(f"pulling {image}")
                compose.pull(self._known.text, self._folder, image, node)

    def _has_image(self, image: str) -> bool:
        with translated(f"looking for image {image}"):
            try:
                self._client.images.get(image)
            except docker.errors.ImageNotFound:
                return False
        return True

    # --- talking ------------------------------------------------------------------------------------------------------

    def open_agent(self, pod: str) -> ExecStream:
        container = self._container("pod", pod)
        return ExecStream(self._client.api, container.name or pod, ["python3", "-m", "harness.agent"])

    def open_client(self) -> ExecStream:
        container = self._container("client", CLIENT)
        return ExecStream(self._client.api, container.name or CLIENT, ["python3", "-m", "harness.client"])

    def open_beside(self, node: str, fault: str, primitives: Sequence[Beside]) -> AttachStream:
        found = self._found("node", node)
        with translated(f"no agent could be started beside {node}"):
            return beside.open_agent(self._client, found, self._pod_of(found), fault, primitives)

    def close_beside(self, node: str, fault: str) -> None:
        for container in self._ours(
            f"{LABEL_PART}={beside.PART}", f"{LABEL_NODE}={node}", f"{beside.LABEL_FAULT}={fault}"
        ):
            self._remove(container)

    def monitor(self) -> Prometheus:
        container = self._container("prometheus", "prometheus")
        container.reload()
        bindings = container.ports.get("9090/tcp")
        if not bindings:
            raise EngineError(
                "Prometheus has no port on 127.0.0.1: it ended right after it was started; its log says why "
                "(an 'expr' under 'alerts' that is no PromQL ends it)."
            )
        return Prometheus(int(bindings[0]["HostPort"]))

    # --- acting: see ``Deeds``; here is what needs the woven file -----------------------------------------------------

    def renew(self, node: str) -> bool:
        if self._ours(f"{LABEL_PART}=node", f"{LABEL_NODE}={node}"):
            return self.start(node)
        self._up((node,), alone=True)
        return True

    def _ports(self, node: str) -> tuple[int, ...]:
        return self._known.cluster.node(node).ports if self._woven else ()

    # --- watching -----------------------------------------------------------------------------------------------------

    def use(self, node: str) -> Use | None:
        with translated(f"what {node} uses"):
            try:
                return use.seen(self._client.api, str(self._container("node", node).id))
            except docker.errors.NotFound:
                self._containers.pop(("node", node), None)  # removed: if there is another, it is found the next time
                return None

    def shares(self) -> Shares | None:
        filters = {"label": f"{LABEL_RUN}={self._project}"}
        return self._accounts.shares(
            [c["Id"] for c in self._asked(lambda: self._client.api.containers(filters=filters))]
        )

    def changes(self) -> Iterator[Change]:
        filters = {"label": f"{LABEL_RUN}={self._project}", "type": "container"}
        self._events = self._client.api.events(decode=True, filters=filters)
        try:
            for event in self._events:
                labels = event["Actor"]["Attributes"]
                code = labels.get("exitCode")
                yield Change(labels[LABEL_PART], labels[LABEL_NODE], event["Action"], int(code) if code else None)
        except (requests.RequestException, OSError, AttributeError):
            return  # closed under us by stop()

    def save_logs(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._in_parallel(lambda container: self._save_log(container, folder), self._ours())

    @staticmethod
    def _save_log(container: Container, folder: Path) -> None:
        labels = container.labels
        if labels[LABEL_PART] == beside.PART:
            return  # it says everything it has to say to us, and may be gone by now
        try:
            text: bytes = container.logs(timestamps=True, tail=200_000)
        except docker.errors.APIError as error:  # such as with 'logging: {driver: none}'
            text = f"(the engine has no log of it: {error.explanation})\n".encode()
        (folder / f"{labels[LABEL_NODE]}.{labels[LABEL_PART]}.log").write_bytes(text[-_LOG_BYTES:])

    # --- leaving ------------------------------------------------------------------------------------------------------

    def stop(self) -> Removed:
        with translated(f"run {self._project} could not be removed"):
            removed = remove(self._client.api, self._project)
        self._close_events()
        return removed

    def _close_events(self) -> None:
        if self._events is not None:
            self._events.close()

    def _remove(self, container: Container) -> None:
        """What is gone already is as good."""
        with suppress(EngineError):
            self._asked(lambda: container.remove(force=True, v=True))

    def _in_parallel(self, act: Callable[[_T], None], things: Iterable[_T]) -> None:
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(act, things))

    def _asked(self, call: Callable[[], _T]) -> _T:
        """The engine's answer; hiccups are asked again, and a refusal becomes an error of ours."""
        with translated(f"run {self._project}"):
            return patient(call)


@dataclass(frozen=True, slots=True)
class Remains:
    """What a run has on an engine. ``harmless``: networks only; nothing runs in them, and nothing is kept."""

    record: Path
    harmless: bool


def runs_on(client: docker.DockerClient) -> dict[str, Remains]:
    """Every run that has a container, a network or a volume on this engine, by project."""
    label: dict[str, str | list[str] | bool] = {"label": LABEL_RUN}
    with translated("looking for runs"):
        empty = [n.attrs.get("Labels") or {} for n in client.networks.list(filters=label)]
        found = [c.labels for c in client.containers.list(all=True, ignore_removed=True, filters=label)]
        found += [v.attrs.get("Labels") or {} for v in client.volumes.list(filters=label)]
    harmless = {labels[LABEL_RUN]: Remains(Path(labels.get(LABEL_RECORD, "")), harmless=True) for labels in empty}
    return harmless | {
        labels[LABEL_RUN]: Remains(Path(labels.get(LABEL_RECORD, "")), harmless=False) for labels in found
    }
