"""The weaving itself: one resolved compose file in, the same cluster in pods out."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from harness import units
from harness.cluster import Cluster, Node
from harness.errors import ClusterError
from harness.objectives.alerts import AlertRule
from harness.weave import pods, scrape
from harness.weave.block import HEALTHCHECK, Block, Tree, read_block
from harness.wire import ECHO_PORT, METRICS_PORT, TOXIPROXY_PORT

_OUR_PORTS = (ECHO_PORT, METRICS_PORT, TOXIPROXY_PORT)
OURS = "chaos-harness/"  # images whose name starts so, without a tag, are the ones we build
BUILT = "chaos-built/"  # what compose builds for a run from a service's own ``build:``; never a tag of the user's
_ENGINE_SOCKETS = ("/docker.sock", "/podman.sock", "/containerd.sock")


class _Plain(yaml.SafeDumper):
    """No anchors: a person reads the woven file, and what two services share is said twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Readiness:
    """The question a node must answer before it counts as ready: a client's name, and its words.

    In the place of a client ``healthcheck``: nothing is asked, and the engine says when the node's own check passed.
    ``port`` None: the node's first.
    ``timeout_s``: how long one answer may take, where it may take long.
    """

    node: str
    client: str
    options: tuple[tuple[str, str], ...]
    port: int | None = None
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Woven:
    """``text``: the compose file. ``first``: services to start before any node (sidecars, load, Prometheus).

    ``built``: one node for each image that is to be built first. ``foreign``: (image, a node that uses it) of those
    that must be on the engine, or be pulled.
    """

    cluster: Cluster
    text: str
    first: tuple[str, ...]
    then: tuple[str, ...]
    ready: tuple[Readiness, ...]
    images: tuple[str, ...]
    built: tuple[str, ...] = ()
    foreign: tuple[tuple[str, str], ...] = ()


def describe(name: str, config: str) -> Cluster:
    """The cluster that a resolved compose file describes: enough for ``check``, ``plan``. Raises ``ClusterError``."""
    services = _services(config)
    cluster = _cluster(name, _blocks(services), services)
    _refuse(cluster, services, yaml.safe_load(config))
    return cluster


def our_images(config: str) -> frozenset[str]:
    """Names (``ollama``, ``gateway``) of the images of ours that the file's own services use."""
    used = (str(tree.get("image", "")) for tree in _services(config).values())
    return frozenset(image.removeprefix(OURS) for image in used if image.startswith(OURS) and ":" not in image)


def weave(
    name: str, config: str, images: Mapping[str, str], labels: pods.Labels, alerts: Sequence[AlertRule] = ()
) -> Woven:
    """``config``: YAML of ``docker compose config``. ``images``: our names -> references. Raises ``ClusterError``.

    ``alerts``: rules for the run's Prometheus.
    """
    document: Tree = yaml.safe_load(config)
    services = _services(config)
    blocks = _blocks(services)
    cluster = _cluster(name, blocks, services)
    _refuse(cluster, services, document)
    unrolled = {service: block.names() for service, block in blocks.items()}
    references = _references(services, images)
    woven: dict[str, Tree] = {}
    volumes: dict[str, Tree] = dict(document.get("volumes") or {})
    for node in cluster.nodes:
        tree = _retargeted(services[node.service], unrolled, services)
        if blocks[node.service].volumes == "each":
            tree, made = _own_volumes(node.name, tree, document.get("volumes") or {})
            volumes |= made
        if node.pod == node.name:
            aliases = _aliases(node, cluster, tree)
            woven[pods.pod_name(node.name)] = pods.sidecar(node.name, aliases, tree, images["sidecar"], labels)
        image = references.get(node.service)
        woven[node.name] = pods.inhabitant(node.name, node.pod, tree, image, labels)
    owners = [pods.pod_name(node.name) for node in cluster.nodes if node.pod == node.name]
    networks = _networks(services)
    woven |= pods.client(images["client"], networks, owners, images["sidecar"], labels)
    woven["chaos-prometheus"] = pods.prometheus(
        images["prometheus"],
        _escaped(scrape.config(cluster, alerts=bool(alerts))),
        _escaped(scrape.rules(alerts)),
        networks,
        owners,
        labels,
    )
    document = {**document, "volumes": volumes}
    text = yaml.dump(_whole(document, woven, networks, labels), Dumper=_Plain, sort_keys=False, width=120)
    return Woven(
        cluster=cluster,
        text=text,
        first=(*owners, "chaos-client-pod", "chaos-client", "chaos-prometheus"),
        then=tuple(node.name for node in cluster.nodes),
        ready=_readiness(cluster, blocks, services),
        images=tuple(sorted({str(tree["image"]) for tree in woven.values() if "image" in tree})),
        built=tuple(_users({n.name: references[n.service] for n in cluster.nodes if "build" in services[n.service]})),
        foreign=tuple(
            (image, node)
            for node, image in _users({n.name: str(woven[n.name].get("image")) for n in cluster.nodes}).items()
            if image not in images.values() and not image.startswith(BUILT)
        ),
    )


