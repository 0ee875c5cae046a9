"""The ``x-harness`` block of a service: what a compose file cannot say of its nodes. At most ten lines of YAML."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from harness.cluster import CLIENT
from harness.errors import ClusterError
from harness.traffic import CLIENTS

Tree = dict[str, Any]  # one mapping of a resolved compose file, as YAML gives it

_KEYS = ("role", "port", "name", "count", "most", "metrics", "leader", "volumes", "ready", "job")
_NODE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_COUNT_MAX = 100
HEALTHCHECK = "healthcheck"  # in the place of a client's name: the container's own health check is waited for


@dataclass(frozen=True, slots=True)
class Block:
    """``name`` is a pattern with ``{i}`` where ``count`` is more than one. ``ready``: a client's name and its words.

    ``leader``: PromQL over the service's own metrics that is 1 on the node that leads. ``volumes``: whether its nodes
    share its named volumes, as compose has it, or ``each`` has its own. ``job``: its nodes end by themselves, with 0.
    """

    role: str
    ports: tuple[int, ...]
    name: str
    count: int
    metrics: str | None
    ready: tuple[tuple[str, str], ...]
    leader: str | None = None
    volumes: Literal["shared", "each"] = "shared"
    job: bool = False

    def names(self) -> tuple[str, ...]:
        return tuple(self.name.replace("{i}", str(i)) for i in range(1, self.count + 1))


def read_block(service: str, tree: Tree) -> Block:
    """What the block says, with what the service itself says where the block is silent. Raises ``ClusterError``."""
    block = tree.get("x-harness") or {}
    if not isinstance(block, Mapping):
        raise ClusterError(f"service {service}: x-harness is not a mapping; write keys such as 'port: 8080' below it.")
    for key in block:
        if key not in _KEYS:
            close = get_close_matches(str(key), _KEYS, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"it knows {', '.join(_KEYS)}."
            raise ClusterError(f"service {service}: x-harness has no key '{key}'; {hint}")
    replicas = (tree.get("deploy") or {}).get("replicas", tree.get("scale", 1))
    count = _whole(service, "count", block.get("count", replicas))
    most = min(_whole(service, "most", block.get("most", _COUNT_MAX)), _COUNT_MAX)
    if not 1 <= count <= most:
        raise ClusterError(f"service {service}: {count} nodes; write a count from 1 to {most}.")
    name = str(block.get("name", service if count == 1 else service + "-{i}"))
    if count > 1 and "{i}" not in name:
        raise ClusterError(f"service {service}: {count} nodes cannot all be called '{name}'; write '{name}{{i}}'.")
    ports = block.get("port", _declared_ports(tree))
    found = Block(
        role=str(block.get("role", service)),
        ports=tuple(_whole(service, "port", port) for port in (ports if isinstance(ports, list | tuple) else [ports])),
        name=name,
        count=count,
        metrics=str(block["metrics"]) if "metrics" in block else None,
        ready=_ready(service, block.get("ready")),
        leader=str(block["leader"]) if "leader" in block else None,
        volumes=_volumes(service, str(block.get("volumes", "shared"))),
        job=_job(service, block.get("job", False)),
    )
    if found.leader is not None and found.metrics is None:
        raise ClusterError(
            f"service {service}: x-harness leader is '{found.leader}', and nothing of it is scraped; "
            "add 'metrics: PORT/PATH'."
        )
    for node in found.names():
        if not _NODE_NAME.fullmatch(node):
            hint = "" if "name" in block else f": write x-harness: {{name: {node_name(found.name)}}}"
            raise ClusterError(f"service {service}: '{node}' cannot name a node; use a-z, 0-9 and '-'{hint}.")
        if node == CLIENT:
            raise ClusterError(f"service {service}: '{CLIENT}' is the load's own pod; write x-harness: {{name: ...}}.")
    return found


def node_name(text: str) -> str:
    """The nearest name that a node may have; ``{i}`` stays."""
    parts = text.lower().partition("{i}")
    first, mark, last = (re.sub(r"[^a-z0-9-]+", "-", part) for part in parts)
    return f"{first.lstrip('-')[:30]}{'{i}' if mark else ''}{last}" or "node"


def _job(service: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ClusterError(f"service {service}: x-harness job is '{value}'; write true where it ends by itself.")


def _volumes(service: str, text: str) -> Literal["shared", "each"]:
    match text:
        case "shared" | "each":
            return text
    raise ClusterError(f"service {service}: x-harness volumes is '{text}'; write 'shared' or 'each'.")


def _whole(service: str, key: str, value: object) -> int:
    if isinstance(value, int) or (isinstance(value, str) and re.fullmatch(r"\d{1,6}", value)):
        return int(value)
    raise ClusterError(f"service {service}: x-harness {key} is '{value}'; write a whole number.")


def _declared_ports(tree: Tree) -> tuple[int, ...]:
    """Container ports that the service publishes or exposes, in the order of the file."""
    published = [int(port["target"]) for port in tree.get("ports") or ()]
    exposed = [int(str(port).split("/")[0]) for port in tree.get("expose") or () if "-" not in str(port)]
    return tuple(dict.fromkeys(published + exposed))


def _ready(service: str, ready: object) -> tuple[tuple[str, str], ...]:
    """``{client: http, path: /healthz}`` as pairs; empty where nothing is asked."""
    if ready is None:
        return ()
    if not isinstance(ready, Mapping) or "client" not in ready:
        raise ClusterError(
            f"service {service}: x-harness ready needs a client; write {{client: http, path: /healthz}}."
        )
    known = (*CLIENTS, HEALTHCHECK)
    if (client := str(ready["client"])) not in known:
        close = get_close_matches(client, known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"there are {', '.join(known)}."
        raise ClusterError(f"service {service}: x-harness ready: '{client}' is not a client; {hint}")
    if "port" in ready:
        _whole(service, "ready: port", ready["port"])
    # Compose doubles every dollar in what it resolves, so that nobody takes it for a variable again.
    return tuple((str(key), str(value).replace("$$", "$")) for key, value in ready.items())
