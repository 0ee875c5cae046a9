"""How quick a skewed clock bites in a program, and what each of its calls then costs: by the program's own clock."""

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from statistics import median

from docker.errors import DockerException, NotFound
from docker.models.containers import Container

from bench.rows import Measured
from harness.drivers.docker import connect
from harness.errors import EngineError
from harness.primitives import Clock
from harness.weave.pods import Labels

# Beside the node: skewed and back, so many times; each time the instant before it is one line.
_BESIDE = """
import json, sys, time
from harness.agent.clock.mechanism import Clocks
from harness.primitives import Clock
clocks = Clocks()
for number in range(int(sys.argv[1])):
    clocks.arm("bench", [Clock("n1", 3600.0)], 30.0)
    time.sleep(0.1)
    print(time.monotonic_ns(), flush=True)
    clocks.fire("bench")
    clocks.confirm_fired("bench")
    time.sleep(0.15)
    clocks.heal("bench")
    clocks.forget("bench")
clocks.leave()
"""

# The node: each time its clock jumps, one line: when, and what a call cost since the last jump, at the least.
_NODE = """
import json, time, timeit
was, least_ns, now = time.time() - time.monotonic(), 1e9, time.time
while True:
    for _ in range(40):
        for _ in range(50):
            ahead = time.time() - time.monotonic()
            if abs(ahead - was) > 1000:
                print(json.dumps([time.monotonic_ns(), ahead > was, least_ns]), flush=True)
                was, least_ns = ahead, 1e9
    least_ns = min(least_ns, *(s / 2000 * 1e9 for s in timeit.repeat(now, number=2000, repeat=3)))
"""
_LONGEST_S = 60


@dataclass(frozen=True, slots=True)
class Jump:
    """``ahead``: the clock was skewed, else it came back. ``call_ns``: what one call cost before it."""

    at_ns: int
    ahead: bool
    call_ns: float


def clock_skew(image: str, labels: Labels, repeats: int) -> dict[str, Measured]:
    """Raises ``EngineError``; both containers are gone when this returns."""
    client = connect()
    name = f"{labels.project}-clock-{secrets.token_hex(3)}"
    made: list[Container] = []

    def start(part: str, command: list[str], beside: Container | None = None) -> Container:
        found = client.containers.run(
            image,
            entrypoint=["python3", "-c", *command],
            name=f"{name}-{part}",
            labels=labels.of("node", part),
            network_mode="none",
            pid_mode=f"container:{beside.id}" if beside else None,
            cap_drop=["ALL"],
            cap_add=list(Clock.capabilities) if beside else [],
            security_opt=["no-new-privileges:true"],
            detach=True,
        )
        made.append(found)
        return found

    try:
        node = start("node", [_NODE])
        beside = start("beside", [_BESIDE, str(repeats)], beside=node)
        code, told = beside.wait(timeout=_LONGEST_S)["StatusCode"], beside.logs().decode()
        if code != 0:
            raise EngineError(f"the clock could not be skewed: {told.strip().splitlines()[-1:]}")
        jumps = [Jump(*json.loads(line)) for line in node.logs().decode().splitlines()]
        return figures([int(line) for line in told.splitlines()], jumps)
    except DockerException as error:
        raise EngineError(f"the clock could not be skewed: {error}") from error
    finally:
        for container in reversed(made):
            with suppress(NotFound):
                container.remove(force=True)
        client.close()


def figures(fired_ns: list[int], jumps: list[Jump]) -> dict[str, Measured]:
    """``fired_ns``: just before each was fired."""
    ahead = [jump.at_ns for jump in jumps if jump.ahead]
    bites_s = [(at_ns - asked_ns) / 1e9 for asked_ns, at_ns in zip(fired_ns, ahead, strict=False)]
    true_ns = [jump.call_ns for jump in jumps if jump.ahead and jump.call_ns < 1e9]
    skewed_ns = [jump.call_ns for jump in jumps if not jump.ahead and jump.call_ns < 1e9]
    if not bites_s or not true_ns or not skewed_ns:
        return dict.fromkeys(("clock-bites", "clock-call"), Measured(note="the node's clock was not seen to jump"))
    # The first stretch was before anything was put into the process.
    added = [(call_ns - true_ns[0]) / 1e9 for call_ns in skewed_ns]
    note = f"{true_ns[0]:.0f} ns a call of Python's before, {median(skewed_ns):.0f} ns skewed"
    return {
        "clock-bites": Measured(tuple(bites_s), note=f"{len(bites_s)} jumps of an hour, by the program's own clock"),
        "clock-call": Measured(tuple(added), note=note),
    }
