"""What a resolved compose file says of its services, as far as ``harness init`` wants to know."""

import json
import re
from dataclasses import dataclass

import yaml

from harness.cluster import CLIENT
from harness.errors import ClusterError
from harness.weave.block import Tree, node_name

_URL_PATH = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|[\w.-]+)(?::(\d{1,5}))?(/[\w/.~%-]*)?")
_NODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
# What well-known images serve, where a file that is not started says no port. The first port is the one that counts.
_KNOWN_PORTS = {
    "postgres": 5432, "mysql": 3306, "mariadb": 3306, "mongo": 27017, "redis": 6379, "valkey": 6379, "memcached": 11211,
    "rabbitmq": 5672, "nats": 4222, "etcd": 2379, "consul": 8500, "zookeeper": 2181, "kafka": 9092, "nginx": 80,
    "httpd": 80, "caddy": 80, "traefik": 80, "elasticsearch": 9200, "minio": 9000, "ollama": 11434, "registry": 5000,
}  # fmt: skip
SILENT = {"postgres", "mysql", "mariadb", "mongo", "rabbitmq", "nats", "zookeeper", "kafka", "memcached"}  # no HTTP


@dataclass(frozen=True, slots=True)
class Declared:
    """One service. ``node``: what its nodes are called (with ``{i}`` if there are several).

    ``ports``: container ports that the file names, published ones first; ``kind``: the last part of its image's name;
    ``check_path``: of a health check that asks for a page; ``own``: it has an ``x-harness`` block already; ``runs``:
    image, build and command, the same in services that can stand in for each other.
    """

    name: str
    node: str
    count: int = 1
    ports: tuple[int, ...] = ()
    published: tuple[int, ...] = ()
    kind: str = ""
    waits_for: tuple[str, ...] = ()
    checked: bool = False
    check_path: str = ""
    job: bool = False
    own: bool = False
    runs: str = ""

    @property
    def first_node(self) -> str:
        return self.node.replace("{i}", "1")


def read(config: str) -> tuple[Declared, ...]:
    """``config``: YAML of ``docker compose config``. Raises ``ClusterError`` where there is nothing in it."""
    services = (yaml.safe_load(config) or {}).get("services")
    if not services:
        raise ClusterError("the compose file has no services (or all of them are in profiles that are not active).")
    waits = {str(name): _waits_for(tree) for name, tree in services.items()}
    jobs = {s for found in waits.values() for s, how in found.items() if how == "service_completed_successfully"}
    return tuple(_declared(str(name), tree, tuple(waits[str(name)]), jobs) for name, tree in services.items())


def _declared(name: str, tree: Tree, waits_for: tuple[str, ...], jobs: set[str]) -> Declared:
    block = tree.get("x-harness") or {}
    count = _count(block.get("count", (tree.get("deploy") or {}).get("replicas", tree.get("scale", 1))))
    published = tuple(dict.fromkeys(int(port["target"]) for port in tree.get("ports") or ()))
    exposed = tuple(int(str(port).split("/")[0]) for port in tree.get("expose") or () if "-" not in str(port))
    kind = str(tree.get("image", "")).rpartition("/")[2].partition(":")[0].partition("@")[0]
    check = tree.get("healthcheck") or {}
    test = check.get("test") or []
    found = _URL_PATH.search(test if isinstance(test, str) else " ".join(map(str, test)))
    return Declared(
        name=name,
        node=str(block.get("name", _node(name, count))),
        count=count,
        ports=tuple(dict.fromkeys((*published, *exposed))),
        published=published,
        kind=kind,
        waits_for=waits_for,
        checked=bool(test) and not check.get("disable"),
        check_path=(found[2] or "/") if found else "",
        job=name in jobs,
        own="x-harness" in tree,
        runs=json.dumps([tree.get(key) for key in ("image", "build", "command", "entrypoint")], default=str),
    )


def _count(value: object) -> int:
    return int(str(value)) if str(value).isdecimal() else 1


def _waits_for(tree: Tree) -> dict[str, str]:
    return {str(name): str(how.get("condition", "")) for name, how in (tree.get("depends_on") or {}).items()}


def _node(service: str, count: int) -> str:
    """The service's own name where a node may have it; else the nearest one."""
    plain = service if _NODE.fullmatch(service) and service != CLIENT and not service.endswith("-pod") else ""
    name = plain or (f"the-{CLIENT}" if service == CLIENT else node_name(service).removesuffix("-pod"))
    return name if count == 1 else f"{name}-{{i}}"


def known_port(kind: str) -> int | None:
    return _KNOWN_PORTS.get(kind)


def named(config: str) -> str:
    """The same file, in which every service's nodes have a name that they may have."""
    document: Tree = yaml.safe_load(config)
    for service in read(config):
        tree = document["services"][service.name]
        tree["x-harness"] = {"name": service.node, **(tree.get("x-harness") or {})}
    return yaml.safe_dump(document, sort_keys=False, width=120)
