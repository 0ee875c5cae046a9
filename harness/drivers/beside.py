"""Containers of ours beside a node's: an agent that joins its processes, network and volumes for one fault."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

import docker
import docker.errors
from docker.models.containers import Container
from docker.types import LogConfig

from harness.drivers.streams import AttachStream
from harness.errors import AgentError
from harness.primitives import KERNEL_SETTINGS, Beside
from harness.weave.pods import LABEL_NODE, LABEL_PART, LABEL_RECORD, LABEL_RUN

PART = "beside"
LABEL_FAULT = "chaos-harness.fault"
AGENT = ("python3", "-m", "harness.agent", "--beside")
_CONTROL_GROUPS = "/sys/fs/cgroup"
_LOGS = LogConfig(type="json-file", config={"max-size": "1m", "max-file": "2"})


def labels(node: Container, fault: str) -> dict[str, str]:
    """What a helper for one fault on ``node`` carries: it belongs to the same run."""
    run = {key: node.labels.get(key, "") for key in (LABEL_RUN, LABEL_RECORD, LABEL_NODE)}
    return {**run, LABEL_PART: PART, LABEL_FAULT: fault}


def open_agent(
    client: docker.DockerClient,
    node: Container,
    pod: Container,
    fault: str,
    primitives: Iterable[Beside],
    program: Sequence[str] = AGENT,
) -> AttachStream:
    """Start it from the image of the pod's sidecar, with what these primitives need and nothing more.

    The engine removes it as soon as its program ends; that is when its input ends, or when the node dies.
    """
    needs = tuple(primitives)
    groups = any(primitive.control_groups for primitive in needs)
    binds = [f"{_CONTROL_GROUPS}:{_CONTROL_GROUPS}:rw"] if groups else []
    if any(primitive.kernel_settings for primitive in needs):
        binds.append(f"/proc/sys/net:{KERNEL_SETTINGS}:rw")
    api, name = client.api, node.labels[LABEL_NODE]
    host = api.create_host_config(
        pid_mode=f"container:{node.id}",
        network_mode=f"container:{pod.id}",
        volumes_from=[str(node.id)],
        binds=binds,
        cap_drop=["ALL"],
        cap_add=sorted({capability for primitive in needs for capability in primitive.capabilities}),
        security_opt=["no-new-privileges:true"],
        log_config=_LOGS,
        auto_remove=True,
        # Its own view of the control groups would begin at itself; the node's are written as the host sees them.
        cgroupns="host" if groups else None,
    )
    created = api.create_container(
        pod.attrs["Config"]["Image"],
        entrypoint=[*program, name],
        stdin_open=True,
        labels=labels(node, fault),
        host_config=host,
    )
    try:
        return AttachStream(api, created["Id"], f"the agent beside {name} for {fault}")
    except AgentError:
        with suppress(docker.errors.APIError):  # some engines remove what did not start, some do not
            api.remove_container(created["Id"], force=True)
        raise
