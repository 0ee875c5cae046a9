"""What each agent is told before any node starts. Pure."""

from collections.abc import Collection, Mapping, Sequence

from harness.cluster import CLIENT, Cluster, Link
from harness.scenario import Scenario
from harness.wire import PROXY_PORTS_FROM, Address, Prepare, Redirect

_PEERS_MAX = 12  # probing everyone from everyone grows with the square; beyond this, near neighbours stand for the rest
_PROBE_TIMEOUT_S = 1.0


def pods(cluster: Cluster) -> tuple[str, ...]:
    """Every pod that has an agent: the nodes' own, and the client's, last."""
    return (*dict.fromkeys(node.pod for node in cluster.nodes), CLIENT)


def prepare(scenario: Scenario, cluster: Cluster, addresses: Sequence[Address]) -> Mapping[str, Prepare]:
    """pod -> its orders: who is who, what runs through Toxiproxy all run long, whom to probe."""
    slowest_s = max((fault.strength_s() for fault in scenario.faults), default=0.0)
    return orders(cluster, addresses, scenario.proxied(cluster), slowest_s, faults=bool(scenario.faults))


def orders(
    cluster: Cluster, addresses: Sequence[Address], proxied: Collection[Link], slowest_s: float, *, faults: bool = True
) -> Mapping[str, Prepare]:
    """``proxied``: links that run through Toxiproxy, ports filled in; ``slowest_s``: the most a fault adds to them.

    ``faults``: whether there will be any.
    """
    names = pods(cluster)
    links = sorted(proxied, key=str)
    return {
        pod: Prepare(
            node=pod,
            addresses=tuple(addresses),
            ports=_ports(cluster, pod),
            redirects=_redirects([link for link in links if cluster.pod_of(link.source) == pod]),
            peers=_peers(names, pod),
            probe_every_s=_probe_every_s(names, faults=faults),
            probe_timeout_s=_PROBE_TIMEOUT_S + 2 * slowest_s,
            scraped=_scraped(cluster, pod),
        )
        for pod in names
    }


def _probe_every_s(names: Sequence[str], *, faults: bool) -> float:
    """Echoes are witnesses: with nothing to witness they only show that the links are there."""
    if not faults:
        return 2.0
    return 0.5 if len(names) <= 6 else 1.0


def _ports(cluster: Cluster, pod: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(port for node in cluster.nodes if node.pod == pod for port in node.ports))


def _scraped(cluster: Cluster, pod: str) -> tuple[int, ...]:
    """Ports for metrics that are no node's service as well: who asks them is Prometheus."""
    serves = _ports(cluster, pod)
    own = (node.open_ports()[len(node.ports) :] for node in cluster.nodes if node.pod == pod)
    return tuple(port for port in dict.fromkeys(port for ports in own for port in ports) if port not in serves)


def _redirects(links: Sequence[Link]) -> tuple[Redirect, ...]:
    return tuple(
        Redirect(link.target, link.port or 0, PROXY_PORTS_FROM + 2 * i, PROXY_PORTS_FROM + 2 * i + 1)
        for i, link in enumerate(links)
    )


def _peers(names: Sequence[str], pod: str) -> tuple[str, ...]:
    """The pods after this one in a ring, at most so many: every pod is probed, and by as many as it probes."""
    place = names.index(pod)
    around = (*names[place + 1 :], *names[:place])
    return around[:_PEERS_MAX]
