"""How one service becomes pods: what belongs to the network namespace moves to the sidecar that owns it."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.weave.block import Tree
from harness.weave.scrape import LOAD_HOST

LABEL_RUN = "chaos-harness.run"
LABEL_NODE = "chaos-harness.node"
LABEL_PART = "chaos-harness.part"  # node, pod, client, prometheus
LABEL_RECORD = "chaos-harness.record"

# Keys that belong to the namespace. Compose refuses some of them beside `network_mode: service:`, at config or at
# create, and silently ignores domainname, dns_search and dns_opt: so all of them move.
_NAMESPACE_KEYS = (
    "networks",
    "ports",
    "expose",
    "hostname",
    "domainname",
    "dns",
    "dns_search",
    "dns_opt",
    "extra_hosts",
    "links",
    "external_links",
    "mac_address",
)
_DROPPED_KEYS = ("x-harness", "profiles", "scale", "container_name", "network_mode")
# The instruments (agents, the load) are scheduled before what they measure, and idle most of the time.
_WEIGHT = {"cpu_shares": 8192}
_LOGGING = {"driver": "json-file", "options": {"max-size": "5m", "max-file": "2"}}


@dataclass(frozen=True, slots=True)
class Labels:
    """What everything of a run carries, so that it is found again whatever happened to us."""

    project: str
    record: str

    def of(self, part: str, node: str) -> Tree:
        return {LABEL_RUN: self.project, LABEL_PART: part, LABEL_NODE: node, LABEL_RECORD: self.record}


def pod_name(node: str) -> str:
    return f"{node}-pod"


def sidecar(node: str, aliases: Sequence[str], tree: Tree, image: str, labels: Labels) -> Tree:
    """The service that owns the namespace of ``node``: unprivileged but for NET_ADMIN and its own children."""
    moved = {key: tree[key] for key in _NAMESPACE_KEYS if key in tree}
    networks = moved.get("networks") or {"default": None}
    moved["networks"] = {name: _with_aliases(options, aliases) for name, options in networks.items()}
    if "ports" in moved:
        # Two host ports of one container port are one here, and compose wants no port twice.
        moved["ports"] = list({(p["target"], p["protocol"]): p for p in map(_on_loopback, moved["ports"])}.values())
    network_sysctls = {k: v for k, v in _sysctls(tree).items() if k.startswith("net.")}
    return {
        **moved,
        "image": image,
        "init": False,
        **_WEIGHT,
        "cap_drop": ["ALL"],
        "cap_add": ["NET_ADMIN", "KILL", "SETUID", "SETGID"],
        "security_opt": ["no-new-privileges:true"],
        "stop_grace_period": "1s",
        "logging": _LOGGING,
        "labels": labels.of("pod", node),
        **({"sysctls": network_sysctls} if network_sysctls else {}),
    }


def _with_aliases(options: Tree | None, aliases: Sequence[str]) -> Tree:
    known = (options or {}).get("aliases") or []
    return {**(options or {}), "aliases": list(dict.fromkeys([*known, *aliases]))}


def _on_loopback(port: Tree) -> Tree:
    """The same container port on a free port of 127.0.0.1: nothing of a run is ever published elsewhere."""
    return {
        "target": port["target"],
        "protocol": port.get("protocol", "tcp"),
        "host_ip": "127.0.0.1",
        "mode": "ingress",
    }


def _sysctls(tree: Tree) -> Tree:
    found = tree.get("sysctls") or {}
    return dict(item.split("=", 1) for item in found) if isinstance(found, list) else dict(found)


def inhabitant(node: str, pod: str, tree: Tree, image: str | None, labels: Labels) -> Tree:
    """The node's own service: as the user wrote it, but for what moved to the sidecar of ``pod``."""
    kept = {k: v for k, v in tree.items() if k not in _NAMESPACE_KEYS and k not in _DROPPED_KEYS}
    own_sysctls = {k: v for k, v in _sysctls(tree).items() if not k.startswith("net.")}
    kept.pop("sysctls", None)
    deploy = {k: v for k, v in (tree.get("deploy") or {}).items() if k not in ("replicas", "mode", "endpoint_mode")}
    kept.pop("deploy", None)
    if image:
        kept.pop("pull_policy", None)  # it is here, or is built: nobody's registry has it
    user_labels = tree.get("labels") or {}
    return {
        **kept,
        **({"image": image} if image else {}),
        **({"sysctls": own_sysctls} if own_sysctls else {}),
        **({"deploy": deploy} if deploy else {}),
        "environment": {**(tree.get("environment") or {}), "HARNESS_NODE": node},
        "network_mode": f"service:{pod_name(pod)}",
        "labels": {**user_labels, **labels.of("node", node)},
    }


def client(image: str, networks: list[str], pods: list[str], sidecar_image: str, labels: Labels) -> dict[str, Tree]:
    """The load's own pod, on every network of the user's, started after the user's pods."""
    after = {pod: {"condition": "service_started"} for pod in pods}
    owner = sidecar("client", [LOAD_HOST], {"networks": dict.fromkeys(networks)}, sidecar_image, labels)
    idle = {
        "image": image,
        "network_mode": "service:chaos-client-pod",
        **_WEIGHT,
        "stop_grace_period": "1s",
        "logging": _LOGGING,
        "cap_drop": ["ALL"],
        "labels": labels.of("client", "client"),
    }
    return {"chaos-client-pod": {**owner, "depends_on": after}, "chaos-client": idle}


def prometheus(image: str, config: str, rules: str, networks: list[str], pods: list[str], labels: Labels) -> Tree:
    """Prometheus on every network of the user's, and on one bridge of its own for its port on 127.0.0.1."""
    return {
        "image": image,
        "environment": {"PROMETHEUS_CONFIG": config, **({"PROMETHEUS_RULES": rules} if rules else {})},
        "networks": dict.fromkeys([*networks, "chaos-metrics"]),
        "ports": [{"target": 9090, "host_ip": "127.0.0.1", "protocol": "tcp", "mode": "ingress"}],
        "depends_on": {pod: {"condition": "service_started"} for pod in pods},
        "stop_grace_period": "1s",
        "logging": _LOGGING,
        "cap_drop": ["ALL"],
        "labels": labels.of("prometheus", "prometheus"),
    }
