"""What of a run is still there: on the engine by its labels, on this machine by the mark that its processes inherit."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import docker.errors

from harness.weave.pods import LABEL_RECORD

MARK = "CHAOS_SELF_POINT"  # in the environment of everything that a point starts


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    command: str


def on_engine(client: docker.DockerClient, records: Path) -> tuple[str, ...]:
    """Names of containers, networks and volumes of any run recorded under ``records``."""
    api, label = client.api, {"label": LABEL_RECORD}
    found = [(c["Names"][0], c["Labels"], c["State"]) for c in api.containers(all=True, filters=label)]
    found += [(n["Name"], n["Labels"], "network") for n in api.networks(filters=label)]
    found += [(v["Name"], v["Labels"], "volume") for v in api.volumes(filters=label)["Volumes"] or ()]
    ours = [(name, what) for name, labels, what in found if labels[LABEL_RECORD].startswith(f"{records}/")]
    return tuple(sorted(f"{what} {name.removeprefix('/')}" for name, what in ours))


def worse_than_husks(client: docker.DockerClient, records: Path) -> tuple[str, ...]:
    """As ``on_engine``, but for networks to which nothing is attached: the engine itself does not let go of them."""
    networks = client.api.networks(filters={"label": LABEL_RECORD})
    empty = {f"network {n['Name']}" for n in networks if _is_empty(client, n["Id"])}
    return tuple(sorted(set(on_engine(client, records)) - empty))


def _is_empty(client: docker.DockerClient, network: str) -> bool:
    try:
        return not client.api.inspect_network(network)["Containers"]
    except docker.errors.NotFound:
        return True


def processes(mark: str) -> Iterator[Process]:
    """Everything alive that a point started, whoever its parent is now."""
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                yield Process(int(folder.name), command)
        except OSError:
            continue  # it ended meanwhile, or is another user's


def in_folder(folder: Path) -> tuple[str, ...]:
    """Files that stayed in the folder for temporary ones."""
    return tuple(sorted(str(path.relative_to(folder)) for path in folder.rglob("*")))
