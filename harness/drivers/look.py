"""A cluster that was just started is looked at: what listens, what it answers, and who hears of the load."""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

from harness.drivers import look_probe
from harness.drivers.asking import translated
from harness.drivers.docker import DockerCluster
from harness.drivers.provision import Say
from harness.errors import EngineError, StartError
from harness.init.declared import Declared
from harness.init.propose import Load, Port, Sight
from harness.weave import Woven
from harness.weave.pods import LABEL_NODE, LABEL_PART, LABEL_RUN

_QUIET_S = 3.0  # nothing new listens for so long: it has started
_AGAIN_S = 0.5
_LOAD_COUNT = 20
_MET_MIN = 10  # packets beyond the usual: less may be chance


class Look:
    """``services``: in the order of the file. Everything raises ``EngineError``; ``StartError`` where one ended."""

    def __init__(
        self, client: docker.DockerClient, project: str, woven: Woven, services: Sequence[Declared], folder: Path
    ) -> None:
        self.running = DockerCluster(client, project, woven, folder)
        self._client, self._project, self._woven, self._services = client, project, woven, services

    def start(self, say: Say, patience_s: float) -> None:
        """Start it as a run would, and wait until it has settled, or ``patience_s`` are over."""
        self.running.fetch_images(say)
        say(f"starting {len(self._woven.then)} nodes, each in a pod of its own")
        self.running.start_pods()
        self.running.start_nodes()
        deadline_s, seen, since_s = time.monotonic() + patience_s, "", time.monotonic()
        while time.monotonic() < deadline_s:
            now = "; ".join(self._state())
            if now != seen:
                seen, since_s = now, time.monotonic()
            elif time.monotonic() - since_s > _QUIET_S and "starting" not in now:
                return
            time.sleep(_AGAIN_S)
        say(f"it had not settled after {patience_s:.0f} s; looking at it as it is")

    def sights(self) -> dict[str, Sight]:
        """service -> what its first node shows."""
        return {service.name: self._sight(service) for service in self._services}

    def met(self, load: Load) -> dict[str, int]:
        """service -> packets beyond the usual that reached its first node while ``load`` was put on."""
        pods = {s.name: self._pod(s.first_node) for s in self._services if s.first_node in self._woven.cluster.names()}
        before = self._packets(pods)
        began_s = time.monotonic()
        self._ask_entrance(load, pods[load.service.name])
        took_s = time.monotonic() - began_s
        after = self._packets(pods)
        time.sleep(took_s)
        idle = self._packets(pods)
        found = {name: (after[name] - before[name]) - (idle[name] - after[name]) for name in pods}
        return {name: count for name, count in found.items() if count >= _MET_MIN}

    def _state(self) -> Iterator[str]:
        """What may still change. A node that ended with an error is the end of it all."""
        for node in self._woven.cluster.nodes:
            container = self._container("node", node.name)
            state = container.attrs["State"]
            if state["Status"] == "exited" and state["ExitCode"]:
                raise StartError(
                    f"{node.name} ended with exit code {state['ExitCode']}{_last_words(container)}: see why with "
                    f"'docker compose up {node.service}', and try again."
                )
            health = str((state.get("Health") or {}).get("Status", ""))
            if state["Status"] in ("exited", "restarting"):
                yield f"{node.name} {state['Status']}"
            else:
                yield f"{node.name} {health} {self._probe(node.pod, 'listen')}"

    def _sight(self, service: Declared) -> Sight:
        node = self._woven.cluster.node(service.first_node)
        state = self._container("node", node.name).attrs["State"]
        if state["Status"] == "exited":
            return Sight(service.name, exit_code=int(state["ExitCode"]))
        hints = [service.check_path] if service.check_path else []
        answers = json.loads(self._probe(node.pod, "ask", node.name, *hints))
        listening = json.loads(self._probe(node.pod, "listen"))
        guests = {port for s in self._services if s != service and self._shares(s, node.pod) for port in s.ports}
        mine = [said for said in answers if self._is_of(int(said["port"]), service, node.name == node.pod, guests)]
        ports = tuple(
            Port(int(s["port"]), int(s["root"]), str(s["health"]), str(s["metrics"]), str(s["hello"])) for s in mine
        )
        return Sight(service.name, ports, tuple(int(port) for port, _ in listening["udp"]))

    def _shares(self, service: Declared, pod: str) -> bool:
        return self._woven.cluster.node(service.first_node).pod == pod

    @staticmethod
    def _is_of(port: int, service: Declared, owner: bool, others: set[int]) -> bool:
        """In a pod of several nodes a port is whose file names it; else it is the owner's."""
        return port in service.ports or (owner and port not in others)

    def _ask_entrance(self, load: Load, pod: Container) -> None:
        words = ("load", load.service.first_node, str(load.port), load.path or "/", str(_LOAD_COUNT))
        if load.client == "http":
            _said(pod, *words)

    def _packets(self, pods: dict[str, Container]) -> dict[str, int]:
        """Packets that came in, on every interface but loopback."""
        found = {}
        for name, pod in pods.items():
            with translated(f"the counters of {name}"):
                output: Any = pod.exec_run(["cat", "/proc/net/dev"]).output
            rows = [line.split() for line in output.decode().replace(":", ": ").splitlines()[2:]]
            found[name] = sum(int(row[2]) for row in rows if row[0] != "lo:")
        return found

    def _probe(self, pod: str, *words: str) -> str:
        return _said(self._container("pod", pod), *words)

    def _pod(self, node: str) -> Container:
        return self._container("pod", self._woven.cluster.pod_of(node))

    def _container(self, part: str, node: str) -> Container:
        labels = [f"{LABEL_RUN}={self._project}", f"{LABEL_PART}={part}", f"{LABEL_NODE}={node}"]
        with translated(f"looking at {node}"):
            found = self._client.containers.list(all=True, ignore_removed=True, filters={"label": labels})
        if not found:
            raise EngineError(f"there is no {part} container for {node}: was it removed?")
        return found[0]


def _said(pod: Container, *words: str) -> str:
    """The last line of the probe, which is JSON."""
    command = ["python3", "-c", Path(look_probe.__file__).read_text(), *words]
    with translated(f"the probe in {pod.name}"):
        code, output = pod.exec_run(command)
    lines = output.decode(errors="replace").splitlines() if isinstance(output, bytes) else []
    if code or not lines:
        raise EngineError(f"the probe in {pod.name} failed: {lines[-1] if lines else f'exit code {code}'}")
    return str(lines[-1])


def _last_words(container: Container) -> str:
    with translated(f"the log of {container.name}"):
        lines = container.logs(tail=20).decode(errors="replace").splitlines()
    said = [line.strip() for line in lines if line.strip()]
    return f' ("{said[-1][:160]}")' if said else ""