def _services(config: str) -> dict[str, Tree]:
    services = (yaml.safe_load(config) or {}).get("services")
    if not services:
        raise ClusterError("the compose file has no services (or all of them are in profiles that are not active).")
    return {str(name): dict(tree) for name, tree in services.items()}


def _blocks(services: Mapping[str, Tree]) -> dict[str, Block]:
    return {service: read_block(service, tree) for service, tree in services.items()}


def _cluster(name: str, blocks: Mapping[str, Block], services: Mapping[str, Tree]) -> Cluster:
    nodes: list[Node] = []
    jobs = {service for service, block in blocks.items() if block.job} | _awaited_ends(services)
    for service, block in blocks.items():
        for index, node in enumerate(block.names(), start=1):
            pod = _pod_of(service, node, services, blocks)
            mounts = _volumes(services[service])
            seen = (block.ports, block.metrics, block.leader, mounts, service in jobs)
            nodes.append(Node(node, service, block.role, pod, index, *seen))
    names = [node.name for node in nodes]
    for node in names:
        if names.count(node) > 1:
            raise ClusterError(f"two nodes are called '{node}'; give one service another x-harness name.")
    return Cluster(name, tuple(nodes))


def _awaited_ends(services: Mapping[str, Tree]) -> set[str]:
    """Services whose successful end another one waits for."""
    waits = [(tree.get("depends_on") or {}).items() for tree in services.values()]
    return {s for found in waits for s, how in found if how.get("condition") == "service_completed_successfully"}


def _volumes(tree: Tree) -> tuple[str, ...]:
    """Where volumes are mounted that are not the host's own directories: what a fault may fill or break."""
    declared = [mount for mount in tree.get("volumes") or () if isinstance(mount, Mapping)]
    mounts = [str(mount["target"]) for mount in declared if mount.get("type") in ("volume", "tmpfs")]
    tmpfs = tree.get("tmpfs") or ()
    return (*mounts, *(str(path).partition(":")[0] for path in ([tmpfs] if isinstance(tmpfs, str) else tmpfs)))


def _pod_of(service: str, node: str, services: Mapping[str, Tree], blocks: Mapping[str, Block]) -> str:
    mode = str(services[service].get("network_mode", ""))
    if not mode.startswith("service:"):
        return node
    owner = mode.removeprefix("service:")
    if owner not in blocks or blocks[owner].count > 1 or blocks[service].count > 1:
        raise ClusterError(f"service {service}: network_mode {mode} needs one node on either side; give it networks.")
    return _pod_of(owner, blocks[owner].names()[0], services, blocks)  # which may itself be another's guest


def _aliases(node: Node, cluster: Cluster, tree: Tree) -> list[str]:
    """The names under which a pod is found: its nodes', its service's, and the container's old one."""
    old = [str(tree["container_name"])] if "container_name" in tree else []
    return [*(other.name for other in cluster.nodes if other.pod == node.name), node.service, *old]


