"""What an engine can do to one node's container. Each deed looks the container up anew: it may be another by now."""

import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

import docker
import docker.errors
from docker.models.containers import Container
from docker.utils.socket import frames_iter_no_tty
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from harness.drivers import archives, beside
from harness.drivers.asking import patient, translated
from harness.drivers.slayer import slay
from harness.drivers.streams import socket_of
from harness.engine import Limits, Output, Usage
from harness.errors import EngineError
from harness.weave.pods import LABEL_PART, LABEL_RUN

_OUTPUT_BYTES = 16_384
_NO_LIMIT = 1 << 60  # the kernel writes "none" as its largest page-aligned number
_LIFTED = (1 << 63) - 4096  # what the kernel shows for a control group that was never limited
_LISTENS = "0A"  # a socket's state in /proc/net/tcp
_certain = Retrying(retry=retry_if_exception_type(EngineError), stop=stop_after_attempt(10), wait=wait_fixed(0.3))


class Deeds(ABC):
    """The part of ``engine.RunningCluster`` that changes nodes."""

    _client: docker.DockerClient

    @abstractmethod
    def _found(self, part: str, node: str) -> Container:
        """The container as the engine has it now; ``EngineError`` where there is none."""

    @abstractmethod
    def _ports(self, node: str) -> tuple[int, ...]:
        """The ports it is declared to serve."""

    def _pod_of(self, container: Container) -> Container:
        """The sidecar whose network a node lives in."""
        mode = str(container.attrs["HostConfig"]["NetworkMode"])
        with translated(f"the sidecar of {container.name}"):
            return self._client.containers.get(mode.removeprefix("container:"))

    # --- ending and starting ------------------------------------------------------------------------------------------

    def kill(self, node: str) -> None:
        with translated(f"{node} could not be killed"):
            self._found("node", node).kill()

    def crash(self, node: str, fault: str) -> None:
        container = self._found("node", node)
        state = container.attrs["State"]
        if not state["Running"]:
            raise EngineError(f"{node} could not crash: it does not run ({state['Status']}).")
        with translated(f"{node} could not crash"):
            slay(self._client, container, _image(self._pod_of(container)), int(state["Pid"]), fault)

    def stop_node(self, node: str, grace_s: float) -> None:
        with translated(f"{node} could not be stopped"):
            self._found("node", node).stop(timeout=round(grace_s))

    def restart(self, node: str, grace_s: float) -> None:
        with translated(f"{node} could not be restarted"):
            self._found("node", node).restart(timeout=round(grace_s))

    def start(self, node: str) -> bool:
        container = self._found("node", node)
        if container.status in ("running", "paused"):
            return False
        with translated(f"{node} could not be started"):
            patient(container.start)
        return True

    # --- standing still -----------------------------------------------------------------------------------------------

    def freeze(self, node: str) -> None:
        with translated(f"{node} could not be frozen"):
            self._found("node", node).pause()
        if (status := self._found("node", node).status) != "paused":
            raise EngineError(f"{node} could not be frozen: the engine took the order and says that it is {status}.")

    def thaw(self, node: str) -> bool:
        if self._found("node", node).status != "paused":
            return False
        _certain.copy(reraise=True)(self._thaw, node)
        return True

    def _thaw(self, node: str) -> None:
        if (container := self._found("node", node)).status == "paused":
            with translated(f"{node} could not be thawed"):
                container.unpause()
        if self._found("node", node).status == "paused":
            raise EngineError(f"{node} could not be thawed: the engine took the order and says that it is frozen.")

    def listening(self, node: str) -> bool:
        container = self._found("node", node)
        if container.status != "running":
            return False
        wanted = set(self._ports(node))
        return not wanted or wanted <= self._listeners(self._pod_of(container))

    @staticmethod
    def _listeners(pod: Container) -> set[int]:
        with translated(f"the listeners in {pod.name}"):
            output: Any = pod.exec_run(["cat", "/proc/net/tcp", "/proc/net/tcp6"], stderr=False).output
        rows = [line.split() for line in output.decode().splitlines()]
        return {int(row[1].rpartition(":")[2], 16) for row in rows if len(row) > 3 and row[3] == _LISTENS}

    # --- limits -------------------------------------------------------------------------------------------------------

    def limits(self, node: str) -> Limits:
        host = self._found("node", node).attrs["HostConfig"]
        keys = ("NanoCpus", "CpuQuota", "CpuPeriod", "Memory", "MemorySwap", "PidsLimit")
        return Limits(*(max(0, _limit(host.get(key))) for key in keys))

    def bound(self, node: str, limits: Limits) -> None:
        container = self._found("node", node)
        try:
            with translated(f"the limits of {node} could not be changed"):
                self._update(container, limits)
        except EngineError as error:
            if "busy" not in str(error):
                raise
            used_bytes = self.usage(node).memory_bytes
            raise EngineError(
                f"{node} uses {used_bytes / 1e6:.0f} MB, and this kernel (cgroup v1) refuses a limit below that, "
                f"{limits.memory_bytes / 1e6:g} MB: write a higher one."
            ) from error
        if (now := self.limits(node)) != limits:
            raise EngineError(f"the limits of {node} are {now} after they were set to {limits}.")

    def _update(self, container: Container, limits: Limits) -> None:
        # docker-py's own update knows neither the limit of processes nor nano_cpus. To the engine 0 means "as it is"
        # and -1 "none", but a limit of memory cannot be taken away again, only lifted out of reach. Quota and nano_cpus
        # exclude each other: only the one that is in use may be named.
        shares: dict[str, int] = {"NanoCpus": limits.nano_cpus}
        if not limits.nano_cpus:
            shares = {"CpuQuota": limits.cpu_quota_us or -1, "CpuPeriod": limits.cpu_period_us}
        memory = {"Memory": limits.memory_bytes or _LIFTED, "MemorySwap": limits.memory_swap_bytes or _LIFTED}
        api: Any = self._client.api  # its typed part ends where its own update does
        url = api._url("/containers/{0}/update", container.id)
        api._raise_for_status(api._post_json(url, data={**shares, **memory, "PidsLimit": limits.processes or -1}))

    def usage(self, node: str) -> Usage:
        with translated(f"the counters of {node}"):
            seen: Any = self._found("node", node).stats(stream=False, one_shot=True)
        cpu, memory, processes = seen["cpu_stats"], seen["memory_stats"], seen["pids_stats"]
        throttling = cpu.get("throttling_data", {})
        return Usage(
            cpu_s=cpu["cpu_usage"]["total_usage"] / 1e9,
            throttled_s=throttling.get("throttled_time", 0) / 1e9,
            throttled_periods=int(throttling.get("throttled_periods", 0)),
            memory_bytes=int(memory.get("usage", 0)),
            memory_limit_bytes=_limit(memory.get("limit", 0)),
            memory_refusals=int(memory.get("failcnt", 0)),
            processes=int(processes.get("current", 0)),
            processes_limit=_limit(processes.get("limit", 0)),
        )

    # --- files --------------------------------------------------------------------------------------------------------

    def read_file(self, node: str, path: str) -> bytes:
        container = self._found("node", node)
        with translated(f"{node}: {path} could not be read"):
            chunks, stat = container.get_archive(path)
            archives.refuse(node, path, stat or {}, container.attrs["Mounts"])
            return b"".join(chunks)

    def write_file(self, node: str, path: str, archive: bytes) -> None:
        with translated(f"{node}: {path} could not be written"):
            self._found("node", node).put_archive(str(PurePosixPath(path).parent), archive)

    # --- hardware -----------------------------------------------------------------------------------------------------

    def discard(self, node: str) -> None:
        container = self._found("node", node)
        run = container.labels[LABEL_RUN]
        named = [mount["Name"] for mount in container.attrs["Mounts"] if mount["Type"] == "volume"]
        with translated(f"{node} could not be removed"):
            container.remove(force=True, v=True)
            for name in named:
                self._discard_volume(name, run)

    def _discard_volume(self, name: str, run: str) -> None:
        """If it is the run's and nobody else's; a helper beside the node that just died does not count."""
        users = self._client.containers.list(all=True, ignore_removed=True, filters={"volume": name})
        if any(user.labels.get(LABEL_PART) != beside.PART for user in users):
            return
        with suppress(docker.errors.NotFound):  # an anonymous one went with its container
            volume = self._client.volumes.get(name)
            if (volume.attrs.get("Labels") or {}).get(LABEL_RUN) == run:
                patient(volume.remove)

    # --- commands -----------------------------------------------------------------------------------------------------

    def run(self, node: str, fault: str, command: Sequence[str], timeout_s: float) -> Output:
        container, api = self._found("node", node), self._client.api
        with translated(f"{command[0]} could not be run in {node}"):
            started = api.exec_create(str(container.id), list(command))["Id"]
            text, in_time = _read(api.exec_start(started, socket=True), timeout_s)
            ended = api.exec_inspect(started)
            if not in_time:
                self._end(container, started, fault)
                raise EngineError(f"'{' '.join(command)}' did not end within {timeout_s:g} s in {node}; it was killed.")
        return Output(int(ended["ExitCode"]), text)

    def _end(self, container: Container, started: str, fault: str) -> None:
        """An engine tells a command of which we hung up to end, some of them; one that does not is killed."""
        for last in (False, False, True):
            ended = self._client.api.exec_inspect(started)
            if not ended["Running"]:
                return
            try:
                slay(self._client, container, _image(self._pod_of(container)), int(ended["Pid"]), fault)
            except EngineError:  # it may have ended meanwhile: it is looked at again
                if last:
                    raise


def _read(file: Any, timeout_s: float) -> tuple[str, bool]:
    """Both outputs of an exec until it ends, or until the time is over; and whether it was in time."""
    connection, late = socket_of(file), threading.Event()
    connection.settimeout(None)

    def hang_up() -> None:
        late.set()
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    alarm = threading.Timer(timeout_s, hang_up)
    alarm.start()
    text = b""
    try:
        for _, data in frames_iter_no_tty(file):
            assert isinstance(data, bytes)  # docker-py's stubs allow text as well
            text = (text + data)[-_OUTPUT_BYTES:]
    except OSError:
        pass  # hung up
    finally:
        alarm.cancel()
        with suppress(OSError):
            file.close()
            connection.close()
    return text.decode(errors="replace"), not late.is_set()


def _image(container: Container) -> str:
    return str(container.attrs["Config"]["Image"])


def _limit(value: int | None) -> int:
    return int(value) if value and value < _NO_LIMIT else 0
