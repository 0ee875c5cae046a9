"""How exactly things happen on an idle cluster: cuts by the real agents, requests by the real load generator."""

from bench.idle_cluster import IdleCluster
from bench.rows import Measured
from harness.clock import monotonic_ns, to_ns, to_s
from harness.faults.partition import Partition
from harness.operations import Operation, unpack
from harness.primitives import Cut
from harness.runner.programs import LOAD
from harness.stats import send_error_p99_s
from harness.wire import Answered, Arm, Fired, Healed, Load, LoadDone, Once, Operations

LEAD_S = 0.15  # armed so long before it fires
HOLD_S = 0.1
_ANSWER_S = 10.0
_NODES = ("n1", "n2", "n3")
_CUT = Partition(name="bench", at_s=0.0, for_s=HOLD_S, nodes=("n1",), others=("n2", "n3", "client"))
RATE_PER_S = 500.0


def partitions(cluster: IdleCluster, count: int) -> dict[str, Measured]:
    """Cut n1 off from n2, n3 and the client, ``count`` times; after each heal the client asks n1 over a new connection.

    In force counts to the last of the nodes, from the planned instant. The answer counts from the last pod that healed
    and includes the order to the client. After each cut n2 is paused by the engine and let go, until the call returned;
    then all three nodes are, by a thread each: from the first call that returned to the last.
    """
    late_s, skew_s, fresh_s, pause_s, together_s = [], [], [], [], []
    for number in range(count):
        at_ns = monotonic_ns() + to_ns(LEAD_S)
        fired, healed_ns = _cut_once(cluster, at_ns)
        afters_ns = [fired[node].after_ns for node in _NODES]
        late_s.append(to_s(max(afters_ns) - at_ns))
        skew_s.append(to_s(max(afters_ns) - min(afters_ns)))
        fresh_s.append(to_s(_answered_ns(cluster, number) - healed_ns))
        pause_s.append(cluster.pause("n2"))
        together_s.append(cluster.pause_together(_NODES))
    note = f"{count} cuts of {HOLD_S:g} s" + (": p99 is the largest" if count < 100 else "")
    found = {"in-force": late_s, "in-force-median": late_s, "skew": skew_s, "skew-median": skew_s, "fresh": fresh_s}
    measured = {key: Measured(tuple(samples_s), note=note) for key, samples_s in found.items()}
    beside = Measured(tuple(late_s), tuple(pause_s), f"{note}, in turn with pauses by the engine's API")
    threads = Measured(tuple(skew_s), tuple(together_s), f"{note}, in turn with three pauses at once by threads")
    return {**measured, "beside-pause": beside, "skew-threads": threads}


def _cut_once(cluster: IdleCluster, at_ns: int) -> tuple[dict[str, Fired], int]:
    """Who fired when, and when the last of them had healed."""
    parts: dict[str, list[Cut]] = {}
    for primitive in _CUT.compile(cluster.cluster, ()):
        assert isinstance(primitive, Cut)
        parts.setdefault(primitive.node, []).append(primitive)
    for pod, cuts in parts.items():
        cluster.send(pod, Arm(_CUT.name, at_ns, at_ns + to_ns(HOLD_S), HOLD_S + 2.0, tuple(cuts)))
    fired: dict[str, Fired] = {}
    healed_ns: dict[str, int] = {}
    for pod, message in cluster.messages(_ANSWER_S, "the agents to cut and to heal"):
        match message:
            case Fired():
                fired[pod] = message
            case Healed():
                healed_ns[pod] = message.after_ns
        if healed_ns.keys() == parts.keys():
            break
    return fired, max(healed_ns.values())


def _answered_ns(cluster: IdleCluster, number: int) -> int:
    cluster.send(LOAD, Once(number, "http", "n1", 11434, _ANSWER_S, (("path", "/api/version"),)))
    for _, message in cluster.messages(_ANSWER_S + 1, "n1 to answer after a heal"):
        if isinstance(message, Answered) and message.id == number and message.outcome == "OK":
            break
    return monotonic_ns()


def send_errors(cluster: IdleCluster, repeats: int, length_s: float) -> dict[str, Measured]:
    """The p99 of each of some loads of 500 requests a second on the gateway's own /healthz."""
    found = []
    for number in range(repeats):
        load = load_once(cluster, f"bench-{number}", length_s, host="gateway", port=8080, path="/healthz")
        if (error_s := send_error_p99_s(load)) is not None:
            found.append(error_s)
    note = f"{repeats} loads of {length_s:g} s"
    return {"send-error": Measured(tuple(found), note=note)}


def load_once(
    cluster: IdleCluster, name: str, length_s: float, *, host: str, port: int, path: str, rate_per_s: float = RATE_PER_S
) -> list[Operation]:
    """Everything that one load of GETs over kept connections came to."""
    start_ns = monotonic_ns() + to_ns(0.5)
    load = Load(
        traffic=name,
        client="http",
        host=host,
        port=port,
        rate_per_s=rate_per_s,
        timeout_s=2.0,
        start_ns=start_ns,
        end_ns=start_ns + to_ns(length_s),
        connection="keep-alive",
        in_flight_max=1000,
        seed=7,
        options=(("path", path),),
    )
    cluster.send(LOAD, load)
    operations: list[Operation] = []
    for _, message in cluster.messages(length_s + _ANSWER_S, "the load to end"):
        match message:
            case Operations(traffic, packed) if traffic == name:
                operations += unpack(packed)
            case LoadDone(traffic) if traffic == name:
                break
    return operations