def _refuse(cluster: Cluster, services: Mapping[str, Tree], document: Tree) -> None:
    """What cannot be woven, each in one sentence with the way out."""
    for service, tree in services.items():
        mode = str(tree.get("network_mode", ""))
        if mode and not mode.startswith("service:"):
            raise ClusterError(
                f"service {service}: network_mode {mode} leaves no namespace of its own to break; give it a network."
            )
        if tree.get("privileged"):
            raise ClusterError(f"service {service}: privileged containers are not started; name its cap_add instead.")
        if any(str(mount.get("source", "")).endswith(_ENGINE_SOCKETS) for mount in tree.get("volumes") or ()):
            raise ClusterError(
                f"service {service}: it mounts the engine's socket, and could reach what is not of the run; "
                "leave that volume out."
            )
        fixed = [name for name, options in (tree.get("networks") or {}).items() if _is_fixed(options or {})]
        if fixed and sum(node.service == service for node in cluster.nodes) > 1:
            raise ClusterError(
                f"service {service}: its nodes cannot all have the one address that is written for network "
                f"{fixed[0]}; leave it out."
            )
        if service.startswith("chaos-"):
            raise ClusterError(f"service {service}: names that start with 'chaos-' are the harness's own; rename it.")
    for node in cluster.nodes:
        if node.name.startswith("chaos-") or node.name.endswith("-pod"):
            raise ClusterError(
                f"node {node.name}: names that start with 'chaos-' or end with '-pod' are the harness's own; "
                "give it another x-harness name."
            )
        if taken := sorted({*node.ports} & {*_OUR_PORTS}):
            raise ClusterError(f"node {node.name}: port {taken[0]} is its sidecar's own; move the node's.")
    for network, options in (document.get("networks") or {}).items():
        if (options or {}).get("external"):
            raise ClusterError(f"network {network} is external: faults stay in a run's own networks; drop 'external'.")


def _is_fixed(options: Tree) -> bool:
    return "ipv4_address" in options or "ipv6_address" in options


def _retargeted(tree: Tree, unrolled: Mapping[str, tuple[str, ...]], services: Mapping[str, Tree]) -> Tree:
    """The service with what points at other services pointing at the nodes or pods they became."""
    found = dict(tree)
    if depends := tree.get("depends_on"):
        found["depends_on"] = {
            node: {k: v for k, v in options.items() if k != "restart"}
            for service, options in depends.items()
            for node in unrolled.get(service, ())
        }
    if links := tree.get("links"):
        parts = [str(link).partition(":") for link in links]
        found["links"] = [
            f"{pods.pod_name(unrolled[service][0])}:{alias or service}"
            for service, _, alias in parts
            if service in services
        ]
    for key in ("pid", "ipc"):
        if (mode := str(tree.get(key, ""))).startswith("service:"):
            found[key] = f"service:{unrolled[mode.removeprefix('service:')][0]}"
    if "volumes_from" in tree:
        found["volumes_from"] = [_same_volumes(str(source), unrolled) for source in tree["volumes_from"]]
    return found


def _same_volumes(source: str, unrolled: Mapping[str, tuple[str, ...]]) -> str:
    """``data:ro`` with the name of the node that service became; another kind of source stays as it is."""
    service, colon, mode = source.partition(":")
    return f"{unrolled[service][0]}{colon}{mode}" if service in unrolled else source


