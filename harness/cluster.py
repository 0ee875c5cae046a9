"""A cluster in words: its nodes, and the links between them. Pure values, read from a compose file by ``weave``."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

CLIENT = "client"  # the pod that puts the load on; no node may have this name
EVERYONE = "everyone"
LINK_PATTERN = re.compile(r"\s*([\w.-]+)\s*->\s*([\w.-]+?)(?::(\d{1,5}))?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a cluster, as ``x-harness`` describes its service.

    ``ports``: TCP or UDP ports it serves; the first is the one a link means when it names none.
    ``index``: its place among the nodes of its service, from 1.
    ``metrics``: ``port/path`` that Prometheus scrapes, or None. ``pod``: the node whose network namespace it lives in;
    itself, unless the compose file says ``network_mode: service:...``.
    ``leader``: PromQL that is 1 on whichever node of its service leads, or None. ``volumes``: where volumes that the
    compose file declares (and no directory of the host) are mounted in it. ``job``: it does its work and ends by
    itself, with 0.
    """

    name: str
    service: str
    role: str
    pod: str
    index: int = 1
    ports: tuple[int, ...] = ()
    metrics: str | None = None
    leader: str | None = None
    volumes: tuple[str, ...] = ()
    job: bool = False

    @property
    def instance(self) -> str | None:
        """What Prometheus calls its own metrics (the label ``instance``); None where it is not scraped."""
        return f"{self.name}:{self.metrics.partition('/')[0]}" if self.metrics else None

    def open_ports(self) -> tuple[int, ...]:
        """Every port that is known of it, the metrics' too."""
        metrics = (self.metrics or "").partition("/")[0]
        return (*self.ports, *((int(metrics),) if metrics.isdecimal() else ()))


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """A directed edge: connections that ``source`` opens to ``target:port``. ``port`` None: the target's first."""

    source: str
    target: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Link":
        found = LINK_PATTERN.fullmatch(text)
        if not found:
            raise ValueError(f"is '{text}': write a link as 'gateway -> n1' or 'gateway -> n1:11434'")
        port = int(found[3]) if found[3] else None
        if port is not None and not 0 < port < 65536:
            raise ValueError(f"is '{text}': a port is a number from 1 to 65535")
        return cls(found[1], found[2], port)

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}" + (f":{self.port}" if self.port else "")


@dataclass(frozen=True, slots=True)
class Cluster:
    """The nodes of one compose file, in the order of the file, replicas unrolled. The client is not one of them."""

    name: str
    nodes: tuple[Node, ...]

    def names(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.nodes)

    def of_role(self, role: str) -> tuple[str, ...]:
        """The nodes of a role, in the order of the file; none where nobody has it."""
        return tuple(node.name for node in self.nodes if node.role == role)

    def chosen(self, names: Collection[str]) -> tuple[str, ...]:
        """These nodes, each once; a role stands for its nodes, and no name at all for every node."""
        found = ((name,) if self.has(name) else self.of_role(name) for name in names)
        return tuple(dict.fromkeys(node for nodes in found for node in nodes)) if names else self.names()

    def roles(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(node.role for node in self.nodes))

    def has(self, name: str) -> bool:
        return name in self.names()

    def node(self, name: str) -> Node:
        """The node of that name; ``KeyError`` where there is none (``check`` has refused the scenario before)."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def pod_of(self, name: str) -> str:
        """The pod in which a node, or the client, lives: what is done to packets is done to all of a pod."""
        return name if name == CLIENT else self.node(name).pod

    def unknown(self, name: str) -> str | None:
        """None if there is such a node; else the sentence that says there is not."""
        names = self.names()
        if name in names:
            return None
        close = get_close_matches(name, names, n=1)
        hint = f"; did you mean '{close[0]}'?" if close else f" (there are {', '.join(names)})"
        return f"there is no {name}{hint}"

    def resolve(self, link: Link) -> Link:
        """The link with its port filled in from the target; unchanged where the target declares none."""
        if link.port is not None:
            return link
        ports = self.node(link.target).ports
        return Link(link.source, link.target, ports[0] if ports else None)
