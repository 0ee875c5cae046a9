"""SIGKILL to one process of a node from the engine's own process namespace, as the kernel's out-of-memory killer does.

The engine's own kill tells the engine, which then keeps restart policies from acting. This one does not.
"""

from contextlib import suppress

import docker
import docker.errors
from docker.models.containers import Container

from harness.drivers import beside
from harness.errors import EngineError

_ENDS_WITHIN_S = 20
# The process is asked whose it is first: its number may have been given to somebody else's since we were told.
_PROGRAM = """
import os, signal, sys
pid, container = int(sys.argv[1]), sys.argv[2]
with open(f"/proc/{pid}/cgroup") as file:
    if container not in file.read():
        sys.exit(f"process {pid} is of another container")
os.kill(pid, signal.SIGKILL)
"""


def slay(client: docker.DockerClient, node: Container, image: str, pid: int, fault: str) -> None:
    """``pid``: as the engine's host counts. Raises ``EngineError`` if it is not a process of this container."""
    host = client.api.create_host_config(
        pid_mode="host",
        network_mode="none",
        cap_drop=["ALL"],
        cap_add=["KILL"],
        security_opt=["no-new-privileges:true"],
    )
    created = client.api.create_container(
        image,
        entrypoint=["python3", "-c", _PROGRAM, str(pid), str(node.id)],
        labels=beside.labels(node, fault),
        host_config=host,
    )["Id"]
    try:
        client.api.start(created)
        if client.api.wait(created, timeout=_ENDS_WITHIN_S)["StatusCode"]:
            said = client.api.logs(created).decode(errors="replace").strip().rpartition("\n")[2]
            raise EngineError(f"process {pid} of {node.name} could not be killed: {said}")
    finally:
        with suppress(docker.errors.APIError):  # what is left carries the run's label, and is removed with it
            client.api.remove_container(created, force=True)