def _references(services: Mapping[str, Tree], images: Mapping[str, str]) -> dict[str, str]:
    """service -> image, where that is not what its file says: ours, and what compose builds.

    What is built has one name for all nodes and all runs, so that the next run finds its layers and no run leaves a
    name behind; a service that names the image which another one builds gets that.
    """
    found: dict[str, str] = {}
    built: dict[str, str] = {}
    for service, tree in services.items():
        if "build" in tree:
            content = hashlib.sha256(json.dumps(tree["build"], sort_keys=True, default=str).encode()).hexdigest()
            found[service] = f"{BUILT}{re.sub('[^a-z0-9]+', '-', service.lower()).strip('-')}:{content[:12]}"
            built[str(tree.get("image"))] = found[service]
    for service, tree in services.items():
        image = str(tree.get("image"))
        if image.startswith(OURS) and ":" not in image:
            found[service] = images[image.removeprefix(OURS)]
        elif "image" in tree and image in built:
            found.setdefault(service, built[image])
    return found


def _users(images: Mapping[str, str]) -> dict[str, str]:
    """Of nodes that use the same image only the first."""
    first = {image: node for node, image in reversed([*images.items()])}
    return {node: image for node, image in images.items() if first[image] == node}


def _networks(services: Mapping[str, Tree]) -> list[str]:
    found = [network for tree in services.values() for network in (tree.get("networks") or {})]
    return list(dict.fromkeys(found)) or ["default"]


def _own_volumes(node: str, tree: Tree, declared: Mapping[str, Tree]) -> tuple[Tree, dict[str, Tree]]:
    """The service with every named volume replaced by one of this node's own, and what these are declared as."""
    made: dict[str, Tree] = {}

    def own(mount: Tree) -> Tree:
        name = str(mount.get("source", "")) if mount.get("type") == "volume" else ""
        if name not in declared:
            return mount
        made[f"{name}-{node}"] = {k: v for k, v in (declared[name] or {}).items() if k != "name"}
        return {**mount, "source": f"{name}-{node}"}

    mounts = [own(mount) for mount in tree.get("volumes") or ()]
    return ({**tree, "volumes": mounts} if made else tree), made


def _escaped(text: str) -> str:
    """Compose interpolates ``$``; what is meant as it stands has it doubled."""
    return text.replace("$", "$$")


def _whole(document: Tree, services: dict[str, Tree], networks: list[str], labels: pods.Labels) -> Tree:
    run = {pods.LABEL_RUN: labels.project, pods.LABEL_RECORD: labels.record}
    kept = {k: v for k, v in document.items() if k in ("configs", "secrets")}
    own_networks = {name: _unpinned((document.get("networks") or {}).get(name), run) for name in networks}
    return {
        "name": labels.project,
        "services": services,
        "networks": {**own_networks, "chaos-metrics": {"labels": run}},
        "volumes": {name: _unpinned(options, run) for name, options in (document.get("volumes") or {}).items()},
        **kept,
    }


def _unpinned(options: Tree | None, labels: Tree) -> Tree:
    """A network or volume under the run's own name: pinned names would make two runs meet. An external one stays."""
    found = options or {}
    if found.get("external"):
        return found
    return {**{k: v for k, v in found.items() if k != "name"}, "labels": {**(found.get("labels") or {}), **labels}}


def _has_check(tree: Tree) -> bool:
    check = tree.get("healthcheck") or {}
    return bool(check.get("test")) and not check.get("disable") and check["test"] not in ("NONE", ["NONE"])


def _readiness(cluster: Cluster, blocks: Mapping[str, Block], services: Mapping[str, Tree]) -> tuple[Readiness, ...]:
    found: list[Readiness] = []
    for node in cluster.nodes:
        options = dict(blocks[node.service].ready)
        if options:
            client, port, timeout = options.pop("client"), options.pop("port", None), options.pop("timeout", None)
            timeout_s = None if timeout is None else _timeout_s(node.service, timeout)
            words = tuple(options.items())
            found.append(Readiness(node.name, client, words, int(port) if port else None, timeout_s))
        elif _has_check(services[node.service]):
            found.append(Readiness(node.name, HEALTHCHECK, ()))
    return tuple(found)


def _timeout_s(service: str, text: str) -> float:
    try:
        return units.duration_s(text)
    except ValueError as error:
        raise ClusterError(f"service {service}: x-harness ready: 'timeout' {error}.") from error
