"""What many faults cost: to read, check and plan a scenario of them, and to arm them at one agent."""

from bench.idle_cluster import IdleCluster
from bench.rows import Measured
from harness.clock import monotonic_ns, to_ns, to_s
from harness.cluster import Cluster
from harness.faults.partition import Partition
from harness.loader import bind, parse
from harness.primitives import Cut
from harness.schedule import moves
from harness.wire import Arm, Armed, Heal, Healed

FEW, MANY = 10, 100
_AWAY_S = 120.0  # they are healed long before they would fire
_ANSWER_S = 60.0
_HEAD = """\
scenario: many
about: Many faults, one after the other.
cluster: ollama
phases: {warmup: 1s, faults: 1h, recovery: 1s}
traffic:
  - {name: chat, client: ollama-generate, to: gateway, rate: 1/s}
objectives:
  - {name: answers, of: chat, success: ">= 1%"}
faults:
"""
_LINE = "  - {{fault: partition, name: cut-{i}, at: {at}s, for: 5s, nodes: [n{node}], from: everyone}}\n"


def scenario(count: int) -> bytes:
    lines = (_LINE.format(i=i, at=1 + 3 * i, node=1 + i % 3) for i in range(count))
    return (_HEAD + "".join(lines)).encode()


def planned(cluster: Cluster, repeats: int) -> dict[str, Measured]:
    """From a file's bytes to its moves; of one fault, in a scenario of many and in one of few."""

    def once(count: int) -> float:
        data = scenario(count)
        began_ns = monotonic_ns()
        found = moves(bind(parse(data, "many.yaml"), cluster), cluster)
        assert len(found) == 4 + 2 * count
        return to_s(monotonic_ns() - began_ns) / count

    pairs = [(once(MANY), once(FEW)) for _ in range(repeats)]
    ours, peer = zip(*pairs, strict=True)
    return {"plan": Measured(ours, peer, "each fault: read, bound, checked against the others, compiled, ordered")}


def armed(cluster: IdleCluster, repeats: int) -> dict[str, Measured]:
    """Cuts armed at the agent of n1 until it has said so of the last; of one fault, many in a row and few."""
    pairs = [(_arm(cluster, MANY), _arm(cluster, FEW)) for _ in range(repeats)]
    ours, peer = zip(*pairs, strict=True)
    return {"arm": Measured(ours, peer, "each fault: its rules made, and read back, by one agent")}


def _arm(cluster: IdleCluster, count: int) -> float:
    at_ns = monotonic_ns() + to_ns(_AWAY_S)
    cuts = {f"bench-{i}": _cuts(cluster.cluster, f"bench-{i}") for i in range(count)}
    began_ns = monotonic_ns()
    for name, primitives in cuts.items():
        cluster.send("n1", Arm(name, at_ns, at_ns + to_ns(5.0), 7.0, primitives))
    ready = gone = 0
    took_s = 0.0
    for _, message in cluster.messages(_ANSWER_S, f"{count} faults to be armed and healed"):
        ready += isinstance(message, Armed)
        gone += isinstance(message, Healed)
        if ready == count and not took_s:
            took_s = to_s(monotonic_ns() - began_ns) / count
            for name in cuts:
                cluster.send("n1", Heal(name))
        if gone == count:
            break
    return took_s


def _cuts(cluster: Cluster, name: str) -> tuple[Cut, ...]:
    cut = Partition(name=name, at_s=0.0, for_s=5.0, nodes=("n1",), others=("n2", "n3"))
    return tuple(p for p in cut.compile(cluster, ()) if isinstance(p, Cut) and p.node == "n1")
