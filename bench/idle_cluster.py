"""The woven cluster of ``idle.yaml``, up and idle, with its real agents and its real load generator."""

import secrets
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import docker
from docker.models.containers import Container

from harness.cli import places
from harness.cli.bound import Bound, Overrides, load
from harness.clock import monotonic_ns, to_ns, to_s
from harness.cluster import Cluster
from harness.drivers.docker import DockerCluster, connect
from harness.drivers.images import Images
from harness.errors import AgentError, StartError
from harness.runner.inbox import Gone, Heard, Inbox
from harness.runner.prepare import pods, prepare
from harness.runner.programs import Programs
from harness.runner.readiness import Asking
from harness.weave import Woven, weave
from harness.weave.pods import Labels
from harness.weave.weave import our_images
from harness.wire import Answered, Failed, FromAgent, FromClient, Message, Prepared

IDLE = Path(__file__).parent / "idle.yaml"
_OURS = frozenset({"sidecar", "client", "prometheus"})
_READY_S = 60.0


def bound() -> Bound:
    return load(str(IDLE), Overrides())


def images(config: str) -> dict[str, str]:
    """References of every image of ours the cluster needs, all built when this returns."""
    builder = Images(places.dockerfiles(), places.PACKAGE, lambda text: None)
    return dict(builder.ensure(_OURS | our_images(config)))


def labels(record: Path) -> Labels:
    """``record``: a folder whose lock is held while we live, so that ``harness heal`` knows whose this is."""
    return Labels(f"chaos-bench-{secrets.token_hex(3)}", str(record))


@dataclass(frozen=True, slots=True)
class Execution:
    process: "subprocess.Popen[str]"

    def wait(self) -> str:
        """What it printed. Raises ``AgentError`` if it failed or took too long."""
        try:
            said, why = self.process.communicate(timeout=_READY_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise AgentError(f"a program in a pod did not end within {_READY_S:.0f} s") from None
        if self.process.returncode:
            raise AgentError(f"a program in a pod ended with {self.process.returncode}: {why.strip()[-300:]}")
        return said


class IdleCluster:
    """``messages`` is for one thread; what is not waited for is thrown away."""

    def __init__(
        self, cluster: Cluster, programs: Programs, inbox: Inbox, client: docker.DockerClient, labels: Labels
    ) -> None:
        self.cluster, self._programs, self._inbox = cluster, programs, inbox
        self._client, self._labels = client, labels

    def send(self, pod: str, message: Message) -> None:
        self._programs.send(pod, message)

    def messages(self, timeout_s: float, what: str) -> Iterator[tuple[str, FromAgent | FromClient]]:
        """As they come. Raises ``StartError`` after ``timeout_s``, ``AgentError`` if a program fails or ends."""
        deadline_ns = monotonic_ns() + to_ns(timeout_s)
        while (left_ns := deadline_ns - monotonic_ns()) > 0:
            item = self._inbox.next(left_ns / 1e9)
            if isinstance(item, Gone):
                raise AgentError(f"the program in {item.pod} is gone: {item.text}")
            if isinstance(item, Heard):
                if isinstance(item.message, Failed):
                    raise AgentError(f"{item.pod}: {item.message.text}")
                yield item.pod, item.message
        raise StartError(f"Waited {timeout_s:.0f} s for {what}.")

    def pause(self, node: str) -> float:
        """How long the engine's pause of a node took, in seconds; it goes on at once."""
        container = self._container("node", node)
        began_ns = monotonic_ns()
        container.pause()
        took_s = to_s(monotonic_ns() - began_ns)
        container.unpause()
        return took_s

    def pause_together(self, nodes: Sequence[str]) -> float:
        """Between the first and the last return of the engine's pauses of several nodes, a thread each, in seconds."""
        found = [self._container("node", node) for node in nodes]
        gate = Barrier(len(found))

        def pause(container: Container) -> int:
            gate.wait()
            container.pause()
            return monotonic_ns()

        with ThreadPoolExecutor(len(found)) as threads:
            paused_ns = list(threads.map(pause, found))
        for container in found:
            container.unpause()
        return to_s(max(paused_ns) - min(paused_ns))

    def execute(self, pod: str, code: str, *arguments: str) -> "Execution":
        """A Python program in the namespace of a pod, beside its agent."""
        argv = ["docker", "exec", str(self._container("pod", pod).id), "python3", "-c", code, *arguments]
        return Execution(subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))

    def address(self, pod: str) -> str:
        networks = self._container("pod", pod).attrs["NetworkSettings"]["Networks"]
        return str(next(iter(networks.values()))["IPAddress"])

    def _container(self, part: str, node: str) -> Container:
        wanted = [f"{key}={value}" for key, value in self._labels.of(part, node).items()]
        (found,) = self._client.containers.list(filters={"label": wanted})
        return found

    def prepared(self, count: int) -> None:
        left = count
        for _, message in self.messages(_READY_S, "the agents to prepare their pods"):
            left -= isinstance(message, Prepared)
            if not left:
                return

    def ready(self, asking: Asking) -> None:
        deadline_ns = monotonic_ns() + to_ns(_READY_S)
        while not asking.done():
            if monotonic_ns() > deadline_ns:
                raise StartError(f"Waited {_READY_S:.0f} s for {asking.waiting_for()}.")
            asking.ask(monotonic_ns())
            item = self._inbox.next(0.05)
            if isinstance(item, Heard) and isinstance(item.message, Answered):
                asking.answered(item.message)


@contextmanager
def idle_cluster(record: Path, say: Callable[[str], None]) -> Iterator[IdleCluster]:
    """Up and ready; gone when this ends, however it ends."""
    found = bound()
    label = labels(record)
    woven: Woven = weave(found.cluster.name, found.config, images(found.config), label)
    client = connect()
    running = DockerCluster(client, label.project, woven, found.compose_file.parent)
    inbox = Inbox()
    programs = Programs(running, inbox, lambda: None)
    names = pods(found.cluster)
    try:
        say(f"starting {label.project}: {len(names)} pods, the load and Prometheus")
        running.start_pods()
        programs.open(names)
        programs.heart.start()
        cluster = IdleCluster(found.cluster, programs, inbox, client, label)
        for pod, order in prepare(found.scenario, found.cluster, running.addresses()).items():
            programs.send(pod, order)
        cluster.prepared(len(names))
        running.start_nodes()
        cluster.ready(Asking(found.cluster, woven.ready, programs.send))
        yield cluster
    finally:
        programs.heart.stop()
        programs.stop()
        programs.close()
        if left := running.stop().left:
            raise StartError(f"{', '.join(left)} could not be removed: run 'harness heal'.")
